//! Keeps one visitor from taking the capacity of many.
//!
//! A person, known by a signed visitor cookie or ticket, has one bucket for our own API and another
//! for the shop's pages; everybody else is counted by address, far above one household, because a
//! whole company or phone network may share one. Counting is local and in memory: N gateways let
//! through N times the rate, and a restart forgets. It does not tell people from scripts; it only
//! makes asking more often useless.

use std::{hash::BuildHasher, net::IpAddr, num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock, Reference},
    middleware::StateInformationMiddleware,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use problem::{Kind, Problem};

use crate::{
    config::{Limits, Rate},
    identify::Caller,
};

mod layer;
mod remembered;

pub use layer::LimitVisitor;

use remembered::Remembered;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What kind of request it is; the stack says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Public and cacheable: not counted, for counting would punish whoever has no cache in front.
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
    /// One address prefix, for callers that are no known person.
    Address,
}

impl Limit {
    /// Its name in headers and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Shop => "shop",
            Self::Address => "address",
        }
    }
}

/// A request within its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// The limit it was counted against.
    pub limit: Limit,
    /// That limit's rate.
    pub rate: Rate,
    /// Requests left at once.
    pub remaining: u32,
}

/// A request beyond its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more requests than the {} limit allows", .limit.as_str())]
pub struct Limited {
    /// The limit it broke.
    pub limit: Limit,
    /// That limit's rate.
    pub rate: Rate,
    /// When the next request is within it.
    pub retry_after: Duration,
}

/// The buckets of one gateway.
pub struct Limiter<C: Clock = DefaultClock> {
    clock: C,
    personal: Buckets<C>,
    shop: Buckets<C>,
    address: Buckets<C>,
    ipv6_prefix: u8,
    /// Persons and addresses are remembered by a hash of 64 bits, seeded at random: nobody can aim
    /// at another's bucket, and a million visitors share one by accident once in 10^7 nights.
    hasher: std::hash::RandomState,
}

struct Buckets<C: Clock> {
    limit: Limit,
    rate: Rate,
    limiter: RateLimiter<u64, Remembered, C, StateInformationMiddleware>,
}

impl Limiter {
    /// By the configured rates.
    pub fn new(limits: &Limits) -> Self {
        Self::with_clock(limits, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Limiter<C> {
    /// The same, told the time.
    pub fn with_clock(limits: &Limits, clock: C) -> Self {
        let buckets = |limit, rate| Buckets::new(limit, rate, limits.remembered, clock.clone());
        Self {
            personal: buckets(Limit::Personal, limits.personal),
            shop: buckets(Limit::Shop, limits.shop),
            address: buckets(Limit::Address, limits.per_address),
            ipv6_prefix: limits.address_ipv6_prefix,
            hasher: std::hash::RandomState::new(),
            clock,
        }
    }

    /// Counts one request. `None`: its class is not counted.
    pub fn check(&self, caller: &Caller, class: Class) -> Result<Option<Allowed>, Limited> {
        let buckets = match class {
            Class::Exempt => return Ok(None),
            Class::Personal => &self.personal,
            Class::Shop => &self.shop,
        };
        let (buckets, key) = match &caller.visitor {
            Some(visitor) => (buckets, self.hasher.hash_one(visitor)),
            None => (
                &self.address,
                self.hasher
                    .hash_one(prefix(caller.address, self.ipv6_prefix)),
            ),
        };
        buckets.check(key, &self.clock).map(Some)
    }

    /// Forgets those whose buckets are full again, so that memory follows the visitors of the last
    /// seconds; call it every few seconds.
    pub fn tidy(&self) {
        for buckets in [&self.personal, &self.shop, &self.address] {
            buckets.limiter.retain_recent();
            buckets.limiter.shrink_to_fit();
        }
    }

    /// How many persons and addresses are remembered.
    pub fn remembered(&self) -> usize {
        [&self.personal, &self.shop, &self.address]
            .iter()
            .map(|b| b.limiter.len())
            .sum()
    }
}

impl<C: Clock> Buckets<C> {
    fn new(limit: Limit, rate: Rate, most: usize, clock: C) -> Self {
        let cells = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(cells(rate.per_second)).allow_burst(cells(rate.burst));
        let limiter = RateLimiter::new(quota, Remembered::new(most), clock);
        Self {
            limit,
            rate,
            limiter,
        }
    }

    fn check(&self, key: u64, clock: &C) -> Result<Allowed, Limited> {
        let (limit, rate) = (self.limit, self.rate);
        match self.limiter.check_key(&key) {
            Ok(state) => Ok(Allowed {
                limit,
                rate,
                remaining: state.remaining_burst_capacity(),
            }),
            Err(until) => {
                let now = clock.now();
                let wait = until.earliest_possible().duration_since(now);
                Err(Limited {
                    limit,
                    rate,
                    retry_after: wait.into(),
                })
            }
        }
    }
}

/// What names a household: the whole IPv4 address, the leading bits of an IPv6 one.
fn prefix(address: IpAddr, ipv6_prefix: u8) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mask = u128::MAX
                .checked_shl(128 - u32::from(ipv6_prefix.min(128)))
                .unwrap_or(0);
            IpAddr::from(std::net::Ipv6Addr::from_bits(address.to_bits() & mask))
        }
        address @ IpAddr::V4(_) => address,
    }
}

impl Allowed {
    /// Adds `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10).
    pub fn announce(&self, headers: &mut HeaderMap) {
        announce(
            self.limit,
            self.rate,
            self.remaining,
            Duration::ZERO,
            headers,
        );
    }
}

impl Limited {
    /// The answer: 429 with `Retry-After`, `RateLimit-Policy` and `RateLimit`; the member `limit`
    /// says which one.
    pub fn problem(&self) -> Problem {
        let mut headers = HeaderMap::new();
        announce(self.limit, self.rate, 0, self.retry_after, &mut headers);
        let problem = Problem::new(Kind::Limited)
            .with("limit", self.limit.as_str())
            .retry_after(self.retry_after);
        headers
            .into_iter()
            .fold(problem, |problem, (name, value)| match name {
                Some(name) => problem.header(name, value),
                None => problem,
            })
    }
}

/// `q` requests in `w` seconds; `r` are left, and `t` seconds until there are more.
fn announce(limit: Limit, rate: Rate, left: u32, wait: Duration, headers: &mut HeaderMap) {
    let (name, quota) = (limit.as_str(), rate.burst);
    let window = quota.div_ceil(rate.per_second.max(1));
    let wait = wait.as_millis().div_ceil(1000);
    let policy = format!("\"{name}\";q={quota};w={window}");
    let state = if wait == 0 {
        format!("\"{name}\";r={left}")
    } else {
        format!("\"{name}\";r={left};t={wait}")
    };
    for (name, value) in [(POLICY, policy), (LIMIT, state)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests;
