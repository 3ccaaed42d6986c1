//! What the scripts say, parsed once.

use entry_pass::{PersonId, TicketNumber};

/// One visitor in a batch of arrivals.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Who.
    pub person: PersonId,
    /// What is asked.
    pub mode: Mode,
    /// The session's id, used if this visitor is let straight in.
    pub jti: String,
}

/// What an arrival asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A place; the same one if there is one already.
    Join,
    /// Only to be told. Someone who was away at the turn is back in the line by it.
    Look,
    /// A ticket of an older epoch: its own number back, if the store may have forgotten it. Else a
    /// place as for [`Mode::Join`].
    Back(TicketNumber),
}

/// How a stay ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Over now.
    Leave,
    /// Over now; the pass is good for 60 s more, for the thank-you page.
    Complete,
    /// Over, and no new place until the pass would have expired.
    Revoke,
}

impl End {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Leave => "leave",
            Self::Complete => "complete",
            Self::Revoke => "revoke",
        }
    }
}

/// A sign of life.
#[derive(Debug, Clone)]
pub enum Touch {
    /// A request with a running pass.
    Session {
        /// Who.
        person: PersonId,
        /// The pass's `jti`.
        jti: String,
    },
    /// A personal poll of someone waiting near the front.
    Present {
        /// Who.
        person: PersonId,
    },
}

/// What the stock store says of a person inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StockMark {
    /// Holds or bought a unit: no longer counted as wanting one.
    Reserved(PersonId),
    /// May reserve again.
    Freed(PersonId),
}

/// A session as the store has it. Times in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The ticket released.
    pub number: TicketNumber,
    /// When it was released.
    pub released_at: u64,
    /// The pass's id.
    pub jti: String,
    /// When the session began.
    pub issued_at: u64,
    /// When it ends unless it slides on.
    pub expires_at: u64,
    /// Whether this call began it.
    pub new: bool,
}

/// Where a visitor stands. Times in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// In line.
    Waiting {
        /// The place.
        number: TicketNumber,
        /// Whether this call gave it.
        new: bool,
    },
    /// Released, not yet inside.
    Offered {
        /// The place.
        number: TicketNumber,
        /// When it was released.
        released_at: u64,
        /// Until when the offer stands.
        deadline: u64,
    },
    /// Inside.
    Admitted(Session),
    /// No place (any more).
    None,
    /// The shop ended the stay; no new place until then.
    Revoked {
        /// Until when.
        until: u64,
    },
}

impl Answer {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('|');
        let answer = match parts.next()? {
            "waiting" => Self::Waiting {
                number: number(&mut parts)?,
                new: parts.next()? == "new",
            },
            "offered" => Self::Offered {
                number: number(&mut parts)?,
                released_at: parts.next()?.parse().ok()?,
                deadline: parts.next()?.parse().ok()?,
            },
            "admitted" => Self::Admitted(Session::parse(&mut parts)?),
            "none" => Self::None,
            "revoked" => Self::Revoked {
                until: parts.next()?.parse().ok()?,
            },
            _ => return None,
        };
        Some(answer)
    }
}

impl Session {
    fn parse<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        Some(Self {
            number: number(parts)?,
            released_at: parts.next()?.parse().ok()?,
            jti: parts.next()?.to_owned(),
            issued_at: parts.next()?.parse().ok()?,
            expires_at: parts.next()?.parse().ok()?,
            new: parts.next()? == "new",
        })
    }
}

fn number<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<TicketNumber> {
    parts.next()?.parse().ok().map(TicketNumber)
}

/// The outcome of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// Inside; the same session when asked again.
    Admitted(Session),
    /// Not the turn yet.
    Waiting(TicketNumber),
    /// The offer ran out; the number is kept for a while.
    Away(TicketNumber),
    /// No place.
    None,
}

impl Claimed {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('|');
        Some(match parts.next()? {
            "admitted" => Self::Admitted(Session::parse(&mut parts)?),
            "waiting" => Self::Waiting(number(&mut parts)?),
            "away" => Self::Away(number(&mut parts)?),
            "none" => Self::None,
            _ => return None,
        })
    }
}

/// The outcome of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// A full tick has not passed.
    Early {
        /// How long until it has, in ms.
        wait_ms: u64,
    },
    /// The tick was taken.
    Batch {
        /// How many got an offer.
        offered: u64,
        /// How many were away at their turn and keep their number.
        passed_over: u64,
        /// How many still wait.
        waiting: u64,
        /// Redis TIME in ms: the `released_at` of these offers.
        now_ms: u64,
    },
}

/// The outcome of opening a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// Made afresh.
    Afresh,
    /// The store was restarted; epoch and counter were moved on.
    Again,
    /// The store was restarted after an orderly stop: nothing is missing.
    Resumed,
    /// It was open already.
    Already,
}

impl Opened {
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "opened" => Some(Self::Afresh),
            "reopened" => Some(Self::Again),
            "resumed" => Some(Self::Resumed),
            "exists" => Some(Self::Already),
            _ => None,
        }
    }
}
