//! The purchase service over HTTP, on a real Redis and a real ledger.

mod fixture;
mod server;

mod faults;
mod idempotency;
mod input;
mod journey;
mod recording;
mod stopping;
