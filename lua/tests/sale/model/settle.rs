//! What becomes of a hold, by the model.

use lua::sale::{Cancelled, Confirmed, Refunded, State, Swept};

use super::{Model, Record, Turn, list, or_dash};

/// How often a sweep notes that time goes on.
const ALIVE_EVERY_MS: i64 = 500;

impl Model {
    /// The record, if whoever asks may know of it.
    fn of(&mut self, id: &str, person: Option<&str>) -> Option<&mut Record> {
        let record = self.records.get_mut(id)?;
        let theirs = person.is_none_or(|person| record.now.person.as_str() == person);
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
        match record.now.state {
            State::Sold if record.now.payment_ref.as_deref() == Some(payment) => {
                Confirmed::Sold(record.now.clone())
            }
            State::Sold => Confirmed::OtherPayment,
            State::Cancelled => Confirmed::Cancelled,
            State::Refunded => Confirmed::Refunded,
            State::Held if turn.open < record.deadline => {
                record.now.payment_ref = Some(payment.to_owned());
                record.now.confirmed_at = Some(turn.now as u64);
                settle(id, record, State::Sold, turn);
                Confirmed::Sold(record.now.clone())
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
        match record.now.state {
            State::Sold => Cancelled::Confirmed,
            State::Refunded => Cancelled::Refunded,
            State::Cancelled => Cancelled::Done(record.now.clone()),
            State::Held if turn.open < record.deadline => {
                settle(id, record, State::Cancelled, turn);
                Cancelled::Done(record.now.clone())
            }
            State::Held | State::Expired => Cancelled::Expired,
        }
    }

    pub(super) fn refund(&mut self, id: &str, turn: &mut Turn<'_>) -> Refunded {
        let Some(record) = self.of(id, None) else {
            return Refunded::NotFound;
        };
        match record.now.state {
            State::Refunded => Refunded::Done(record.now.clone()),
            State::Sold => {
                settle(id, record, State::Refunded, turn);
                Refunded::Done(record.now.clone())
            }
            State::Held | State::Cancelled | State::Expired => Refunded::NotSold,
        }
    }

    pub(super) fn sweep(&mut self, most: usize, keep_ms: i64, turn: &mut Turn<'_>) -> Swept {
        let clock = self.clock.as_mut().expect("looked at by the caller");
        let gap = turn.now - clock.alive_at;
        if turn.jumped {
            clock.alive_at = turn.now;
            clock.closed_ms = turn.closed_ms;
            turn.tell("reopened", [("closed_ms", gap.to_string())]);
            return Swept::ReAnchored(gap);
        }
        if !(0..ALIVE_EVERY_MS).contains(&gap) {
            clock.alive_at = turn.now;
        }
        let due = self.first(most, |it| {
            let due = it.now.state == State::Held && it.deadline <= turn.open;
            due.then_some(it.deadline)
        });
        let old = self.first(most, |it| {
            let ended = matches!(it.now.state, State::Cancelled | State::Expired);
            let long_ago = |settled: &i64| ended && *settled <= turn.now - keep_ms;
            it.settled_at.filter(long_ago)
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
    fn first(&self, most: usize, time: impl Fn(&Record) -> Option<i64>) -> Vec<String> {
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
fn settle(id: &str, record: &mut Record, to: State, turn: &mut Turn<'_>) {
    let kind = match to {
        State::Sold => "confirmed",
        State::Cancelled => "cancelled",
        State::Expired => "expired",
        State::Refunded => "refunded",
        State::Held => unreachable!("nothing becomes a hold again"),
    };
    let it = &mut record.now;
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
    record.settled_at = Some(turn.now);
}
