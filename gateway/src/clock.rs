//! The wall clock, taken as an argument so that tests tell the time.
//!
//! The line is decided on the store's clock alone. This one judges what is local: whether a pass is
//! within its time, and when a schedule begins on a page.

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> SystemTime;

    /// Milliseconds since the Unix epoch; 0 before it.
    fn now_ms(&self) -> u64 {
        self.now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64)
    }

    /// Seconds since the Unix epoch; 0 before it.
    fn now_s(&self) -> u64 {
        self.now_ms() / 1000
    }
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everybody else takes"
    )]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}
