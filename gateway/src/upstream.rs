//! Upstream.
use std::task::{Context, Poll};

use axum::{body::Body, response::Response};
use futures::future::BoxFuture;
use http::{HeaderValue, Request};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;
use url::Url;

use crate::config::Timeouts;

/// A verified pass to send to the upstream as `X-Entry-Pass`; a request extension.
#[derive(Clone)]
pub struct VerifiedPass(pub HeaderValue);

/// What the upstream asks of the session by `WR-Command`; a response extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The session's end moves on.
    Extend,
    /// The visitor is done: capacity free, pass valid a minute more.
    Complete,
    /// The session is over now.
    Leave,
    /// The session is over, and no rejoin until the pass would have expired.
    Revoke,
}

/// Why the upstream gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// Cannot be reached, or hung up before answering.
    #[error("the upstream cannot be reached")]
    Away,
    /// Did not answer in time.
    #[error("the upstream did not answer in time")]
    Slow,
}

impl UpstreamError {
    /// The answer: 502 or 504.
    pub fn problem(&self) -> problem::Problem {
        problem::Problem::new(match self {
            Self::Away => problem::Kind::UpstreamAway,
            Self::Slow => problem::Kind::UpstreamSlow,
        })
    }
}

/// The pooled connections of one gateway; cheap to clone.
#[derive(Clone)]
pub struct Connections {
    _timeouts: Timeouts,
}

impl Connections {
    /// Tunnels run on `tasks` and end with `stop`.
    pub fn new(timeouts: &Timeouts, tasks: TaskTracker, stop: CancellationToken) -> Self {
        let _ = (tasks, stop);
        Self {
            _timeouts: timeouts.clone(),
        }
    }
}

/// Forwards requests to one upstream: a room's shop, or the purchase service. Reads `Target`,
/// `Caller`, `Peer` and [`VerifiedPass`] from the request, puts [`Command`] into the response.
#[derive(Clone)]
pub struct Upstream {
    _connections: Connections,
}

impl Upstream {
    /// `target` is `http://host:port`.
    pub fn new(connections: Connections, target: &Url) -> Self {
        let _ = target;
        Self {
            _connections: connections,
        }
    }
}

impl Service<Request<Body>> for Upstream {
    type Response = Response;
    type Error = UpstreamError;
    type Future = BoxFuture<'static, Result<Response, UpstreamError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<Body>) -> Self::Future {
        Box::pin(async { Err(UpstreamError::Away) })
    }
}
