//! Accepts connections and hands their requests to the stack; stops softly, then hard.

use std::{convert::Infallible, time::Duration};

use axum::{body::Body, response::Response};
use http::Request;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{Service, ServiceExt};

/// How long a client may take over its headers.
const HEADERS: Duration = Duration::from_secs(10);
/// After a failed accept (no more files), how long to let connections end.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop`, then lets what is in flight take `drain`.
pub async fn serve<S>(
    listener: TcpListener,
    stack: S,
    stop: CancellationToken,
    drain: Duration,
) -> std::io::Result<()>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Without a timer the header limit is silently off.
    builder
        .http1()
        .timer(TokioTimer::new())
        // Answers are small: one copy of them is cheaper than a vectored write.
        .writev(false)
        .header_read_timeout(HEADERS);
    builder.http2().timer(TokioTimer::new());
    let service = TowerToHyperService::new(
        stack.map_request(|request: Request<Incoming>| request.map(Body::new)),
    );
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    let hard_stop = CancellationToken::new();
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
        };
        // Answers are small: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let connection = builder
            .serve_connection(TokioIo::new(stream), service.clone())
            .into_owned();
        let connection = graceful.watch(connection);
        let hard_stop = hard_stop.clone();
        connections.spawn(async move {
            tokio::select! {
                // A client that hangs up is an event and no error.
                _ = connection => {}
                () = hard_stop.cancelled() => {}
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(drain, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were still in flight at the end of the drain time");
    }
    hard_stop.cancel();
    connections.close();
    connections.wait().await;
    Ok(())
}
