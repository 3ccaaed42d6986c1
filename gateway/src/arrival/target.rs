//! Brings a request's target into one form, before anybody judges it.
//!
//! A gate is walked around by writing the same place in two ways: one that the gate takes for
//! something else, and that the shop takes for what it is. So the form judged here is the form that
//! is forwarded: harmless variants are normalised (dot segments, doubled slashes, needless percent
//! escapes, absolute form), those that servers are known to read differently are refused. The query
//! is left untouched: no route looks at it.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::Body;
use futures::future::Either;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header, uri::PathAndQuery};
use ipnet::IpNet;
use problem::{Kind, Problem};
use tower::{Layer, Service};

use super::Peer;
use crate::config::Config;

mod host;
mod path;

pub(super) use path::without_parameters;

/// Longest path with query in bytes.
const LONGEST: usize = 8192;

/// What is said to be allowed where `CONNECT` and `TRACE` are refused, before anybody looks at the path.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Where a request goes, in normal form; a request extension. The request's own URI has been
/// rewritten to `path` and query as well.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// The host name, lower case, without port, brackets or trailing dot; empty when none was given
    /// (HTTP/1.0).
    pub host: String,
    /// The same with its port, as it goes into `Host`.
    pub authority: String,
    /// The path.
    pub path: String,
}

/// A target that is refused: which part of the request, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {detail}")]
pub struct TargetError {
    /// `path`, `method` or `host`.
    pub field: &'static str,
    /// What is wrong with it.
    pub detail: &'static str,
    status: StatusCode,
}

impl TargetError {
    fn new(field: &'static str, detail: &'static str) -> Self {
        Self {
            field,
            detail,
            status: StatusCode::BAD_REQUEST,
        }
    }

    /// The answer.
    pub fn problem(&self) -> Problem {
        match self.status {
            StatusCode::METHOD_NOT_ALLOWED => {
                let allow = HeaderValue::from_static(METHODS);
                Problem::new(Kind::MethodNotAllowed)
                    .with("field", self.field)
                    .header(header::ALLOW, allow)
            }
            status => Problem::invalid(self.field, self.detail).status(status),
        }
    }
}

/// Normalises the target of every request or refuses it; puts a [`Target`] into its extensions.
#[derive(Debug, Clone)]
pub struct NormaliseTarget {
    trusted: Arc<[IpNet]>,
}

impl NormaliseTarget {
    /// `X-Forwarded-Host` is believed from the configuration's trusted proxies.
    pub fn new(config: &Config) -> Self {
        Self {
            trusted: config.trusted_proxies.as_slice().into(),
        }
    }

    /// Rewrites the request's URI.
    pub fn normalise<B>(&self, request: &mut Request<B>) -> Result<(), TargetError> {
        method(request.method())?;
        framing(request.headers())?;
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
        let trusted = peer.is_some_and(|peer| crate::identify::is_trusted(peer, &self.trusted));
        let authority = host::authority(request, trusted)?;
        let uri = request.uri();
        if uri
            .path_and_query()
            .is_some_and(|whole| whole.as_str().len() > LONGEST)
        {
            return Err(TargetError {
                status: StatusCode::URI_TOO_LONG,
                ..TargetError::new("path", "is longer than 8192 bytes with its query")
            });
        }
        let path = path::normalise(uri.path())?;
        // Nearly every request is in normal form already and keeps its URI.
        if uri.authority().is_some() || path != uri.path() {
            let rewritten = match uri.query() {
                Some(query) => format!("{path}?{query}"),
                None => path.clone(),
            };
            let rewritten = PathAndQuery::try_from(rewritten)
                .map_err(|_| TargetError::new("path", "holds characters that no URL may hold"))?;
            *request.uri_mut() = Uri::from(rewritten);
        }
        let host = host::name(&authority).to_owned();
        request.extensions_mut().insert(Target {
            host,
            authority,
            path,
        });
        Ok(())
    }
}

/// Methods are upper case words. `get` is not `GET`, though some servers think so, and the two that
/// are not about a resource of the shop are not passed on.
fn method(method: &Method) -> Result<(), TargetError> {
    if matches!(*method, Method::CONNECT | Method::TRACE) {
        return Err(TargetError {
            status: StatusCode::METHOD_NOT_ALLOWED,
            ..TargetError::new("method", "is not taken here")
        });
    }
    let name = method.as_str();
    if name.len() > 24 || !name.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
        return Err(TargetError::new("method", "must be an upper case word"));
    }
    Ok(())
}

/// A body in any coding but plain chunks would be passed on with its coding's name lost. hyper has
/// refused the other shapes before (TE in HTTP/1.0, TE not ending in chunked, differing lengths) and
/// of a length beside chunks it keeps only the chunks, so one framing is all there is.
fn framing(headers: &http::HeaderMap) -> Result<(), TargetError> {
    let mut codings = headers.get_all(http::header::TRANSFER_ENCODING).iter();
    let plain = match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(one), None) => {
            one.as_bytes().eq_ignore_ascii_case(b"chunked")
                && !headers.contains_key(http::header::CONTENT_LENGTH)
        }
        _ => false,
    };
    plain.then_some(()).ok_or(TargetError::new(
        "transfer-encoding",
        "must be chunked and alone",
    ))
}

impl<S> Layer<S> for NormaliseTarget {
    type Service = Normalised<S>;

    fn layer(&self, inner: S) -> Normalised<S> {
        Normalised {
            layer: self.clone(),
            inner,
        }
    }
}

/// The service of [`NormaliseTarget`].
#[derive(Debug, Clone)]
pub struct Normalised<S> {
    layer: NormaliseTarget,
    inner: S,
}

impl<S> Service<Request<Body>> for Normalised<S>
where
    S: Service<Request<Body>>,
    S::Error: From<TargetError>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, std::future::Ready<Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match self.layer.normalise(&mut request) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(error) => Either::Right(std::future::ready(Err(error.into()))),
        }
    }
}

#[cfg(test)]
mod tests;
