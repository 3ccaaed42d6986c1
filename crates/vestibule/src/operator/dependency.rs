//! Something a role cannot work without, and how to ask it.

use std::time::Duration;

use lua::Store;
use tokio::net::TcpStream;
use url::Url;

/// A probe that hangs must not outlive the prober.
const LIMIT: Duration = Duration::from_secs(2);

/// A dependency of this process.
pub(crate) enum Dependency {
    /// A Redis store, by its role.
    Store(&'static str, Store),
    /// An HTTP server that must take connections.
    Http(&'static str, Url),
}

impl Dependency {
    /// Its name as `/readyz` says it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Store(name, _) | Self::Http(name, _) => name,
        }
    }

    /// Whether it is there; otherwise why not, without any address or secret.
    pub(crate) async fn ask(&self) -> Result<(), String> {
        let asked = async {
            match self {
                Self::Store(_, store) => store.ping().await.map_err(|_| "no answer".to_owned()),
                Self::Http(_, url) => connect(url).await,
            }
        };
        tokio::time::timeout(LIMIT, asked).await.unwrap_or_else(|_| Err("no answer".to_owned()))
    }
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
