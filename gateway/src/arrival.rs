//! Arrival: first step of the journey.
//!
//! Accepts connections (never more than allowed, never more than there are files), speaks HTTP/1.1
//! and HTTP/2 with prior knowledge, and brings each request's target into the one form that every
//! later step judges and the upstream receives. Knows nothing of rooms but where they lie.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::sync::OwnedSemaphorePermit;

mod listener;
mod room;
mod serve;
mod target;

pub use listener::{BindError, bind};
pub use room::Rooms;
pub use serve::{connections_allowed, serve};
pub use target::{NormaliseTarget, Target, TargetError};

use crate::config::Config;

/// Address of the other end of the connection; a request extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// The visitor's connection counts as open for as long as this lives; a request extension, kept by
/// whoever takes the connection over.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// How connections are served.
#[derive(Debug, Clone)]
pub struct Serving {
    /// Most connections at once.
    pub max_connections: usize,
    /// Most bytes in a request's head.
    pub max_header_bytes: usize,
    /// From the first byte of a head to its last; also how long a new connection may be silent.
    pub header_read: Duration,
    /// How long a connection may idle between requests.
    pub idle: Duration,
    /// How long requests in flight may take after the order to stop.
    pub drain: Duration,
}

impl From<&Config> for Serving {
    fn from(config: &Config) -> Self {
        Self {
            max_connections: config.max_connections,
            max_header_bytes: config.max_header_bytes,
            header_read: config.timeouts.header_read,
            idle: config.timeouts.idle,
            drain: config.timeouts.drain,
        }
    }
}
