//! The moment: what one gateway knows of a room without asking.
//!
//! Refreshed a few times a second by one call, whatever the number of visitors, and answered from in
//! between: positions, the public status document, whether a pass was ended early. When a store is
//! away the last moment stays, marked as such: a visitor keeps a position and reads an honest
//! sentence, and nothing says "sold out" that is not. It never moves the line.

mod estimate;
mod gone;
mod phase;
mod refresh;
mod stock;

use std::{sync::Arc, time::Instant};

use entry_pass::TicketNumber;

pub use estimate::{Estimate, estimate};
pub use gone::Gone;
pub(crate) use phase::unix_ms;
pub use phase::{Phase, phase};
pub(crate) use refresh::{Moments, Refresher};
pub use stock::{SkuFigures, StockFigures};

/// One moment of a room.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The store's time of this moment, Unix milliseconds.
    pub at_ms: u64,
    /// When this gateway learned of it, to count on from.
    pub taken: Instant,
    /// The room's epoch; 0 before the store was first reached.
    pub epoch: u64,
    /// The newest number given.
    pub issued: u64,
    /// The watermark.
    pub serving: u64,
    /// How many wait.
    pub waiting: u64,
    /// How many are inside or offered.
    pub inside: u64,
    /// How many were released in the last minute.
    pub released_lately: u64,
    /// When the last tick was taken or somebody let straight in, Unix milliseconds.
    pub released_at: u64,
    /// Until when nobody new is released after a loss, Unix milliseconds.
    pub hold_until: u64,
    /// Who left the line beyond the watermark.
    pub gone: Arc<Gone>,
    /// The stock, in a room that sells some and once it was read.
    pub stock: Option<StockFigures>,
    /// Why the room cannot be relied on right now, in words for a visitor.
    pub outage: Option<Outage>,
}

/// What is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// The waitlist store: nobody joins, nobody is released.
    Waitlist,
    /// The stock store: nobody is released, nobody can reserve.
    Stock,
}

impl Outage {
    /// For the status document.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Waitlist => "waitlist-store-away",
            Self::Stock => "stock-store-away",
        }
    }
}

impl Moment {
    /// Before the store was first reached.
    pub fn unknown(now_ms: u64) -> Self {
        Self {
            at_ms: now_ms,
            taken: Instant::now(),
            epoch: 0,
            issued: 0,
            serving: 0,
            waiting: 0,
            inside: 0,
            released_lately: 0,
            released_at: 0,
            hold_until: 0,
            gone: Arc::default(),
            stock: None,
            outage: Some(Outage::Waitlist),
        }
    }

    /// The store's time now, Unix milliseconds: the clock of schedules and deadlines.
    pub fn now_ms(&self) -> u64 {
        self.at_ms + self.taken.elapsed().as_millis() as u64
    }

    /// Whether this number still waits as far as this moment knows: beyond the watermark and not
    /// among those who left. A number at or before the watermark has had its turn, and what became
    /// of it only the store knows.
    pub fn still_waiting(&self, number: TicketNumber) -> bool {
        number.0 > self.serving && !self.gone.contains(number.0)
    }

    /// Living tickets ahead, plus one; and whether that is exact.
    ///
    /// Never more than there are people in line: after a store was emptied, numbers whose owners
    /// have not come back yet cannot be told from those who never will.
    pub fn position(&self, number: TicketNumber) -> (u64, bool) {
        let ahead = number.0.saturating_sub(self.serving + 1);
        let living = ahead.saturating_sub(self.gone.between(self.serving, number.0));
        let newer = number.0.saturating_sub(self.issued);
        let most = self.waiting.saturating_add(newer).max(1);
        let position = living + 1;
        (
            position.min(most),
            position <= most && self.outage.is_none(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_the_living_ahead() {
        let gone = Gone::default().with(&[12..=12, 15..=17, 40..=40], 10);
        let moment = Moment {
            issued: 30,
            serving: 10,
            waiting: 16,
            gone: Arc::new(gone),
            outage: None,
            ..Moment::unknown(0)
        };
        for (number, position) in [(11, 1), (13, 2), (14, 3), (18, 4), (30, 16), (31, 17)] {
            assert_eq!(
                moment.position(TicketNumber(number)),
                (position, true),
                "{number}"
            );
        }
        assert!(moment.still_waiting(TicketNumber(11)));
        assert!(!moment.still_waiting(TicketNumber(10)), "its turn has come");
        assert!(!moment.still_waiting(TicketNumber(16)), "it left");
    }

    #[test]
    fn nobody_is_told_a_place_behind_more_people_than_there_are() {
        let moment = Moment {
            issued: 100_000,
            serving: 0,
            waiting: 3,
            outage: None,
            ..Moment::unknown(0)
        };
        assert_eq!(moment.position(TicketNumber(90_000)), (3, false));
        assert_eq!(moment.position(TicketNumber(2)), (2, true));
    }
}
