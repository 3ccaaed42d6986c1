//! How the parts are put together, the same for every role that has them.
//!
//! Addresses are taken before anything starts, so that "port taken" is one sentence and nothing has
//! happened yet. Every part is then started with the listeners, stores and keys it needs and nothing
//! else: no part reads the configuration of another.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use anyhow::Context;
use entry_pass::{KeyRing, PublicKeys};
use lua::Store;
use metrics_exporter_prometheus::PrometheusHandle;
use url::Url;

use crate::{
    config::{Config, Secret},
    lifecycle::Lifecycle,
    operator::{self, Dependency, Operator},
};

/// Where the stores and the ledger are.
#[derive(Clone)]
pub(crate) struct Stores {
    /// Redis URL of the waitlist store.
    pub(crate) waitlist: String,
    /// Redis URL of the stock store.
    pub(crate) stock: String,
    /// URL of the ledger.
    pub(crate) ledger: String,
}

/// The listeners of a gateway, all on one address.
pub(crate) struct Doors {
    listeners: Vec<TcpListener>,
    address: SocketAddr,
}

impl Doors {
    /// Takes the visitors' address for so many gateways; 0: one for each core.
    pub(crate) fn open(address: SocketAddr, gateways: usize) -> anyhow::Result<Self> {
        let gateways = match gateways {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let listeners = gateway::arrival::bind(address, gateways)?;
        let address = listeners[0].local_addr()?;
        Ok(Self { listeners, address })
    }

    /// The address taken: port 0 has become a port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Takes one address for one listener.
pub(crate) fn bind(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = gateway::arrival::bind(address, 1)?.pop().context("no listener")?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// How a browser on this machine reaches an address.
pub(crate) fn url_of(address: SocketAddr) -> anyhow::Result<Url> {
    let mut reachable = address;
    if address.ip().is_unspecified() {
        reachable.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(Url::parse(&format!("http://{reachable}"))?)
}

/// What the gateways sign with.
pub(crate) struct SigningKeys {
    /// Tickets and visitor cookies.
    pub(crate) tickets: [u8; 32],
    /// Entry passes.
    pub(crate) passes: Arc<KeyRing>,
}

/// Starts one gateway a listener. They share nothing but the stores: there is no leader.
pub(crate) fn gateways(
    lifecycle: &mut Lifecycle,
    config: gateway::Config,
    keys: &SigningKeys,
    waitlist: &str,
    stock: Option<&str>,
    doors: Doors,
) -> anyhow::Result<()> {
    let config = Arc::new(config);
    for (at, listener) in doors.listeners.into_iter().enumerate() {
        let config = Arc::clone(&config);
        let secrets =
            gateway::Secrets { ticket_key: keys.tickets, passes: Arc::clone(&keys.passes) };
        let urls = gateway::StoreUrls {
            waitlist: waitlist.to_owned(),
            stock: stock.map(ToOwned::to_owned),
        };
        let stop = lifecycle.stop();
        lifecycle.spawn(&format!("gateway-{at}"), move || async move {
            Ok(gateway::run(config, secrets, urls, listener, stop).await?)
        })?;
    }
    Ok(())
}

/// The operator's address and what is needed to answer there.
pub(crate) struct Desk {
    /// The bearer token.
    pub(crate) token: Secret,
    /// What the parts measure.
    pub(crate) metrics: PrometheusHandle,
    /// Taken already.
    pub(crate) listener: TcpListener,
}
