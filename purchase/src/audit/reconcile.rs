//! Makes one truth of the ledger's events and its tables, and says where they differ.
//!
//! Both are written in one transaction, so a difference is damage. Where they differ the stock store
//! is the third witness: what two of the three say is right. If all three differ, whoever is further
//! along (a sale is further than a hold) is right, because nothing ever goes back.

use std::collections::BTreeSet;

use lua::sale::{EventId, EventKind, Picture, Reservation, State, StockEvent};

use super::{
    books::{Booked, Books},
    difference::{Difference, Kind, Remedy},
};
use crate::ledger::{Mend, Tables};

mod events;
mod rows;

use events::{Unused, entries};
use rows::columns;

/// The truth, what is wrong in the ledger, and how to put it right.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// What should be.
    pub books: Books,
    /// What is wrong in the ledger.
    pub differences: Vec<Difference>,
    /// What puts it right.
    pub mend: Mend,
}

impl Reconciled {
    /// Has the ledger get an event that was applied.
    pub fn mend_with(&mut self, event: &StockEvent) {
        let same = |other: &StockEvent| {
            other.kind.word() == event.kind.word()
                && event.taken.is_some()
                && other.taken.as_ref().map(|taken| &taken.reservation)
                    == event.taken.as_ref().map(|taken| &taken.reservation)
        };
        self.mend.events.retain(|other| !same(other));
        self.mend.events.push(event.clone());
        match (&event.taken, &event.sku) {
            (Some(taken), _) => {
                if let Some(booked) = self.books.reservations.get(&taken.reservation) {
                    let rows = &mut self.mend.reservations;
                    rows.retain(|(id, _)| *id != taken.reservation);
                    rows.push((taken.reservation.clone(), booked.clone()));
                }
            }
            (None, Some(sku)) => {
                if let Some(supply) = self.books.supply.get(sku) {
                    self.mend.supply.insert(sku.clone(), supply.clone());
                }
            }
            (None, None) => {}
        }
    }
}

/// What a reservation is about, without the bookkeeping.
fn facts(record: &Reservation) -> impl PartialEq + '_ {
    (
        record.state,
        &record.person,
        &record.sku,
        &record.units,
        &record.slots,
        &record.payment_ref,
    )
}

fn rank(state: State) -> u8 {
    match state {
        State::Held => 0,
        State::Sold | State::Cancelled | State::Expired => 1,
        State::Refunded => 2,
    }
}

/// Makes one truth of a whole ledger. `picture`: the third witness.
pub fn reconcile(tables: &Tables, picture: Option<&Picture>) -> Reconciled {
    let mut result = Reconciled::default();
    let mut told = Books::trusting();
    let mut ids: BTreeSet<EventId> = BTreeSet::new();
    for event in &tables.entries {
        ids.insert(event.id);
        // One that contradicts its own reservation is found again below, by what it should say.
        let _ = told.apply(event);
    }
    for id in &tables.unreadable {
        let what = format!("the event {id} cannot be read");
        result
            .differences
            .push(Difference::new(Kind::Ledger, what, "-"));
        result.mend.drop_events.push(*id);
    }
    let mut books = Books::default();
    books.closed.clone_from(&told.closed);
    books.newest = told.newest.max(tables.books.newest);
    supply(tables, &told, &mut books, &mut result);
    let mut rows = Vec::new();
    let of_tables = &tables.books.reservations;
    let all: BTreeSet<&String> = told.reservations.keys().chain(of_tables.keys()).collect();
    for id in all {
        let witness = picture
            .and_then(|picture| picture.reservations.get(id))
            .and_then(|text| Reservation::unpack(text));
        let (by_events, by_tables) = (told.reservations.get(id), of_tables.get(id));
        if let Some(row) = believed(by_events, by_tables, witness.as_ref(), &books) {
            rows.push((id.clone(), row));
        }
    }
    // Sold before held, early before late: who comes second to a unit is who cannot have it.
    rows.sort_by_key(|(_, row)| (row.record.state != State::Sold, row.record.event));
    for (id, row) in rows {
        let record = row.record.clone();
        if let Err(why) = books.add(&id, row) {
            let remedy = match record.state {
                State::Sold => Remedy::Refund,
                _ => Remedy::Look,
            };
            let found = Difference::new(Kind::Contradiction, why, "-").of(&id, &record);
            result.differences.push(found.remedy(remedy));
        }
    }
    let mut unused = Unused(ids);
    entries(tables, &mut books, picture, &mut unused, &mut result);
    columns(tables, &books, &mut result);
    result.books = books;
    result
}

/// Which of the witnesses is believed about one reservation.
fn believed(
    by_events: Option<&Booked>,
    by_tables: Option<&Booked>,
    witness: Option<&Reservation>,
    books: &Books,
) -> Option<Booked> {
    let (mut right, other) = match (by_events, by_tables) {
        (None, None) => return None,
        (Some(one), None) | (None, Some(one)) => (one.clone(), None),
        (Some(events), Some(tables)) => {
            let seconds = |booked: &Booked| {
                witness.is_some_and(|record| facts(record) == facts(&booked.record))
            };
            let (tables_rank, events_rank) = (rank(tables.record.state), rank(events.record.state));
            let tables_right = facts(&tables.record) != facts(&events.record)
                && !seconds(events)
                && (seconds(tables) || tables_rank > events_rank);
            if tables_right {
                (tables.clone(), Some(events))
            } else {
                (events.clone(), Some(tables))
            }
        }
    };
    // A reservation whose first event is gone lacks what only that one told.
    if right.key.is_empty()
        && let Some(other) = other.filter(|other| !other.key.is_empty())
    {
        right.key.clone_from(&other.key);
        right.body.clone_from(&other.body);
        right.answer.clone_from(&other.answer);
        (right.reserved_at, right.expires_at) = (other.reserved_at, other.expires_at);
    }
    right.told = by_events
        .map(|booked| booked.told.clone())
        .unwrap_or_default();
    right.record.deadline = books.deadline(right.reserved_at, right.expires_at);
    if right.record.state == State::Sold {
        right.record.settled_at = right.record.confirmed_at;
    }
    Some(right)
}

fn supply(tables: &Tables, told: &Books, books: &mut Books, result: &mut Reconciled) {
    let both = told.supply.iter().chain(&tables.books.supply);
    for (sku, one) in both {
        let known = books.supply.get(sku);
        // Of the same event, the event itself is right.
        if known.is_none_or(|known| known.event < one.event) {
            books.supply.insert(sku.clone(), one.clone());
        }
    }
    for (sku, right) in &books.supply {
        let shown = |supply: Option<&super::Supply>| {
            supply.map_or_else(
                || "none".to_owned(),
                |s| {
                    format!(
                        "{} supplied, {} each, event {}",
                        s.supplied, s.limit, s.event
                    )
                },
            )
        };
        for (which, one) in [
            ("the table says", tables.books.supply.get(sku)),
            ("the events say", told.supply.get(sku)),
        ] {
            if one != Some(right) {
                let is = format!("{which} {}", shown(one));
                let found = Difference::new(Kind::Ledger, is, shown(Some(right)));
                result.differences.push(found.sku(sku.clone()));
                result.mend.supply.insert(sku.clone(), right.clone());
            }
        }
        if told.supply.get(sku) != Some(right) {
            result.mend.events.push(StockEvent {
                id: right.event,
                at: right.event.ms,
                sku: Some(sku.clone()),
                taken: None,
                kind: EventKind::Supplied {
                    supplied: right.supplied,
                    limit: right.limit,
                },
            });
        }
    }
}
