//! Makes one truth of the ledger's events and its tables, and says where they differ.
//!
//! Both are written in one transaction, so a difference is damage. Where they differ the stock store
//! is the third witness: what two of the three say is right. If all three differ, whoever is further
//! along (a sale is further than a hold) is right, because nothing ever goes back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lua::sale::{EventId, EventKind, Picture, Reservation, State, StockEvent, Taken};

use super::{
    books::{Booked, Books, takes},
    difference::{Difference, Kind, Remedy},
};
use crate::{
    ledger::{Columns, Mend, Tables},
    reservation::order_id,
};

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

/// Ids for events that are written anew.
struct Unused(BTreeSet<EventId>);

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
pub(super) fn event_of(id: &str, booked: &Booked, kind: &str, event: EventId) -> StockEvent {
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
fn entries(
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

/// The tables' rows are what the truth makes them.
fn columns(tables: &Tables, books: &Books, result: &mut Reconciled) {
    let shown = |row: Option<&Columns>| row.map_or_else(|| "none".to_owned(), |row| row.join(" "));
    for (id, booked) in &books.reservations {
        let order = order_id(id);
        let rows = Mend::rows(id, booked);
        let hold = tables.holds.get(id);
        let mut wrong = Vec::new();
        if hold != Some(&rows.hold) {
            wrong.push((Kind::Ledger, shown(hold), shown(Some(&rows.hold))));
        }
        let is = tables.orders.get(&order);
        if is != rows.order.as_ref() {
            let missing = is.is_none() && booked.record.state == State::Sold;
            let kind = if missing {
                Kind::MissingOrder
            } else {
                Kind::Ledger
            };
            wrong.push((kind, shown(is), shown(rows.order.as_ref())));
        }
        let is = tables.units.get(&order).map_or(&[][..], Vec::as_slice);
        if is != rows.units {
            let shown = |rows: &[Columns]| {
                let rows: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
                rows.join("; ")
            };
            wrong.push((Kind::Ledger, shown(is), shown(&rows.units)));
        }
        if !wrong.is_empty() {
            result.mend.reservations.push((id.clone(), booked.clone()));
        }
        for (kind, is, should) in wrong {
            let found = Difference::new(kind, is, should).of(id, &booked.record);
            result.differences.push(found);
        }
    }
    let orders: BTreeSet<String> = books
        .reservations
        .iter()
        .filter(|(_, booked)| takes(booked.record.state) || booked.record.state == State::Refunded)
        .map(|(id, _)| order_id(id))
        .collect();
    for (order, rows) in tables
        .units
        .iter()
        .filter(|(order, _)| !orders.contains(*order))
    {
        let units: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
        let mut found = Difference::new(Kind::Ledger, units.join("; "), "no such order");
        found.order = Some(order.clone());
        result.differences.push(found);
        result.mend.drop_units.push(order.clone());
    }
}
