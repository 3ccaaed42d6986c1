//! The ledger's events against the truth: each says what is true, and none is missing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lua::sale::{EventId, EventKind, Picture, Reservation, State, StockEvent, Taken};

use super::{
    super::{
        books::{Booked, Books},
        difference::{Difference, Kind},
    },
    Reconciled,
};
use crate::ledger::Tables;

/// Ids for events that are written anew.
pub(super) struct Unused(pub(super) BTreeSet<EventId>);

impl Unused {
    fn take(&mut self, ms: u64) -> EventId {
        let mut id = EventId { ms, seq: 0 };
        while !self.0.insert(id) {
            id.seq += 1;
        }
        id
    }
}

/// The kinds of events that lead to a state.
fn kinds(state: State) -> &'static [&'static str] {
    match state {
        State::Held => &["reserved"],
        State::Sold => &["reserved", "confirmed"],
        State::Cancelled => &["reserved", "cancelled"],
        State::Expired => &["reserved", "expired"],
        State::Refunded => &["reserved", "confirmed", "refunded"],
    }
}

/// The event of a kind, as the truth tells it.
fn event_of(id: &str, booked: &Booked, kind: &str, event: EventId) -> StockEvent {
    let record = &booked.record;
    let settled = record.settled_at.unwrap_or(booked.reserved_at);
    let (at, kind) = match kind {
        "reserved" => {
            let kind = EventKind::Reserved {
                expires_at: booked.expires_at,
                key: booked.key.clone(),
                body: booked.body.clone(),
                answer: booked.answer.clone(),
            };
            (booked.reserved_at, kind)
        }
        "confirmed" => {
            let payment_ref = record.payment_ref.clone().unwrap_or_default();
            let kind = EventKind::Confirmed { payment_ref };
            (record.confirmed_at.unwrap_or(settled), kind)
        }
        "cancelled" => (settled, EventKind::Cancelled),
        "expired" => (settled, EventKind::Expired),
        _ => (settled, EventKind::Refunded),
    };
    StockEvent {
        id: event,
        at,
        sku: Some(record.sku.clone()),
        taken: Some(Taken {
            reservation: id.to_owned(),
            person: record.person.clone(),
            units: record.units.clone(),
            slots: record.slots.clone(),
        }),
        kind,
    }
}

/// Each event says what the truth says, and none is missing.
pub(super) fn entries(
    tables: &Tables,
    books: &mut Books,
    picture: Option<&Picture>,
    unused: &mut Unused,
    result: &mut Reconciled,
) {
    let mut has: HashMap<&str, BTreeMap<&'static str, EventId>> = HashMap::new();
    for event in &tables.entries {
        let Some(taken) = &event.taken else { continue };
        let Some(booked) = books.reservations.get(&taken.reservation) else {
            continue;
        };
        let word = event.kind.word();
        let should = event_of(&taken.reservation, booked, word, event.id);
        let belongs = kinds(booked.record.state).contains(&word);
        if belongs && *event != should {
            let found = Difference::new(
                Kind::Ledger,
                format!("the event {} ({word}) says otherwise", event.id),
                booked.record.pack(),
            );
            result
                .differences
                .push(found.of(&taken.reservation, &booked.record));
            result.mend.events.push(should);
        } else if !belongs {
            let what = format!("the event {} says {word}", event.id);
            let found = Difference::new(Kind::Ledger, what, booked.record.pack());
            result
                .differences
                .push(found.of(&taken.reservation, &booked.record));
            result.mend.drop_events.push(event.id);
        }
        has.entry(&taken.reservation)
            .or_default()
            .insert(word, event.id);
    }
    for (id, booked) in &mut books.reservations {
        let has = has.get(id.as_str());
        let last = kinds(booked.record.state).last().copied();
        for kind in kinds(booked.record.state) {
            let known = has.and_then(|has| has.get(kind)).copied();
            let event = known.unwrap_or_else(|| {
                let at = event_of(id, booked, kind, EventId { ms: 0, seq: 0 }).at;
                let witness = picture
                    .and_then(|picture| picture.reservations.get(id))
                    .and_then(|text| Reservation::unpack(text))
                    .filter(|record| last == Some(kind) && record.state == booked.record.state)
                    .filter(|record| unused.0.insert(record.event));
                witness.map_or_else(|| unused.take(at), |record| record.event)
            });
            if last == Some(kind) {
                booked.record.event = event;
            }
            if known.is_none() {
                let what = format!("no event says {kind}");
                let found = Difference::new(Kind::Ledger, what, booked.record.pack());
                result.differences.push(found.of(id, &booked.record));
                result.mend.events.push(event_of(id, booked, kind, event));
            }
        }
    }
}
