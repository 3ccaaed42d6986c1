//! Hands `/v1/` to the purchase service, with the caller's pass.
//!
//! Taken only on hosts of rooms with a sale; elsewhere the path is the shop's own. The service
//! checks the pass again by itself. An expired pass is handed on too: it still names its person, who
//! may confirm or cancel what is theirs. A pass that was ended early cannot reserve any more.
//!
//! Bodies are gathered before they go on, the one place where the gateway does: they are small, and
//! a large or stalled one is then refused here by its own name, instead of keeping a place in the
//! service or breaking the connection to it.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    response::Response,
};
use futures::future::BoxFuture;
use http::{HeaderValue, Method, Request};
use http_body::Body as _;
use problem::{Kind, Problem};
use tower::{Layer, Service};

use crate::{
    Clock, SystemClock,
    arrival::Target,
    desk::{Desk, belongs_to_another},
    identify::Caller,
    rescue::Refusal,
    room::Room,
    upstream::{Upstream, UpstreamError, VerifiedPass},
};

/// Largest body the purchase service takes, bytes.
const LARGEST: usize = 16 * 1024;
/// How long one may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes requests under the purchase prefix to the purchase service.
#[derive(Clone)]
pub(crate) struct ServePurchase {
    desk: Arc<Desk>,
    rooms: Arc<[Arc<Room>]>,
    /// The prefix, and the service behind it, if there is one.
    service: Option<(Arc<str>, Upstream)>,
}

impl ServePurchase {
    /// `service`: the prefix with its slashes, and where the purchase service is.
    pub(crate) fn new(
        desk: Arc<Desk>,
        rooms: &[Arc<Room>],
        service: Option<(String, Upstream)>,
    ) -> Self {
        let rooms = rooms
            .iter()
            .filter(|room| room.policy.sale.is_some())
            .cloned()
            .collect();
        Self {
            desk,
            rooms,
            service: service.map(|(prefix, at)| (prefix.into(), at)),
        }
    }

    /// The service, if this request is for it.
    fn service_for(&self, request: &Request<Body>) -> Option<Upstream> {
        let (prefix, service) = self.service.as_ref()?;
        let target = request.extensions().get::<Target>()?;
        let here = target.path.starts_with(&**prefix)
            && self.rooms.iter().any(|room| on_host(room, &target.host));
        here.then(|| service.clone())
    }

    /// Adds the caller's pass, if its signature is ours.
    fn add_pass(&self, request: &mut Request<Body>) -> Result<(), Refusal> {
        let Some(caller) = request.extensions().get::<Arc<Caller>>().cloned() else {
            return Ok(());
        };
        let found = self.rooms.iter().find_map(|room| {
            let token = caller.pass(room.id())?;
            Some((room, token, self.desk.passes.ours(room, token)?))
        });
        let Some((room, token, claims)) = found else {
            return Ok(());
        };
        if belongs_to_another(&claims, caller.visitor.as_ref()) {
            return Err(Refusal::OtherPass);
        }
        if let Some(ticket) = self.desk.ticket(room, &caller)?
            && belongs_to_another(&claims, Some(&ticket.visitor))
        {
            return Err(Refusal::OtherPass);
        }
        let ended = room.moments().pass_ended(&claims.jti, SystemClock.now_ms());
        let reserves =
            request.method() == Method::POST && request.uri().path().ends_with("/reservations");
        if ended && reserves {
            return Ok(());
        }
        if !ended {
            room.touches().session(&claims.sub, &claims.jti);
        }
        if let Ok(value) = HeaderValue::try_from(token) {
            request.extensions_mut().insert(VerifiedPass(value));
        }
        Ok(())
    }
}

/// Whether the room protects anything on this host.
pub(crate) fn on_host(room: &Room, host: &str) -> bool {
    room.policy.routes.iter().any(|route| {
        route
            .host
            .as_deref()
            .is_none_or(|of| of.eq_ignore_ascii_case(host))
    })
}

impl<S> Layer<S> for ServePurchase {
    type Service = PurchaseRoute<S>;

    fn layer(&self, inner: S) -> PurchaseRoute<S> {
        PurchaseRoute {
            route: self.clone(),
            inner,
        }
    }
}

/// The service of [`ServePurchase`].
#[derive(Clone)]
pub(crate) struct PurchaseRoute<S> {
    route: ServePurchase,
    inner: S,
}

impl<S> Service<Request<Body>> for PurchaseRoute<S>
where
    S: Service<Request<Body>, Response = Response, Error = Refusal>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Response, Refusal>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(mut service) = self.route.service_for(&request) else {
            return Box::pin(self.inner.call(request));
        };
        if let Err(refusal) = self.route.add_pass(&mut request) {
            return Box::pin(std::future::ready(Err(refusal)));
        }
        Box::pin(async move { Ok(service.call(gathered(request).await?).await?) })
    }
}

/// The request with its body in hand.
async fn gathered(request: Request<Body>) -> Result<Request<Body>, Refusal> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let bytes = tokio::time::timeout(PATIENCE, to_bytes(body, LARGEST))
        .await
        .map_err(|_| UpstreamError::BodyBroken)?
        .map_err(|error| {
            let source = std::error::Error::source(&error);
            if source.is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>) {
                Problem::new(Kind::TooLarge).with("field", "body").into()
            } else {
                Refusal::from(UpstreamError::BodyBroken)
            }
        })?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}
