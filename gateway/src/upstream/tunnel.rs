//! `WebSocket` connections, once both sides have agreed to one.
//!
//! Until the upstream has said 101, nothing but HTTP leaves or enters: what a client sends early is
//! read as its next request and judged like any other. After it, bytes are copied and no longer
//! looked at, which is why only a request that passed the gate gets here.

use axum::body::Body;
use http::{Method, Request, Version, header};
use http_body::Body as _;
use hyper::{body::Incoming, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;

use super::UpstreamError;

/// When a tunnel ends, though nobody closed it; a request extension set by the gate, so that a
/// `WebSocket` does not outlive the session that opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TunnelUntil(pub tokio::time::Instant);

/// The visitor's side of a tunnel that was asked for.
pub(super) struct Wanted {
    visitor: OnUpgrade,
}

/// Both sides of a tunnel.
pub(super) struct Tunnel {
    visitor: OnUpgrade,
    upstream: OnUpgrade,
}

impl Wanted {
    /// Whether the request asks for a `WebSocket` in the one form there is for it.
    pub(super) fn take(request: &mut Request<Body>) -> Option<Self> {
        let asks = request.method() == Method::GET
            && request.version() == Version::HTTP_11
            && request.body().is_end_stream()
            && names(request.headers(), &header::CONNECTION, "upgrade")
            && names(request.headers(), &header::UPGRADE, "websocket");
        let visitor = request.extensions_mut().remove::<OnUpgrade>();
        visitor.filter(|_| asks).map(|visitor| Self { visitor })
    }

    /// The upstream said 101: to what was asked?
    pub(super) fn agreed(
        self,
        response: &mut http::Response<Incoming>,
    ) -> Result<Tunnel, UpstreamError> {
        if !names(response.headers(), &header::UPGRADE, "websocket") {
            return Err(UpstreamError::Broken);
        }
        Ok(Tunnel {
            visitor: self.visitor,
            upstream: hyper::upgrade::on(response),
        })
    }
}

impl Tunnel {
    /// Copies both ways until both sides have closed or one broke. `held` is what the tunnel
    /// occupies.
    pub(super) async fn run<T>(self, held: T) {
        let outcome = async {
            let (visitor, upstream) = tokio::try_join!(self.visitor, self.upstream)?;
            let (mut visitor, mut upstream) = (TokioIo::new(visitor), TokioIo::new(upstream));
            tokio::io::copy_bidirectional(&mut visitor, &mut upstream).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        };
        if let Err(error) = outcome.await {
            tracing::debug!(%error, "tunnel ended");
        }
        drop(held);
    }
}

/// Whether a header that lists words has this one.
fn names(headers: &http::HeaderMap, name: &http::HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(word))
}
