//! Every Redis key, built here and nowhere else.
//!
//! `room:{id}:…` for the line, `sale:{id}:…` for the stock. The braces are the cluster hash tag:
//! all keys of one room, and all of one sale, live on one node, and a room's and a sale's need not.

mod room;
mod sale;

pub use room::RoomKeys;
pub use sale::{MARKER, SaleKeys};
