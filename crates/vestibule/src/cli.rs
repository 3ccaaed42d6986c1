//! The command line: which role, and the few settings worth a flag.
//!
//! Everything else is set in the file or by variables; a flag for each would be a second file.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use toml::Value;
use url::Url;

use crate::{
    config::Flag,
    demo,
    roles::{check, config_show, crowd, gateway, purchase, recorder, serve},
};

/// A virtual waiting room that also guards the stock.
#[derive(Parser)]
#[command(version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Everything on this machine with a demo shop, a crowd and a judge
    Demo(demo::Options),
    /// Everything in one process, for one shop on one machine
    Serve(ServeOptions),
    /// The waiting room and its gate, in front of the shop
    Gateway(RoleOptions),
    /// Reserve, confirm and cancel
    Purchase(RoleOptions),
    /// Writes the stream of stock events to the ledger
    Recorder(RoleOptions),
    /// Looks at everything a role depends on, and changes nothing
    Check(RoleOptions),
    /// The configuration
    Config {
        #[command(subcommand)]
        what: ConfigRole,
    },
    /// Prints the `OpenAPI` document of both sides
    Openapi,
    /// One share of the demo's crowd
    #[command(hide = true)]
    Crowd {
        /// What it is to do
        #[arg(long)]
        plan: PathBuf,
    },
}

#[derive(Subcommand)]
enum ConfigRole {
    /// Every value in effect and where it came from; secrets stay hidden
    Show(RoleOptions),
}

/// Flags of a single role.
#[derive(Args)]
pub(crate) struct RoleOptions {
    /// The configuration file
    #[arg(long, env = "VESTIBULE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The address to listen on, instead of the configured one
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The operators' address, instead of the configured one
    #[arg(long, value_name = "ADDR")]
    operator: Option<SocketAddr>,
}

/// Flags of `serve`.
#[derive(Args)]
pub(crate) struct ServeOptions {
    /// The shop to stand in front of, such as <http://127.0.0.1:3000>
    #[arg(long, value_name = "URL", value_parser = shop)]
    upstream: Option<Url>,
    /// Where everything is kept
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    common: RoleOptions,
}

/// A shop's URL. `localhost:3000` is one too, with the scheme `localhost`: not what was meant.
fn shop(text: &str) -> Result<Url, String> {
    Url::parse(text)
        .ok()
        .filter(Url::has_host)
        .ok_or_else(|| "write it like http://127.0.0.1:3000".to_owned())
}

impl RoleOptions {
    /// As settings; `listens` is the path of the address this role listens on.
    pub(crate) fn flags(&self, listens: &'static str) -> Vec<Flag> {
        let address = |name, path, address: Option<SocketAddr>| {
            address.map(|address| Flag {
                name,
                path,
                value: Value::String(address.to_string()),
            })
        };
        [
            address("--listen", listens, self.listen),
            address("--operator", "listen.operator", self.operator),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl ServeOptions {
    /// The file, and the flags as settings. `--upstream` makes or changes the first room.
    pub(crate) fn settings(&self) -> (Option<&PathBuf>, Vec<Flag>) {
        let mut flags = self.common.flags("listen.gateway");
        if let Some(upstream) = &self.upstream {
            let value = Value::String(upstream.to_string());
            flags.push(Flag {
                name: "--upstream",
                path: "gateway.rooms.0.upstream",
                value,
            });
        }
        if let Some(data) = &self.data {
            let value = Value::String(data.display().to_string());
            flags.push(Flag {
                name: "--data",
                path: "data.dir",
                value,
            });
        }
        (self.common.config.as_ref(), flags)
    }
}

impl Cli {
    /// Runs the role to its end.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.role {
            Role::Demo(options) => wait_for(demo::run(options)),
            Role::Serve(options) => wait_for(serve::run(options)),
            Role::Gateway(options) => wait_for(gateway::run(options)),
            Role::Purchase(options) => wait_for(purchase::run(options)),
            Role::Recorder(options) => wait_for(recorder::run(options)),
            Role::Check(options) => wait_for(check::run(options)),
            Role::Config {
                what: ConfigRole::Show(options),
            } => config_show::run(&options),
            Role::Openapi => {
                print!("{}", crate::openapi::text());
                Ok(ExitCode::SUCCESS)
            }
            Role::Crowd { plan } => crowd::run(&plan),
        }
    }
}

/// This runtime only waits: for signals, for the crowd. Each part has a thread and runtime of its
/// own.
fn wait_for(role: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(role)
}
