//! The command line: which role, and the few settings worth a flag.
//!
//! Everything else is set in the file or by variables; a flag for each would be a second file.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    demo,
    roles::{
        AuditOptions, RecorderOptions, RoleOptions, ServeOptions, audit, chaos, check, config_show,
        crowd, gateway, purchase, recorder, serve,
    },
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
    Recorder(RecorderOptions),
    /// Looks at everything a role depends on, and changes nothing
    Check(RoleOptions),
    /// Compares ledger, stock store and stream, and says what differs
    Audit(AuditOptions),
    /// The configuration
    Config {
        #[command(subcommand)]
        what: ConfigRole,
    },
    /// Prints the `OpenAPI` document of both sides
    Openapi,
    /// Kills its own roles while a crowd buys, and judges what became of the answers
    #[command(hide = true)]
    Chaos(chaos::ChaosOptions),
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
            Role::Audit(options) => wait_for(audit::run(options)),
            Role::Config {
                what: ConfigRole::Show(options),
            } => config_show::run(&options),
            Role::Openapi => {
                print!("{}", crate::openapi::text());
                Ok(ExitCode::SUCCESS)
            }
            Role::Chaos(options) => wait_for(chaos::run(options)),
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
