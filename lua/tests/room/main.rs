//! The line of one room on a real Redis: every script, named after what it promises.
//!
//! Time is told, never waited for. One server serves all tests, each with a room of its own; those
//! that kill a server have theirs alone. What a script must refuse is in `malformed`, what must hold
//! in whatever order things happen is in `interleavings`.

mod barrier;
mod claiming;
mod cost;
mod interleavings;
mod line;
mod malformed;
mod model;
mod opening;
mod orderly;
mod places;
mod races;
mod rate;
mod restart;
mod scripts;
mod server;
mod sessions;
mod stock;
mod turns;
