//! The line through real parts: a real Redis, real gateways on real sockets, a real shop behind.

mod gate;
mod journey;
mod outage;
mod refusals;
mod several;
mod world;
