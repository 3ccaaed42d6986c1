//! The purchase service, outermost layer first.

use std::convert::Infallible;

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::Request;
use problem::{Kind, Problem};
use tower::{Service, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{Purchase, refusal::Refusal, rescue::Rescue, reservation};

/// Everything between a connection and the stock store.
pub fn stack(
    purchase: &Purchase,
) -> impl Service<Request<Body>, Response = Response, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    let config = purchase.config();
    ServiceBuilder::new()
        // Outermost, because every layer below may fail, and only here failure becomes an answer.
        .layer(Rescue)
        // Beyond what can be worked on at once an early 503 is kinder than a late one.
        .load_shed()
        .concurrency_limit(config.most_at_once)
        // Inside the limit, so that a stuck store frees its places again. A script that was sent is
        // not taken back: the same idempotency key tells what became of it.
        .timeout(config.request_timeout)
        // Innermost: routes whose handlers check the entry pass themselves, because each asks for
        // something else of it: reserving a running one of the room, the rest only its person.
        .service(routes(purchase))
}

/// The visitor's routes.
fn routes(purchase: &Purchase) -> Router {
    Router::new()
        .route("/v1/reservations", post(reservation::reserve))
        .route("/v1/reservations/{id}", get(reservation::read))
        .route("/v1/reservations/{id}/confirm", post(reservation::confirm))
        .route("/v1/reservations/{id}/cancel", post(reservation::cancel))
        .route("/v1/orders/{id}", get(reservation::read_order))
        .fallback(|| async { Refusal::NotFound })
        // A bug in a handler must cost one answer, not the connection and its neighbours.
        .layer(CatchPanicLayer::custom(broken))
        .with_state(purchase.clone())
}

/// The answer in place of one that broke. What broke was logged by the panic hook.
fn broken(_: Box<dyn std::any::Any + Send>) -> Response {
    metrics::counter!("vestibule_panics_total").increment(1);
    Problem::new(Kind::Internal).into_response()
}
