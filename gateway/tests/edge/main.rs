//! The gateway's edge on real sockets: arrival, identify and upstream between raw TCP clients and a
//! real upstream, without a room in between.

mod away;
mod bodies;
mod drain;
mod heads;
mod protocols;
mod setup;
mod smuggling;
mod tunnel;
