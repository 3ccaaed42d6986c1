//! Every test of `tests/it`, with the ledger in a real PostgreSQL instead of SQLite, and those that
//! only a server has need of.
//!
//! The same files, compiled a second time: what `it` gains is tested on both without a word here.
//! Which database a place gets is decided by the name of this crate, in `it/database.rs`.

#![expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime"
)]

#[path = "../it/main.rs"]
pub(crate) mod it;

mod comments;
mod outage;
mod wire;
