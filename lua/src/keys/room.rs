//! Keys of a room.

use entry_pass::RoomId;

/// The keys of one room, built once and borrowed by every call.
#[derive(Debug, Clone)]
pub struct RoomKeys {
    /// hash: `run_id`, `epoch`, `issued`, `ceiling`, `serving`, `released_at`, `hold_until`,
    /// `barrier`, `stock_cursor`, `sellable`, `gone_base`, `ended_base`,
    /// `never_given`, `rebuilt_after`, `clean`.
    pub state: String,
    /// sorted set: person, by place. Who waits.
    pub waiting: String,
    /// sorted set: person, by the offer's deadline in ms.
    pub offers: String,
    /// sorted set: person, by the session's deadline in ms.
    pub sessions: String,
    /// hash: person to the packed record of an offer or session.
    pub inside: String,
    /// sorted set: person, by place. Missed the turn; first again on return.
    pub away: String,
    /// sorted set: person, by when the kept place is given up, in ms.
    pub away_until: String,
    /// sorted set: person, by when last seen, in ms. Only those near the front.
    pub present: String,
    /// list: `ms:count` of each release in the last minute.
    pub releases: String,
    /// list: numbers of those who left, in leaving order.
    pub gone: String,
    /// set: persons inside who hold or bought a unit.
    pub reserved: String,
    /// list: `jti|refused from|expires at` of each pass ended before its time, in ending order.
    pub ended: String,
    /// sorted set: person, by when a new place may be asked for again, in ms.
    pub revoked: String,
    /// hash in the *stock* store: `epoch`, `ceiling`. What the counter may reach, written durably
    /// before it gets there.
    pub durable: String,
}

impl RoomKeys {
    /// All keys of `room`.
    pub fn new(room: &RoomId) -> Self {
        let key = |name: &str| format!("room:{{{room}}}:{name}");
        Self {
            state: key("state"),
            waiting: key("waiting"),
            offers: key("offers"),
            sessions: key("sessions"),
            inside: key("inside"),
            away: key("away"),
            away_until: key("away_until"),
            present: key("present"),
            releases: key("releases"),
            gone: key("gone"),
            reserved: key("reserved"),
            ended: key("ended"),
            revoked: key("revoked"),
            durable: key("durable"),
        }
    }
}
