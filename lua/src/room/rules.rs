//! The policy of a room as the scripts take it.

/// Most persons, or stock marks, one call carries; a script refuses more.
pub const MOST_PER_CALL: usize = 1000;

/// The largest number a script counts exactly. A setting beyond it stands for "no limit".
pub(super) const LARGEST: u64 = 999_999_999_999_999;

/// What a script must know of a room's policy. Times in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Most visitors inside and offered at once.
    pub capacity: u64,
    /// Most released per tick.
    pub batch: u64,
    /// Length of a tick.
    pub tick_ms: u64,
    /// Most released in any rolling minute.
    pub per_minute: u64,
    /// How long a session lasts from the last sign of it.
    pub session_ms: u64,
    /// The hard end of a session.
    pub session_max_ms: u64,
    /// How long an offer stands.
    pub offer_ttl_ms: u64,
    /// How long someone who was away at the turn keeps the number.
    pub place_kept_ms: u64,
    /// How long a sign of life counts.
    pub presence_ms: u64,
    /// Numbers this close to the watermark are due soon: their visitors ask personally.
    pub near: u64,
    /// Whether a newcomer may be let straight in when nobody waits.
    pub newcomers_straight_in: bool,
    /// Whether batches are released at all now.
    pub releasing: bool,
    /// Whether the room sells stock, so that no more are let in than can still buy.
    pub sells: bool,
}
