//! From the entry pass to the ledger: entry pass → reservation → stream → recorder → ledger.
//!
//! The pass is checked again; a reservation takes units atomically in the stock store; its event
//! goes through the sale's stream to the recorder, which writes the ledger; a confirm is answered
//! when the ledger has it. [`stack`] shows the order of the layers, [`role`] what runs beside them.
//! Each part may run in a process of its own, and any number of purchase services and recorders
//! may run at once: what must not happen twice is decided in the stock store and in the ledger.

pub mod acknowledge;
pub mod audit;
pub mod clock;
pub mod config;
pub mod entry_pass;
pub mod idempotency;
pub mod ledger;
pub mod ledger_settings;
mod losses;
pub mod openapi;
pub mod operator;
pub mod recorder;
pub mod refusal;
pub mod rescue;
pub mod reservation;
pub mod role;
pub mod seed;
pub mod serve;
pub mod stack;
pub mod stream;
pub mod sweeper;

pub use config::Config;
pub use openapi::openapi;
pub use operator::router as operator_router;
pub use role::{PassKeys, Purchase, StartError, Urls, run};
