//! What an operator may set, and where each value came from.
//!
//! Defaults are overridden by a TOML file, that by `VESTIBULE_…` variables, and those by flags.
//! Unknown keys are refused and all complaints come at once, each with the path of its field: on
//! the night of a sale nobody has time for one error per start. What is secret is shown to nobody.
//! This is the only place that reads the environment.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

mod layers;
mod read;
mod secret;
mod show;

pub(crate) use layers::{Flag, Layers};
pub(crate) use secret::Secret;
pub(crate) use show::show;

/// The configuration of every role; each takes what is its own.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where `serve` keeps its ledger, its keys and its private Redis servers.
    pub(crate) data: Data,
    /// The addresses to listen on.
    pub(crate) listen: Listen,
    /// Where the stores and the ledger are.
    pub(crate) stores: Stores,
    /// What signs and checks.
    pub(crate) keys: Keys,
    /// Who may operate.
    pub(crate) operator: Operator,
    /// What is logged, and how.
    pub(crate) log: Log,
    /// The gateway and its rooms.
    pub(crate) gateway: gateway::Config,
    /// The purchase service and its sales.
    pub(crate) purchase: purchase::Config,
}

/// Where `serve` keeps its data.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Data {
    /// The directory, made if need be and readable by its owner only.
    pub(crate) dir: PathBuf,
}

/// The addresses to listen on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Listen {
    /// Visitors.
    pub(crate) gateway: SocketAddr,
    /// The gateway's calls to the purchase service. Never to be open to visitors.
    pub(crate) purchase: SocketAddr,
    /// Operators and probes. Never to be open to visitors.
    pub(crate) operator: SocketAddr,
    /// How many gateways share the visitors' address, each on a thread of its own. 0: one a core.
    pub(crate) gateways: usize,
}

/// Where the stores and the ledger are.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Stores {
    /// Redis URL of the waitlist store. Only `serve` does without: it starts a private one.
    pub(crate) waitlist: Option<Secret>,
    /// Redis URL of the stock store. Only `serve` does without: it starts a private one.
    pub(crate) stock: Option<Secret>,
    /// URL of the ledger: `sqlite:///path` or `postgres://…`. Only `serve` does without.
    pub(crate) ledger: Option<Secret>,
}

/// What signs and checks. Only `serve` does without: it makes its own in the data directory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Keys {
    /// Signs tickets and visitor cookies: 64 hexadecimal digits, the same for every gateway.
    pub(crate) tickets: Option<Secret>,
    /// Sign passes: P-256 private keys in PKCS#8 PEM, the newest first; older ones still check.
    pub(crate) passes: Option<Secret>,
    /// Check passes, for a purchase service that has no private key: the JWKS document itself.
    pub(crate) jwks: Option<String>,
}

/// Who may operate.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Operator {
    /// The bearer token operators send. Only `serve` does without: it makes one.
    pub(crate) token: Option<Secret>,
}

/// What is logged, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// As in `RUST_LOG`, which overrides it: `info`, `gateway=debug,info`.
    pub(crate) filter: String,
    /// One JSON object a line instead of text.
    pub(crate) json: bool,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("vestibule-data"),
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        let loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        Self {
            gateway: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8080),
            purchase: loopback(7070),
            operator: loopback(9080),
            gateways: 0,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            json: false,
        }
    }
}

impl Config {
    /// What is wrong with the gateway's part, each complaint with its path.
    pub(crate) fn gateway_complaints(&self) -> impl Iterator<Item = String> {
        self.gateway
            .validate()
            .into_iter()
            .map(|complaint| format!("gateway.{complaint}"))
    }

    /// What is wrong with the purchase side's part, each complaint with its path.
    pub(crate) fn purchase_complaints(&self) -> impl Iterator<Item = String> {
        self.purchase
            .complaints()
            .into_iter()
            .map(|complaint| format!("purchase.{complaint}"))
    }

    /// What is wrong with the parts that are there at all, whatever the role.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let with_rooms = !self.gateway.rooms.is_empty();
        let gateway = self.gateway_complaints().filter(|_| with_rooms);
        gateway.chain(self.purchase_complaints()).collect()
    }
}

/// A configuration that cannot be run, with every reason.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{}: {source}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        source: toml::de::Error,
    },
    /// One line for each complaint.
    #[error("the configuration cannot be used:\n{}", .0.iter().map(|c| format!("  {c}")).collect::<Vec<_>>().join("\n"))]
    Complaints(Vec<String>),
}

#[cfg(test)]
mod tests;
