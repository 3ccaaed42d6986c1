//! Turns every refusal, failure and panic into an answer. The only place where they become HTTP.
//!
//! Handlers behind the router answer with a [`Refusal`] in the extensions, reserving and the layers
//! raise errors, the router answers 405 by itself, a bug panics: one ordered list says what each
//! becomes. Nothing here is a 500 but
//! the panic.

use std::{
    any::Any,
    convert::Infallible,
    panic::AssertUnwindSafe,
    task::{Context, Poll},
    time::Duration,
};

use ::entry_pass::PassError;
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use futures::{
    FutureExt,
    future::{CatchUnwind, Map},
};
use http::{HeaderValue, Request, StatusCode, header};
use problem::{Kind, Problem};
use tower::{BoxError, Layer, Service};

use crate::refusal::Refusal;

/// How soon to ask again while a sale is closed: it opens within seconds.
const SOON: Duration = Duration::from_secs(1);

/// Makes [`RescueService`].
#[derive(Debug, Clone, Copy)]
pub struct Rescue;

impl<S> Layer<S> for Rescue {
    type Service = RescueService<S>;
    fn layer(&self, inner: S) -> Self::Service {
        RescueService { inner }
    }
}

/// Answers, whatever happens inside.
#[derive(Debug, Clone)]
pub struct RescueService<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for RescueService<S>
where
    S: Service<Request<Body>, Response = Response>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Map<CatchUnwind<AssertUnwindSafe<S::Future>>, Answered<S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Load shedding makes the rest always ready; an error here would come again from the call.
        match self.inner.poll_ready(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        AssertUnwindSafe(self.inner.call(request))
            .catch_unwind()
            .map(answer)
    }
}

/// What the inner service came to: an answer, an error, or a panic.
type Outcome<E> = Result<Result<Response, E>, Box<dyn Any + Send>>;
type Answered<E> = fn(Outcome<E>) -> Result<Response, Infallible>;

#[expect(clippy::unnecessary_wraps, reason = "the shape of a service's answer")]
fn answer<E: Into<BoxError>>(outcome: Outcome<E>) -> Result<Response, Infallible> {
    Ok(match outcome {
        Ok(Ok(response)) => rescued(response),
        Ok(Err(error)) => failed(&*error.into()).into_response(),
        // A bug must cost one answer, not the connection and its neighbours. What broke was logged
        // by the panic hook.
        Err(_) => {
            metrics::counter!("vestibule_panics_total").increment(1);
            Problem::new(Kind::Internal).into_response()
        }
    })
}

fn rescued(mut response: Response) -> Response {
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        return problem(&refusal).into_response();
    }
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let mut problem = Problem::new(Kind::MethodNotAllowed);
        if let Some(allow) = response.headers().get(header::ALLOW) {
            problem = problem.header(header::ALLOW, allow.clone());
        }
        return problem.into_response();
    }
    // All of it is one person's, and a shared cache would show it to the next.
    let headers = response.headers_mut();
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Problem {
    if let Some(refusal) = error.downcast_ref::<Refusal>() {
        return problem(refusal);
    }
    if error.is::<tower::timeout::error::Elapsed>() {
        return Problem::new(Kind::StoreAway).detail("The stores took too long to answer.");
    }
    Problem::new(Kind::Busy)
}

/// A 401 names what would do (RFC 9110, section 11.6.1).
fn no_pass() -> Problem {
    let bearer = http::HeaderValue::from_static("Bearer realm=\"entry pass\"");
    Problem::new(Kind::NoPass).header(http::header::WWW_AUTHENTICATE, bearer)
}

/// What each refusal is called outside.
fn problem(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::NoPass => no_pass(),
        Refusal::Pass(PassError::OtherRoom) => {
            Problem::new(Kind::OtherPass).detail(refusal.to_string())
        }
        Refusal::Pass(_) => no_pass().detail(refusal.to_string()),
        Refusal::KeyMissing => Problem::new(Kind::KeyMissing).with("field", "Idempotency-Key"),
        Refusal::KeyReused => Problem::new(Kind::KeyReused).with("field", "Idempotency-Key"),
        Refusal::Invalid { field, must } => Problem::invalid(field, must.as_str()),
        Refusal::Body(complaint) => Problem::invalid(&complaint.field, complaint.must.as_str()),
        Refusal::TooLarge => Problem::new(Kind::TooLarge).with("field", "body"),
        Refusal::UnsupportedType => {
            Problem::new(Kind::UnsupportedType).with("field", "Content-Type")
        }
        Refusal::NotFound => Problem::new(Kind::NotFound),
        Refusal::UnknownSale => Problem::new(Kind::UnknownSale).with("field", "sale"),
        Refusal::UnknownSku => Problem::new(Kind::UnknownSku).with("field", "sku"),
        Refusal::LimitReached { limit, taken } => Problem::new(Kind::LimitReached)
            .with("limit", *limit)
            .with("taken", *taken),
        Refusal::NotEnough { available } => {
            Problem::new(Kind::NotEnough).with("available", *available)
        }
        Refusal::SoldOut { held } => Problem::new(Kind::SoldOut)
            .with("available", 0)
            .with("held", *held),
        Refusal::Expired => Problem::new(Kind::Expired),
        Refusal::HoldLost => Problem::new(Kind::HoldLost),
        Refusal::Cancelled => Problem::new(Kind::Cancelled),
        Refusal::Confirmed => Problem::new(Kind::Confirmed),
        Refusal::Refunded => Problem::new(Kind::WrongState).with("state", "refunded"),
        Refusal::NotSold => Problem::new(Kind::WrongState).detail("It is not an order."),
        Refusal::OtherPayment => Problem::new(Kind::OtherPayment).with("field", "payment_ref"),
        Refusal::ShopConfirms => Problem::new(Kind::Forbidden),
        Refusal::BelowCommitted { committed } => Problem::new(Kind::BelowCommitted)
            .with("field", "supplied")
            .with("committed", *committed),
        Refusal::Restarting => Problem::new(Kind::Restarting).retry_after(SOON),
        Refusal::StoreAway => Problem::new(Kind::StoreAway).retry_after(SOON),
        Refusal::LedgerAway => Problem::new(Kind::StoreAway)
            .detail("The ledger cannot be reached at the moment. Nothing is lost.")
            .retry_after(SOON),
    }
}
