//! Where a visitor stands, in one value that the API and the pages both render.

use lua::room::Session;

use crate::{
    moment::{Estimate, Moment, Phase, estimate, phase, unix_ms},
    offer::SignedPass,
    room::Room,
    ticket::Ticket,
};

/// When a visitor whose turn has come asks again, in ms.
const AT_THE_TURN: u64 = 2_000;
/// When somebody inside asks again, in ms: only to notice the end.
const INSIDE: u64 = 30_000;

/// A state of a visitor. Times in Unix milliseconds.
#[derive(Debug, Clone)]
pub enum Standing {
    /// In line.
    Waiting {
        /// Living tickets ahead, plus one.
        position: u64,
        /// Whether that is exact.
        exact: bool,
        /// How long it may take.
        estimate: Option<Estimate>,
    },
    /// It is the visitor's turn.
    Offered {
        /// Since when.
        released_at: u64,
        /// Until when.
        deadline: u64,
    },
    /// Inside.
    Admitted {
        /// The session as the store has it.
        session: Session,
    },
    /// Gave up the place.
    Left,
    /// Was away at the turn for longer than a place is kept.
    Expired,
    /// The session is over.
    Ended,
}

/// A visitor's standing, with the ticket that proves it.
#[derive(Debug, Clone)]
pub struct Stand {
    /// Where.
    pub standing: Standing,
    /// The ticket, as it should be kept from now on.
    pub ticket: Ticket,
    /// The pass, when the visitor is inside.
    pub pass: Option<SignedPass>,
    /// When to ask again, in ms.
    pub poll_after_ms: u64,
    /// Whether this call gave the place.
    pub new: bool,
}

impl Stand {
    pub(super) fn plain(standing: Standing, ticket: Ticket) -> Self {
        Self {
            standing,
            ticket,
            pass: None,
            poll_after_ms: INSIDE,
            new: false,
        }
    }

    pub(super) fn waiting(room: &Room, moment: &Moment, ticket: Ticket) -> Self {
        let (position, exact) = moment.position(ticket.number);
        Self::at(room, moment, ticket, position, exact)
    }

    /// Somebody who was away at the turn and is back: before everybody else.
    pub(super) fn next(room: &Room, moment: &Moment, ticket: Ticket) -> Self {
        Self::at(room, moment, ticket, 1, false)
    }

    fn at(room: &Room, moment: &Moment, ticket: Ticket, position: u64, exact: bool) -> Self {
        let policy = &room.policy;
        let phase = phase(policy, moment.now_ms(), moment.stock.as_ref());
        let mut after = policy.poll.after(position.saturating_sub(1)).as_millis() as u64;
        if phase == Phase::Prequeue {
            // Nobody should still be asleep when the room opens.
            let opens_in = policy
                .opens_at
                .map_or(0, unix_ms)
                .saturating_sub(moment.now_ms());
            after = after.min(opens_in.max(1_000));
        }
        let estimate = estimate(policy, moment, phase, position);
        Self {
            standing: Standing::Waiting {
                position,
                exact,
                estimate,
            },
            ticket,
            pass: None,
            poll_after_ms: after,
            new: false,
        }
    }

    pub(super) fn offered(ticket: Ticket, released_at: u64, deadline: u64) -> Self {
        let standing = Standing::Offered {
            released_at,
            deadline,
        };
        Self {
            standing,
            ticket,
            pass: None,
            poll_after_ms: AT_THE_TURN,
            new: false,
        }
    }

    pub(super) fn admitted(
        room: &Room,
        ticket: Ticket,
        session: Session,
        pass: Option<SignedPass>,
    ) -> Self {
        let new = session.new;
        if new {
            room.changed();
        }
        let standing = Standing::Admitted { session };
        Self {
            standing,
            ticket,
            pass,
            poll_after_ms: INSIDE,
            new,
        }
    }

    /// The state's name, as the contract has it.
    pub fn state(&self) -> &'static str {
        match self.standing {
            Standing::Waiting { .. } => "waiting",
            Standing::Offered { .. } => "offered",
            Standing::Admitted { .. } => "admitted",
            Standing::Left => "left",
            Standing::Expired => "expired",
            Standing::Ended => "ended",
        }
    }
}
