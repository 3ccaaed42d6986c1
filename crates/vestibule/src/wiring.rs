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
use axum::Router;
use entry_pass::KeyRing;
use metrics_exporter_prometheus::PrometheusHandle;
use purchase::{Purchase, clock::Clock};
use url::Url;

use crate::{
    config::Secret,
    lifecycle::Lifecycle,
    operator::{self, Dependency, Operator},
};

/// The listeners of a gateway, all on one address.
pub(crate) struct Doors {
    listeners: Vec<TcpListener>,
    address: SocketAddr,
}

/// Who signs the passes, as every gateway says it and every check demands it.
pub(crate) fn issuer(public_url: Option<&Url>, address: SocketAddr) -> String {
    match public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => format!("http://{address}"),
    }
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

/// Takes one address for one listener; `instead` is how another one is chosen.
pub(crate) fn bind(
    address: SocketAddr,
    instead: &str,
) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = gateway::arrival::bind(address, 1)
        .map_err(|error| anyhow::anyhow!(error.to_string().replace("--listen", instead)))?
        .pop()
        .context("no listener")?;
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
    mut config: gateway::Config,
    keys: &SigningKeys,
    waitlist: &str,
    stock: Option<&str>,
    doors: Doors,
) -> anyhow::Result<()> {
    let wanted = config.max_connections;
    config.max_connections = gateway::arrival::connections_allowed(wanted, doors.listeners.len());
    if config.purchase.is_some() {
        config.openapi = Some(crate::openapi::text());
    }
    let config = Arc::new(config);
    for (at, listener) in doors.listeners.into_iter().enumerate() {
        let config = Arc::clone(&config);
        let secrets = gateway::Secrets {
            ticket_key: keys.tickets,
            passes: Arc::clone(&keys.passes),
        };
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

impl Desk {
    fn with(self, dependencies: Vec<Dependency>, routes: Router) -> (Operator, TcpListener) {
        let Self {
            token,
            metrics,
            listener,
        } = self;
        (
            Operator {
                token,
                dependencies,
                metrics,
                routes,
            },
            listener,
        )
    }

    /// Answers operators until told to stop.
    pub(crate) fn open(
        self,
        lifecycle: &mut Lifecycle,
        dependencies: Vec<Dependency>,
    ) -> anyhow::Result<()> {
        let (operator, listener) = self.with(dependencies, Router::new());
        let stop = lifecycle.stop();
        lifecycle.spawn("operator", move || operator::run(operator, listener, stop))
    }
}

/// What a purchase service is made of.
pub(crate) struct Counter {
    /// Its sales.
    pub(crate) config: purchase::Config,
    /// Where its stores are.
    pub(crate) urls: purchase::Urls,
    /// Whose passes it honours.
    pub(crate) passes: purchase::PassKeys,
}

impl Counter {
    async fn open(self) -> Result<Purchase, purchase::StartError> {
        Purchase::open(self.config, &self.urls, self.passes, Clock::System).await
    }

    /// Serves buyers on `listener`, and operators, who need its parts, at the desk.
    ///
    /// Both on one runtime: a connection to a store lives on the runtime that used it first and
    /// would end with it while the other still drains.
    pub(crate) fn serve(
        self,
        lifecycle: &mut Lifecycle,
        listener: TcpListener,
        desk: Desk,
        mut dependencies: Vec<Dependency>,
    ) -> anyhow::Result<()> {
        let stop = lifecycle.stop();
        lifecycle.spawn("purchase", move || async move {
            let purchase = self.open().await?;
            dependencies.push(Dependency::Purchase(purchase.clone()));
            let (operator, door) = desk.with(dependencies, purchase::operator_router(&purchase));
            let buyers = async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                anyhow::Ok(purchase::run(purchase, listener, stop.clone()).await?)
            };
            tokio::try_join!(buyers, operator::run(operator, door, stop.clone()))?;
            Ok(())
        })
    }

    /// Only records, and answers probes at the desk.
    pub(crate) fn record(self, lifecycle: &mut Lifecycle, desk: Desk) -> anyhow::Result<()> {
        let stop = lifecycle.stop();
        lifecycle.spawn("recorder", move || async move {
            let purchase = self.open().await?;
            let (operator, door) =
                desk.with(vec![Dependency::Purchase(purchase.clone())], Router::new());
            let records = async {
                purchase::recorder::run(purchase, stop.clone()).await;
                anyhow::Ok(())
            };
            tokio::try_join!(records, operator::run(operator, door, stop.clone()))?;
            Ok(())
        })
    }
}
