//! The pooled connections of one gateway to all its upstreams.

use std::{future::Future, sync::Arc, time::Duration};

use axum::body::Body;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{ServiceExt, util::MapResponse};

use super::{UpstreamError, listening::Listening, tunnel::TunnelUntil};
use crate::config::Config;

/// Node closes idle connections after 5 s and sends no word before. Giving up on ours earlier keeps
/// requests from being written into a connection that is closing.
const IDLE: Duration = Duration::from_secs(4);

type Stream = TokioIo<TcpStream>;
type Connector = MapResponse<HttpConnector, fn(Stream) -> Listening<Stream>>;

/// The pool; cheap to clone.
#[derive(Clone)]
pub struct Connections {
    pub(super) client: Client<Connector, Body>,
    pub(super) answer_within: Duration,
    connect_within: Duration,
    free: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// One of the connections that may be open at once.
pub(super) struct InUse {
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    /// A pool of at most as many connections as visitors may have. Tunnels run on `tasks` and end
    /// with `stop`.
    pub fn new(config: &Config, tasks: TaskTracker, stop: CancellationToken) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(config.timeouts.upstream_connect));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector.map_response(Listening::new as fn(Stream) -> Listening<Stream>));
        let most = config.max_connections.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            client,
            answer_within: config.timeouts.upstream_answer,
            connect_within: config.timeouts.upstream_connect,
            free: Arc::new(Semaphore::new(most)),
            tasks,
            stop,
        }
    }

    /// Waits for a free connection no longer than for a connect: one HTTP/2 visitor may have a
    /// hundred requests open, and files are short.
    pub(super) async fn one_more(&self) -> Result<InUse, UpstreamError> {
        let permit = Arc::clone(&self.free).acquire_owned();
        match tokio::time::timeout(self.connect_within, permit).await {
            Ok(Ok(permit)) => Ok(InUse { _permit: permit }),
            _ => Err(UpstreamError::Busy),
        }
    }

    /// Runs a tunnel until it ends by itself, by its time, or because the gateway stops.
    pub(super) fn run_tunnel(
        &self,
        tunnel: impl Future<Output = ()> + Send + 'static,
        until: Option<TunnelUntil>,
    ) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let over = async {
                match until {
                    Some(TunnelUntil(at)) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = tunnel => {}
                () = over => {}
                () = stop.cancelled() => {}
            }
        });
    }
}
