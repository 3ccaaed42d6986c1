//! The one clock of the crowd. All its processes run on one machine, so "A was answered before B
//! asked" can be read off two stamps from here; the promise about order is judged by exactly that.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Unix time in milliseconds, rounded down: an earlier stamp is truly earlier.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock everything else here takes"
)]
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_millis() as u64
}

/// Reads and writes a `Duration` as whole milliseconds; the field's name carries the unit.
pub(crate) mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &Duration, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_u64(value.as_millis() as u64)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}
