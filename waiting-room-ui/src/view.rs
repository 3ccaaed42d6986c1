//! What a visitor is shown, as the gateway decides it.
//!
//! One variant per situation, each with the figures its words need and nothing else. Times are
//! Unix milliseconds of the store's clock. The names in [`View::slug`] are the `data-view` values
//! of the templates, the script and the browser tests.

/// What a visitor is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum View {
    /// Not in line, and the line takes people.
    NotJoined,
    /// The room opens later.
    Countdown {
        /// When it opens, if that is set.
        opens_at: Option<u64>,
        /// Whether people may join already (a prequeue).
        joinable: bool,
    },
    /// In line.
    Waiting {
        /// Place in line; `None` before a draw.
        position: Option<Position>,
        /// How long it may take; `None` while nobody can tell.
        estimate: Option<Estimate>,
        /// What is left; `None` when the room sells nothing.
        stock: Option<Stock>,
    },
    /// An offer waits to be claimed.
    YourTurn {
        /// When the offer runs out.
        offer_expires_at: u64,
    },
    /// The offer ran out unclaimed; the place is kept at the front.
    Missed,
    /// Nothing can be taken now: all sold, or the last ones are in baskets.
    SoldOut {
        /// The counts behind it.
        stock: Stock,
    },
    /// Nobody is let in for now; the line stands.
    Paused {
        /// Place in line of those who are in it.
        position: Option<Position>,
    },
    /// The room takes nobody any more.
    Closed,
    /// More requests than one person may send (429).
    TooMany {
        /// Same as the `Retry-After` header.
        retry_after_s: u32,
    },
    /// A store or the shop is away (503); places are kept.
    Unavailable {
        /// Same as the `Retry-After` header.
        retry_after_s: u32,
    },
    /// Left the line, or the shop, by choice.
    Left,
    /// Was away at the turn for longer than a place is kept.
    Expired,
    /// The session in the shop is over.
    Ended,
}

/// Place in line: living tickets ahead, plus one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// 1 is next.
    pub value: u64,
    /// Whether all leavers ahead are known.
    pub exact: bool,
}

/// Estimated wait in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Half of the people wait no longer.
    pub p50_s: u64,
    /// Nine in ten wait no longer.
    pub p90_s: u64,
}

/// Units of what the room sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stock {
    /// Can be reserved now.
    pub available: u64,
    /// Reserved and not paid for; may come back.
    pub held: u64,
    /// Bought.
    pub sold: u64,
    /// All of them.
    pub supplied: u64,
}

impl View {
    /// The view's name in templates, script and tests.
    pub fn slug(&self) -> &'static str {
        match self {
            Self::NotJoined => "join",
            Self::Countdown { .. } => "countdown",
            Self::Waiting { .. } => "waiting",
            Self::YourTurn { .. } => "turn",
            Self::Missed => "missed",
            Self::SoldOut { .. } => "soldout",
            Self::Paused { .. } => "paused",
            Self::Closed => "closed",
            Self::TooMany { .. } => "toomany",
            Self::Unavailable { .. } => "unavailable",
            Self::Left => "left",
            Self::Expired => "expired",
            Self::Ended => "ended",
        }
    }

    pub(crate) fn position(&self) -> Option<Position> {
        match self {
            Self::Waiting { position, .. } | Self::Paused { position } => *position,
            _ => None,
        }
    }

    pub(crate) fn estimate(&self) -> Option<Estimate> {
        match self {
            Self::Waiting { estimate, .. } => *estimate,
            _ => None,
        }
    }

    pub(crate) fn stock(&self) -> Option<Stock> {
        match self {
            Self::Waiting { stock, .. } => *stock,
            Self::SoldOut { stock } => Some(*stock),
            _ => None,
        }
    }

    /// Whether the visitor has a place to give up in this view (if there is a ticket at all).
    pub(crate) fn keeps_a_place(&self) -> bool {
        !matches!(
            self,
            Self::NotJoined | Self::Closed | Self::Left | Self::Expired | Self::Ended
        )
    }
}
