//! Limits.
use std::time::Duration;

use axum::body::Body;
use governor::clock::{Clock, DefaultClock};
use http::{HeaderMap, Request};

use crate::{config::Limits, identify::Caller};

/// What kind of request it is; the stack says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Public and cacheable, or for machines: not counted.
    Exempt,
    /// Our own API: `/_wr/` and the purchase prefix.
    Personal,
    /// The shop's pages.
    Shop,
}

/// Which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// One person on our API.
    Personal,
    /// One person on the shop.
    Shop,
    /// One address, for callers without a valid visitor cookie.
    Address,
}

/// A request within its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// The limit it was counted against.
    pub limit: Limit,
    /// Requests left at once.
    pub remaining: u32,
}

/// A request beyond its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests: {limit:?}")]
pub struct Limited {
    /// The limit it broke.
    pub limit: Limit,
    /// When the next request is within it.
    pub retry_after: Duration,
}

impl Limited {
    /// The answer: 429 with `Retry-After`, `RateLimit-Policy`, `RateLimit`.
    pub fn problem(&self) -> problem::Problem {
        problem::Problem::new(problem::Kind::Limited).retry_after(self.retry_after)
    }
}

/// The buckets of one gateway.
pub struct Limiter<C: Clock = DefaultClock> {
    clock: C,
}

impl Limiter {
    /// By the configured rates.
    pub fn new(_limits: &Limits) -> Self {
        Self {
            clock: DefaultClock::default(),
        }
    }
}

impl<C: Clock> Limiter<C> {
    /// Counts one request. `None`: not counted.
    pub fn check(&self, _caller: &Caller, _class: Class) -> Result<Option<Allowed>, Limited> {
        let _ = &self.clock;
        Ok(None)
    }

    /// Forgets those whose buckets are full again; call it every few seconds.
    pub fn tidy(&self) {}

    /// Adds `RateLimit-Policy` and `RateLimit`.
    pub fn announce(&self, _allowed: Allowed, _headers: &mut HeaderMap) {}
}

/// Layer: refuses requests beyond their limit. `classify` sees the request with its `Target`.
/// Error: `S::Error: From<Limited>`.
#[derive(Clone)]
pub struct LimitVisitor<F> {
    /// The buckets.
    pub limiter: std::sync::Arc<Limiter>,
    /// Tells the class of a request.
    pub classify: F,
}

impl<F: Fn(&Request<Body>) -> Class + Clone> LimitVisitor<F> {
    /// A layer over shared buckets.
    pub fn new(limiter: std::sync::Arc<Limiter>, classify: F) -> Self {
        Self { limiter, classify }
    }
}
