//! The stack: what happens to a request, outermost first. Read this and you know the gateway.
//!
//! Layers raise typed errors; [`Rescue`] alone makes answers of them. The line itself does not
//! appear here: it is behind the desk, in `waitlist`, `moment` and `release`.

use std::{convert::Infallible, sync::Arc};

use axum::{Router, body::Body, response::Response};
use http::Request;
use tower::{Service, ServiceBuilder};

use crate::{
    arrival::NormaliseTarget,
    gate::RequirePass,
    identify::IdentifyVisitor,
    limit::{LimitVisitor, Limiter},
    purchase_route::ServePurchase,
    rescue::Rescue,
    route::{FindRoom, ProxyToShop, ServeWaitingRoom, classify},
};

/// The parts of one gateway, made by [`crate::run`].
pub(crate) struct Parts {
    pub(crate) normalise: NormaliseTarget,
    pub(crate) rooms: FindRoom,
    pub(crate) identify: IdentifyVisitor,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) purchase_prefix: Option<Arc<str>>,
    pub(crate) waiting_room: Router,
    pub(crate) purchase: ServePurchase,
    pub(crate) gate: RequirePass,
    pub(crate) shop: ProxyToShop,
}

/// One service for every connection.
pub(crate) fn stack(
    parts: Parts,
) -> impl Service<Request<Body>, Response = Response, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    let prefix = parts.purchase_prefix;
    ServiceBuilder::new()
        // Outermost: whatever is refused below becomes an answer here, and nothing leaks.
        .layer(Rescue)
        // Before anybody judges the target: judged and forwarded are the same bytes.
        .layer(parts.normalise)
        // Which room protects it; everything below may ask.
        .layer(parts.rooms)
        // Who asks, before the limit: a person has a bucket, an address has another.
        .layer(parts.identify)
        // Before anything that costs: a refused request has touched no store.
        .layer(LimitVisitor::new(parts.limiter, classify(prefix)))
        // `/_wr/`: join, look, claim, leave and the public documents. Never gated, never proxied.
        .layer(ServeWaitingRoom::new(parts.waiting_room))
        // `/v1/`: the purchase service checks the pass by itself, so it stands before the gate.
        .layer(parts.purchase)
        // Everything else in a room needs a pass, whatever its method.
        .layer(parts.gate)
        // Admitted, or in no room: on to the shop.
        .service(parts.shop)
}
