//! Every Lua script, its typed door, and every Redis key. Nothing else may build a key or a script.
//!
//! [`room`] is the door to the waitlist store (`lua/room/*.lua`), [`sale`] the door to the stock
//! store (`lua/sale/*.lua`). The two may be different servers, so no script touches both. A script
//! answers with a word; its door parses it once into an enum. [`store`] holds the connections:
//! one multiplexed connection for the hot path, because requests on it share packets and system
//! calls, and a pool for what is asked in the background.

mod connection;
mod fast;
pub mod keys;
mod pool;
pub mod room;
pub mod sale;
mod script;
pub mod server;
pub mod store;

pub use script::ScriptError;
pub use store::{Store, StoreError};
