//! Counts what reaches the shop: the judge's witness behind the gate.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Shop;
use crate::clock;

/// The gateway's proof that the visitor was admitted.
pub(super) const ENTRY_PASS: HeaderName = HeaderName::from_static("x-entry-pass");
/// On every answer of the shop, so that whoever sees it knows that the shop was reached.
const DEMO_SHOP: HeaderName = HeaderName::from_static("x-demo-shop");
/// A pass that ran out on the way from the gate to here was good when it was judged.
const ON_THE_WAY_S: u64 = 2;

/// Requests that reached the shop.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    without_pass: AtomicU64,
}

impl Counters {
    /// All of them.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Those without a pass that the shop itself could verify. Must be zero.
    pub(crate) fn without_pass(&self) -> u64 {
        self.without_pass.load(Ordering::Relaxed)
    }
}

/// Counts one request and marks its answer.
pub(super) async fn count(State(shop): State<Arc<Shop>>, request: Request, next: Next) -> Response {
    shop.counters.requests.fetch_add(1, Ordering::Relaxed);
    if !verified(&shop, request.headers()) {
        shop.counters.without_pass.fetch_add(1, Ordering::Relaxed);
    }
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .insert(DEMO_SHOP, HeaderValue::from_static("1"));
    response
}

fn verified(shop: &Shop, headers: &HeaderMap) -> bool {
    let Some(pass) = pass(headers) else {
        return false;
    };
    shop.verifier.verify_person(pass).is_ok_and(|claims| {
        claims.aud == shop.room && clock::now_ms() / 1000 < claims.exp + ON_THE_WAY_S
    })
}

/// The pass a request carries: exactly one, or none.
pub(super) fn pass(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(ENTRY_PASS).iter();
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(first)
}
