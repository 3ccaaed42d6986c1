//! One connection, HTTP/1.1 or HTTP/2, whichever the client begins with.

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use http::{Request, Version};
use hyper::{body::Incoming, rt::Executor, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::net::TcpStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{Service, ServiceExt};

use super::{
    super::{Peer, Serving, Slot},
    activity::{Activity, HeadTimer, Watched},
};

/// Requests one HTTP/2 connection may have open at once.
const MOST_STREAMS: u32 = 128;

/// How connections are served; cheap to clone.
#[derive(Clone)]
pub(super) struct Connections {
    builder: auto::Builder<OnTracker>,
    header_read: Duration,
    idle: Duration,
    stop: CancellationToken,
    drop_now: CancellationToken,
}

/// HTTP/2 runs each stream as a task of its own; these are waited for as well.
#[derive(Clone)]
struct OnTracker(TaskTracker);

impl<F> Executor<F> for OnTracker
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

impl Connections {
    pub(super) fn new(
        serving: &Serving,
        tasks: TaskTracker,
        stop: CancellationToken,
        drop_now: CancellationToken,
    ) -> Self {
        let mut builder = auto::Builder::new(OnTracker(tasks));
        builder
            .http1()
            .max_buf_size(serving.max_header_bytes.max(8192));
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(serving.max_header_bytes as u32)
            .max_concurrent_streams(MOST_STREAMS)
            .keep_alive_interval(serving.idle)
            .keep_alive_timeout(serving.header_read);
        let (header_read, idle) = (serving.header_read, serving.idle);
        Self {
            builder,
            header_read,
            idle,
            stop,
            drop_now,
        }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve<S>(
        mut self,
        stream: TcpStream,
        peer: SocketAddr,
        slot: Slot,
        service: S,
    ) where
        S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
    {
        let activity = Arc::new(Activity::default());
        self.builder
            .http1()
            .timer(HeadTimer::new(Arc::clone(&activity), self.header_read))
            .header_read_timeout(self.idle);
        let io = Watched::new(TokioIo::new(stream), Arc::clone(&activity));
        let of_requests = Arc::clone(&activity);
        let answer = service_fn(move |request: Request<Incoming>| {
            let http2 = request.version() == Version::HTTP_2;
            let open = of_requests.begin(http2);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(slot.clone());
            let service = service.clone();
            async move {
                let response = service.oneshot(request).await?;
                Ok::<_, Infallible>(match open {
                    Some(open) => response.map(|body| open.around(body)),
                    None => response,
                })
            }
        });
        let connection = self.builder.serve_connection_with_upgrades(io, answer);
        tokio::pin!(connection);
        let silent = activity.silent(self.header_read, self.idle);
        tokio::pin!(silent);
        let mut ending = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "connection ended");
                    }
                    return;
                }
                () = self.drop_now.cancelled() => return,
                () = self.stop.cancelled(), if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = silent.as_mut(), if !ending => {
                    if !activity.has_begun() {
                        return;
                    }
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}
