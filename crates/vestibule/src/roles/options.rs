//! The flags of the roles, as settings.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use toml::Value;
use url::Url;

use crate::config::Flag;

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

/// Flags of `recorder`.
#[derive(Args)]
pub(crate) struct RecorderOptions {
    /// Try every event that was set aside again, print what became of each, and end; 1 if any is left
    #[arg(long)]
    pub(crate) replay_dead: bool,
    /// Discard an event that was set aside and settled by hand, print it, and end
    #[arg(long, value_name = "SALE/EVENT", conflicts_with = "replay_dead")]
    pub(crate) discard_dead: Option<String>,
    #[command(flatten)]
    pub(crate) common: RoleOptions,
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

/// Flags of `audit`.
#[derive(Args)]
pub(crate) struct AuditOptions {
    /// The configuration file
    #[arg(long, env = "VESTIBULE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The data directory of a `serve` that keeps its own stores
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Settle what has one right answer; the sale is closed for the seconds it takes
    #[arg(long)]
    pub(crate) repair: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
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
