//! The purchase service's own clock: judges passes and stamps what it records.
//!
//! Deadlines of holds are judged by the stock store's clock and not by this one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// Tells the time.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The host's.
    #[default]
    System,
    /// Told, in ms since the Unix epoch.
    Told(Arc<AtomicU64>),
}

impl Clock {
    /// Milliseconds since the Unix epoch.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the host's clock"
    )]
    pub fn now_ms(&self) -> u64 {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_millis() as u64),
            Self::Told(told) => told.load(Ordering::Relaxed),
        }
    }
}
