//! The gateway: from a visitor's arrival to the shop behind.

pub mod arrival;
mod clock;
pub mod config;
pub mod identify;
pub mod limit;
pub mod upstream;

pub use clock::{Clock, SystemClock};
pub use config::Config;
