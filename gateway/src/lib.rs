//! The gateway: from a visitor's arrival to the shop behind.
//!
//! `arrival → limit → ticket → waitlist → release → offer → entry pass → gate → upstream`: the
//! modules carry the names of these steps, and [`stack`](crate::stack) puts those a request goes
//! through in order. A gateway is one thread with a runtime, a listener, connections to the stores
//! and a snapshot of each room; run as many as wanted, they share nothing but the stores.

mod api;
pub mod arrival;
mod clock;
pub mod config;
mod cookies;
pub mod desk;
mod gate;
pub mod identify;
pub mod limit;
pub mod moment;
mod offer;
mod pages;
mod purchase_route;
mod release;
mod rescue;
mod room;
mod route;
mod run;
mod stack;
mod status;
mod ticket;
pub mod upstream;
mod waitlist;

pub use api::openapi;
pub use clock::{Clock, SystemClock};
pub use config::Config;
pub use run::{Secrets, StartError, StoreUrls, run};
pub use ticket::{Ticket, TicketKey};
pub use waitlist::LineError;
