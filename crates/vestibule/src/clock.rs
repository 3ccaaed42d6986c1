//! The one place of this crate that asks the machine for the time.

/// Milliseconds since the Unix epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "everybody else in this crate asks here"
)]
pub(crate) fn now_ms() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}
