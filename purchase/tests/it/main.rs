//! The purchase service over HTTP, on a real Redis and a real ledger.

#![expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime"
)]

mod fixture;
mod server;

mod access;
mod auditing;
mod faults;
mod idempotency;
mod input;
mod journey;
mod limits;
mod moves;
mod rebuilt;
mod recording;
mod several;
mod stopping;
