//! The purchase service over HTTP, on a real Redis and a real ledger.

#![expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime"
)]

mod fixture;
mod server;

mod auditing;
mod failover;
mod faults;
mod idempotency;
mod input;
mod journey;
mod recording;
mod recovering;
mod reopening;
mod stopping;
