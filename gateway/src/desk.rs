//! The desk: where a visitor stands, and what they may ask for.
//!
//! The API, the queue page and the gate all answer from here, so that a browser without JavaScript,
//! a page's script and an app are told the same. A waiting visitor is answered from the ticket and
//! the moment, without the store; only a number whose turn has come is looked up. Nothing here is
//! about HTTP beyond the [`Caller`].

mod standing;

pub use standing::{Stand, Standing};

use entry_pass::{KeyError, PersonId, VisitorId};
use lua::room::{Answer, Claimed, End, Mode};

use crate::{
    Clock, SystemClock,
    identify::{Caller, VisitorKey},
    moment::Phase,
    offer::Passes,
    room::Room,
    status,
    ticket::{Ticket, TicketKey},
    waitlist::{LineError, Place},
};

/// Why the desk cannot do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeskError {
    /// The line cannot answer.
    #[error(transparent)]
    Line(#[from] LineError),
    /// There is no ticket, or none of ours.
    #[error("no ticket")]
    NoTicket,
    /// The ticket is somebody else's.
    #[error("the ticket belongs to another visitor")]
    OtherTicket,
    /// A claim without an offer.
    #[error("not offered")]
    NotOffered,
    /// The room takes nobody in this phase.
    #[error("the room takes nobody now")]
    NotTaking(Phase),
    /// The shop ended the stay; Unix milliseconds until when.
    #[error("no new place until the pass would have expired")]
    Revoked(u64),
    /// No randomness or no key: a machine that cannot sign.
    #[error("cannot sign")]
    CannotSign,
}

impl From<KeyError> for DeskError {
    fn from(_: KeyError) -> Self {
        Self::CannotSign
    }
}

/// What every answer needs.
pub struct Desk {
    /// Signs and reads tickets.
    pub tickets: TicketKey,
    /// Names visitors.
    pub visitors: VisitorKey,
    /// Signs and checks passes.
    pub passes: Passes,
}

impl Desk {
    /// The caller's own ticket for this room. `OtherTicket` when it names somebody else.
    pub fn ticket(&self, room: &Room, caller: &Caller) -> Result<Option<Ticket>, DeskError> {
        let Some(ticket) = caller
            .ticket(room.id())
            .and_then(|token| self.tickets.read(token))
        else {
            return Ok(None);
        };
        if ticket.room != *room.id() {
            return Ok(None);
        }
        match &caller.visitor {
            Some(visitor) if *visitor != ticket.visitor => Err(DeskError::OtherTicket),
            _ => Ok(Some(ticket)),
        }
    }

    /// Where the caller stands. A waiting one costs the store nothing.
    pub async fn look(&self, room: &Room, caller: &Caller) -> Result<Stand, DeskError> {
        let ticket = self.ticket(room, caller)?.ok_or(DeskError::NoTicket)?;
        let moment = room.moment();
        // With the store away, the last moment is the best there is, and an epoch it does not know
        // cannot be asked about.
        let known = ticket.epoch == moment.epoch || moment.outage.is_some();
        // A pass for this number says more than a moment from before it was let in.
        let was_let_in = || {
            caller
                .pass(room.id())
                .and_then(|token| self.passes.ours(room, token))
                .is_some_and(|claims| claims.num == ticket.number)
        };
        if known && moment.still_waiting(ticket.number) && !was_let_in() {
            let (position, _) = moment.position(ticket.number);
            if position <= status::personal_within(&room.policy) {
                room.touches().present(&ticket.visitor.clone().into());
            }
            return Ok(Stand::waiting(room, &moment, ticket));
        }
        if known && ticket.number.0 > moment.serving && moment.gone.contains(ticket.number.0) {
            return Ok(Stand::plain(Standing::Left, ticket));
        }
        let mode = if ticket.epoch < moment.epoch {
            Mode::Back(ticket.number)
        } else {
            Mode::Look
        };
        let person = PersonId::from(ticket.visitor.clone());
        let jti = Room::new_jti().ok_or(DeskError::CannotSign)?;
        let place = room.line.arrive(person, mode, jti).await?;
        self.stand(room, caller, place, ticket)
    }

    /// Gives the caller a place, or tells the one there is.
    pub async fn join(&self, room: &Room, caller: &Caller) -> Result<Stand, DeskError> {
        let moment = room.moment();
        let phase = room.phase(&moment);
        let ticket = self.ticket(room, caller)?;
        if ticket.is_none() && !phase.takes_joins() {
            return Err(DeskError::NotTaking(phase));
        }
        let visitor = match (&caller.visitor, &ticket) {
            (Some(visitor), _) => visitor.clone(),
            (None, Some(ticket)) => ticket.visitor.clone(),
            (None, None) => self.visitors.new_visitor().ok_or(DeskError::CannotSign)?,
        };
        let mode = match &ticket {
            Some(ticket) if ticket.epoch < moment.epoch => Mode::Back(ticket.number),
            _ => Mode::Join,
        };
        let jti = Room::new_jti().ok_or(DeskError::CannotSign)?;
        let place = room.line.arrive(visitor.clone().into(), mode, jti).await?;
        let asked = Ticket {
            room: room.id().clone(),
            epoch: place.epoch,
            visitor,
            number: entry_pass::TicketNumber(0),
            joined_at: ticket
                .as_ref()
                .map_or(place.now_ms, |ticket| ticket.joined_at),
        };
        self.stand(room, caller, place, asked)
    }

    /// Takes up the caller's offer; again: the same session.
    pub async fn claim(&self, room: &Room, caller: &Caller) -> Result<Stand, DeskError> {
        let ticket = self.ticket(room, caller)?.ok_or(DeskError::NoTicket)?;
        let person = PersonId::from(ticket.visitor.clone());
        let jti = Room::new_jti().ok_or(DeskError::CannotSign)?;
        match room.line.claim(person.clone(), jti).await? {
            Claimed::Admitted(session) => {
                let pass = self.passes.of(room, &person, &session)?;
                Ok(Stand::admitted(room, ticket, session, Some(pass)))
            }
            Claimed::Waiting(_) | Claimed::Away(_) | Claimed::None => Err(DeskError::NotOffered),
        }
    }

    /// Ends the caller's stay. True if there was one.
    pub async fn leave(&self, room: &Room, caller: &Caller, how: End) -> Result<bool, DeskError> {
        let ticket = self.ticket(room, caller)?;
        let pass = caller
            .pass(room.id())
            .and_then(|token| self.passes.ours(room, token));
        let person = match (ticket, &pass) {
            (Some(ticket), _) => PersonId::from(ticket.visitor),
            (None, Some(pass)) if !belongs_to_another(pass, caller.visitor.as_ref()) => {
                pass.sub.clone()
            }
            _ => return Err(DeskError::NoTicket),
        };
        let ended = self.end(room, person.clone(), how).await?;
        if let Some(pass) = pass.filter(|pass| pass.sub == person) {
            self.forget_pass(room, &pass, how);
        }
        Ok(ended)
    }

    /// Ends a person's stay, whoever asked for it.
    pub async fn end(&self, room: &Room, person: PersonId, how: End) -> Result<bool, DeskError> {
        let ended = room.line.end(person, how).await?;
        room.changed();
        Ok(ended)
    }

    /// Refuses an ended pass here at once; the store's log tells the other gateways within a
    /// refresh.
    pub fn forget_pass(&self, room: &Room, pass: &entry_pass::Claims, how: End) {
        let now_ms = SystemClock.now_ms();
        let grace = if how == End::Complete { 60_000 } else { 0 };
        room.moments().end_pass(lua::room::EndedPass {
            jti: pass.jti.clone(),
            refused_from: now_ms + grace,
            expires_at: pass.exp * 1000,
        });
    }

    /// What the store's word means for this visitor.
    fn stand(
        &self,
        room: &Room,
        caller: &Caller,
        place: Place,
        ticket: Ticket,
    ) -> Result<Stand, DeskError> {
        let fresh = |number| Ticket {
            number,
            epoch: place.epoch,
            ..ticket.clone()
        };
        match place.answer {
            Answer::Waiting { number, new } => {
                let moment = room.moment();
                let ticket = fresh(number);
                if number.0 <= moment.serving.max(place.serving) {
                    return Ok(Stand::next(room, &moment, ticket));
                }
                let mut stand = Stand::waiting(room, &moment, ticket);
                stand.new = new;
                Ok(stand)
            }
            Answer::Offered {
                number,
                released_at,
                deadline,
            } => Ok(Stand::offered(fresh(number), released_at, deadline)),
            Answer::Admitted(session) => {
                let ticket = fresh(session.number);
                let person = PersonId::from(ticket.visitor.clone());
                let pass = self.passes.of(room, &person, &session)?;
                Ok(Stand::admitted(room, ticket, session, Some(pass)))
            }
            Answer::None => {
                // The store has forgotten this number. A pass for it says the turn was taken.
                let had_pass = caller
                    .pass(room.id())
                    .and_then(|token| self.passes.ours(room, token))
                    .is_some_and(|claims| claims.num == ticket.number);
                let standing = if had_pass {
                    Standing::Ended
                } else {
                    Standing::Expired
                };
                Ok(Stand::plain(standing, ticket))
            }
            Answer::Revoked { until } => Err(DeskError::Revoked(until)),
        }
    }
}

/// Whether a pass names somebody else than this visitor.
pub fn belongs_to_another(pass: &entry_pass::Claims, visitor: Option<&VisitorId>) -> bool {
    visitor.is_some_and(|visitor| visitor.as_str() != pass.sub.as_str())
}
