//! Something a role cannot work without, and how to ask it.

use std::time::Duration;

use lua::Store;
use purchase::Purchase;
use tokio::net::TcpStream;
use url::Url;

use crate::config::Secret;

/// A probe that hangs must not outlive the prober.
const LIMIT: Duration = Duration::from_secs(2);

/// A dependency of this process.
pub(crate) enum Dependency {
    /// A Redis store: its name and URL.
    Store(&'static str, Secret),
    /// An HTTP server that must take connections.
    Http(&'static str, Url),
    /// What the purchase service depends on.
    Purchase(Purchase),
}

impl Dependency {
    /// Each thing asked for, and why it is not there; without any address or secret.
    pub(crate) async fn ask(&self) -> Vec<(&'static str, Result<(), String>)> {
        let no_answer = || Err("no answer".to_owned());
        match self {
            Self::Store(name, url) => {
                let asked = tokio::time::timeout(LIMIT, ping(url)).await;
                vec![(name, asked.unwrap_or_else(|_| no_answer()))]
            }
            Self::Http(name, url) => {
                let asked = tokio::time::timeout(LIMIT, connect(url)).await;
                vec![(name, asked.unwrap_or_else(|_| no_answer()))]
            }
            Self::Purchase(purchase) => match tokio::time::timeout(LIMIT, purchase.ready()).await {
                Ok(said) => said
                    .into_iter()
                    .map(|(name, there)| (name, if there { Ok(()) } else { no_answer() }))
                    .collect(),
                Err(_) => vec![("stock-store or ledger", no_answer())],
            },
        }
    }
}

/// On a connection of its own: what must be known is whether a new one would be answered.
async fn ping(url: &Secret) -> Result<(), String> {
    let asked = async { Store::connect(url.reveal()).await?.ping().await };
    asked.await.map_err(|_| "no answer".to_owned())
}

/// Whether anybody takes connections there.
pub(crate) async fn connect(url: &Url) -> Result<(), String> {
    let host = url.host_str().ok_or("no host")?.trim_matches(['[', ']']);
    let port = url.port_or_known_default().ok_or("no port")?;
    match TcpStream::connect((host, port)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("no connection: {}", error.kind())),
    }
}
