//! Forwards to the shop behind, or to the purchase service: the last step of a request.
//!
//! Bodies are streamed both ways and never gathered. What the upstream receives is what was judged:
//! the normalised target, forwarded headers that we vouch for, the pass only when it was verified,
//! and none of our cookies or tokens. It does not ask who may come: whoever gets here was let in.
//! An upstream that is away or slow is told apart, because only one of them may have acted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use axum::{body::Body, response::Response};
use futures::future::BoxFuture;
use http::{HeaderValue, Method, Request, StatusCode, Uri, Version, uri::Authority};
use http_body::Body as _;
use hyper::body::Incoming;
use tower::Service;
use url::Url;

mod body;
mod command;
mod connections;
mod error;
mod headers;
mod listening;
mod tunnel;

pub use command::Command;
pub use connections::Connections;
pub use error::UpstreamError;
pub use tunnel::TunnelUntil;

use crate::{
    arrival::{Peer, Slot, Target},
    identify::Caller,
};
use body::{Held, Sent};
use connections::InUse;

/// A verified pass, to be sent as `X-Entry-Pass`; a request extension set by the gate.
#[derive(Clone)]
pub struct VerifiedPass(pub HeaderValue);

/// One upstream; cheap to clone.
///
/// Reads [`Target`], [`Caller`], [`Peer`] and [`VerifiedPass`] from the request's extensions and
/// puts a [`Command`] into the response's, if the upstream sent one.
#[derive(Clone)]
pub struct Upstream {
    connections: Connections,
    at: Arc<At>,
}

struct At {
    authority: Authority,
    away: AtomicBool,
}

impl Upstream {
    /// `target` is `http://host:port`, as [`crate::Config::validate`] demands; of anything else only
    /// host and port count.
    pub fn new(connections: Connections, target: &Url) -> Self {
        let host = target.host_str().unwrap_or("localhost");
        let authority = match target.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let authority = authority
            .parse()
            .unwrap_or_else(|_| Authority::from_static("localhost:80"));
        Self {
            connections,
            at: Arc::new(At {
                authority,
                away: AtomicBool::new(false),
            }),
        }
    }

    /// Sends the request on and returns the head of the answer, its body still streaming.
    pub async fn forward(&self, request: Request<Body>) -> Result<Response, UpstreamError> {
        let outcome = self.attempt(request).await;
        let away = matches!(outcome, Err(UpstreamError::Away | UpstreamError::Slow));
        // Once per change: at night there are thousands of these a second.
        if matches!(
            outcome,
            Ok(_) | Err(UpstreamError::Away | UpstreamError::Slow)
        ) && self.at.away.swap(away, Relaxed) != away
        {
            if away {
                tracing::warn!(upstream = %self.at.authority, "the upstream does not answer");
            } else {
                tracing::info!(upstream = %self.at.authority, "the upstream answers again");
            }
        }
        outcome
    }

    async fn attempt(&self, mut request: Request<Body>) -> Result<Response, UpstreamError> {
        let in_use = self.connections.one_more().await?;
        let upgrade = tunnel::Wanted::take(&mut request);
        let slot = request.extensions_mut().remove::<Slot>();
        let until = request.extensions_mut().remove::<TunnelUntil>();
        let (request, progress) = self.outgoing(request, upgrade.is_some())?;
        // A pooled connection may have been closed by the upstream at the very moment we wrote to
        // it. Whether the request was acted on is then unknown, so only what is safe to do twice is
        // tried once more. (What was not even begun, the pool retries by itself.)
        let again = (upgrade.is_none()
            && matches!(
                *request.method(),
                Method::GET | Method::HEAD | Method::OPTIONS
            )
            && request.body().is_end_stream())
        .then(|| copy(&request));
        let mut answer = self.answer(request, &progress).await;
        if let (Err(UpstreamError::Away), Some(again)) = (&answer, again)
            && !self.at.away.load(Relaxed)
        {
            answer = self.answer(again, &progress).await;
        }
        let mut response = answer?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let wanted = upgrade.ok_or(UpstreamError::Broken)?;
            let tunnel = wanted.agreed(&mut response)?;
            self.connections
                .run_tunnel(tunnel.run((slot, in_use)), until);
            return Ok(headers::of_upgrade(response.map(|_| Body::empty())));
        }
        Ok(incoming(response, in_use))
    }

    /// The request as the upstream gets it, and the count of its body's frames.
    fn outgoing(
        &self,
        request: Request<Body>,
        upgrade: bool,
    ) -> Result<(Request<Body>, Arc<Sent>), UpstreamError> {
        let (mut parts, body) = request.into_parts();
        let caller = parts.extensions.remove::<Arc<Caller>>();
        let target = parts.extensions.remove::<Target>();
        let pass = parts.extensions.remove::<VerifiedPass>();
        let peer = parts.extensions.remove::<Peer>();
        parts.extensions.clear();
        headers::clean_request(&mut parts.headers);
        headers::vouch(&mut parts.headers, caller.as_deref(), target.as_ref(), peer);
        if let Some(VerifiedPass(pass)) = pass {
            parts.headers.insert(crate::identify::ENTRY_PASS, pass);
        }
        if upgrade {
            headers::ask_upgrade(&mut parts.headers);
        }
        let path = parts
            .uri
            .path_and_query()
            .map_or("/", |whole| whole.as_str());
        parts.uri = Uri::builder()
            .scheme("http")
            .authority(self.at.authority.clone())
            .path_and_query(path)
            .build()
            .map_err(|_| UpstreamError::Broken)?;
        parts.version = Version::HTTP_11;
        let sent = Arc::new(Sent::default());
        let body = if body.is_end_stream() {
            sent.end();
            Body::empty()
        } else {
            body::counted(body, Arc::clone(&sent))
        };
        Ok((Request::from_parts(parts, body), sent))
    }

    /// The head of the answer. Time runs out only while nothing moves: a long upload is no slow
    /// answer, and an upload that stopped coming is not the upstream's fault.
    async fn answer(
        &self,
        request: Request<Body>,
        sent: &Sent,
    ) -> Result<http::Response<Incoming>, UpstreamError> {
        let answer = self.connections.client.request(request);
        tokio::pin!(answer);
        loop {
            let before = sent.frames();
            match tokio::time::timeout(self.connections.answer_within, answer.as_mut()).await {
                Ok(answer) => return answer.map_err(|error| UpstreamError::of(&error)),
                Err(_) if sent.frames() != before => {}
                Err(_) if sent.has_ended() => return Err(UpstreamError::Slow),
                Err(_) => return Err(UpstreamError::BodyBroken),
            }
        }
    }
}

/// The same request without a body.
fn copy(request: &Request<Body>) -> Request<Body> {
    let mut copy = Request::new(Body::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// The answer as the visitor gets it; the connection counts as used until its body ends.
fn incoming(response: http::Response<Incoming>, in_use: InUse) -> Response {
    let (mut parts, body) = response.into_parts();
    parts.extensions.clear();
    parts.version = Version::HTTP_11;
    if let Some(command) = headers::clean_response(&mut parts.headers) {
        parts.extensions.insert(command);
    }
    Response::from_parts(parts, Body::new(Held::new(body, in_use)))
}

impl Service<Request<Body>> for Upstream {
    type Response = Response;
    type Error = UpstreamError;
    type Future = BoxFuture<'static, Result<Response, UpstreamError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let upstream = self.clone();
        Box::pin(async move { upstream.forward(request).await })
    }
}
