//! The purchase service, outermost layer first.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    response::Response,
    routing::{future::RouteFuture, get, post},
};
use futures::{
    TryFutureExt,
    future::{Either, MapErr},
};
use http::{Method, Request};
use tower::{Service, ServiceBuilder};

use crate::{Purchase, refusal::Refusal, rescue::Rescue, reservation};

/// Where reservations are asked for.
const RESERVATIONS: &str = "/v1/reservations";

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
        .service(Routes {
            purchase: purchase.clone(),
            others: routes(purchase),
        })
}

/// The visitor's routes.
fn routes(purchase: &Purchase) -> Router {
    Router::new()
        .route(RESERVATIONS, post(reservation::reserve))
        .route("/v1/reservations/{id}", get(reservation::read))
        .route("/v1/reservations/{id}/confirm", post(reservation::confirm))
        .route("/v1/reservations/{id}/cancel", post(reservation::cancel))
        .route("/v1/orders/{id}", get(reservation::read_order))
        .fallback(|| async { Refusal::NotFound })
        .with_state(purchase.clone())
}

/// The one route a rush takes, found by comparing; the others are the router's, whose matching and
/// boxing cost a third of a reservation.
#[derive(Clone)]
struct Routes {
    purchase: Purchase,
    others: Router,
}

type Reserving = Pin<Box<dyn Future<Output = Result<Response, Refusal>> + Send>>;
type Other = MapErr<RouteFuture<Infallible>, fn(Infallible) -> Refusal>;

impl Service<Request<Body>> for Routes {
    type Response = Response;
    type Error = Refusal;
    type Future = Either<Reserving, Other>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.method() == Method::POST && request.uri().path() == RESERVATIONS {
            let purchase = self.purchase.clone();
            return Either::Left(Box::pin(async move {
                reservation::answer_reserve(&purchase, request).await
            }));
        }
        Either::Right(self.others.call(request).map_err(|never| match never {}))
    }
}
