//! What becomes of a hold, by the model.

use lua::sale::{Cancelled, Confirmed, Refunded, Reservation, State, Swept};

use super::{Model, Turn, list, or_dash};

/// How often a sweep notes that time goes on.
const ALIVE_EVERY_MS: i64 = 500;

impl Model {
    /// The record, if whoever asks may know of it.
    fn of(&mut self, id: &str, person: Option<&str>) -> Option<&mut Reservation> {
        let record = self.records.get_mut(id)?;
        let theirs = person.is_none_or(|person| record.person.as_str() == person);
        theirs.then_some(record)
    }

    pub(super) fn confirm(
        &mut self,
        id: &str,
        person: Option<&str>,
        payment: &str,
        turn: &mut Turn<'_>,
    ) -> Confirmed {
        let Some(record) = self.of(id, person) else {
            return Confirmed::NotFound;
        };
        match record.state {
            State::Sold if record.payment_ref.as_deref() == Some(payment) => {
                Confirmed::Sold(record.clone())
            }
            State::Sold => Confirmed::OtherPayment,
            State::Cancelled => Confirmed::Cancelled,
            State::Refunded => Confirmed::Refunded,
            State::Held if turn.open < record.deadline => {
                record.payment_ref = Some(payment.to_owned());
                record.confirmed_at = Some(turn.now as u64);
                settle(id, record, State::Sold, turn);
                Confirmed::Sold(record.clone())
            }
            State::Held | State::Expired => Confirmed::Expired,
        }
    }

    pub(super) fn cancel(
        &mut self,
        id: &str,
        person: Option<&str>,
        turn: &mut Turn<'_>,
    ) -> Cancelled {
        let Some(record) = self.of(id, person) else {
            return Cancelled::NotFound;
        };
        match record.state {
            State::Sold => Cancelled::Confirmed,
            State::Refunded => Cancelled::Refunded,
            State::Cancelled => Cancelled::Done(record.clone()),
            State::Held if turn.open < record.deadline => {
                settle(id, record, State::Cancelled, turn);
                Cancelled::Done(record.clone())
            }
            State::Held | State::Expired => Cancelled::Expired,
        }
    }

    pub(super) fn refund(&mut self, id: &str, turn: &mut Turn<'_>) -> Refunded {
        let Some(record) = self.of(id, None) else {
            return Refunded::NotFound;
        };
        match record.state {
            State::Refunded => Refunded::Done(record.clone()),
            State::Sold => {
                settle(id, record, State::Refunded, turn);
                Refunded::Done(record.clone())
            }
            State::Held | State::Cancelled | State::Expired => Refunded::NotSold,
        }
    }

    pub(super) fn sweep(&mut self, most: usize, keep_ms: i64, turn: &mut Turn<'_>) -> Swept {
        if let Some(gap) = turn.gap {
            self.book_closed(gap, turn);
            return Swept::ReAnchored(gap);
        }
        let clock = self.clock.as_mut().expect("looked at by the caller");
        if !(0..ALIVE_EVERY_MS).contains(&(turn.now - clock.alive_at)) {
            clock.alive_at = turn.now;
        }
        let due = self.first(most, |it| {
            let due = it.state == State::Held && it.deadline <= turn.open;
            due.then_some(it.deadline)
        });
        let old = self.first(most, |it| {
            let ended = matches!(it.state, State::Cancelled | State::Expired);
            let settled = it.settled_at.filter(|_| ended)? as i64;
            (settled <= turn.now - keep_ms).then_some(settled)
        });
        for id in &due {
            let record = self.records.get_mut(id).expect("listed above");
            settle(id, record, State::Expired, turn);
        }
        for id in &old {
            self.records.remove(id);
        }
        Swept::Step {
            expired: due.len() as u64,
            forgotten: old.len() as u64,
            more: due.len() == most,
        }
    }

    /// The first `most` ids by a time that some records have.
    fn first(&self, most: usize, time: impl Fn(&Reservation) -> Option<i64>) -> Vec<String> {
        let all = self.records.iter();
        let mut all: Vec<_> = all.filter_map(|(id, it)| Some((time(it)?, id))).collect();
        all.sort();
        all.into_iter()
            .take(most)
            .map(|(_, id)| id.clone())
            .collect()
    }
}

/// Moves a reservation on, and tells it.
fn settle(id: &str, it: &mut Reservation, to: State, turn: &mut Turn<'_>) {
    let kind = match to {
        State::Sold => "confirmed",
        State::Cancelled => "cancelled",
        State::Expired => "expired",
        State::Refunded => "refunded",
        State::Held => unreachable!("nothing becomes a hold again"),
    };
    it.event = turn.tell(
        kind,
        [
            ("person", it.person.to_string()),
            ("reservation", id.to_owned()),
            ("sku", it.sku.to_string()),
            ("quantity", it.quantity.to_string()),
            ("units", list(&it.units)),
            ("slots", list(&it.slots)),
            ("payment", it.payment_ref.clone().unwrap_or_default()),
            ("confirmed_at", or_dash(it.confirmed_at)),
        ],
    );
    it.state = to;
    it.settled_at = Some(turn.now as u64);
}
