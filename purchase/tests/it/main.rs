//! The purchase service over HTTP, on a real Redis and a real ledger. `tests/postgres` runs all of it
//! a second time.

#![expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime"
)]

pub(crate) mod database;
pub(crate) mod fixture;
pub(crate) mod postgres;
pub(crate) mod server;

mod access;
mod auditing;
mod clashes;
mod columns;
mod failover;
mod faults;
mod idempotency;
mod input;
mod journey;
mod limits;
mod moves;
mod rebuilt;
mod recording;
mod recovering;
mod reopening;
mod replaying;
mod several;
mod stopping;
mod taking_over;
