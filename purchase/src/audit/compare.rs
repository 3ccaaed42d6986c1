//! Compares what should be with what the stock store holds, row by row. Pure: the same function
//! decides whether a sale may open again after a restart and what an audit reports.

use std::collections::{BTreeSet, HashMap, HashSet};

use entry_pass::{PersonId, Sku};
use lua::sale::{Picture, Reservation, State};

use super::{
    books::{Booked, Books, takes},
    difference::{Difference, Kind, Remedy},
};

mod units;

/// How long a hold may be over before it counts as leaked: a sweeper comes by several times.
const OVERDUE_MS: f64 = 5_000.0;
/// How close to the end of its time an ended record may be there or not.
const SLACK_MS: u64 = 60_000;

/// What moved while the picture was taken, and is therefore not judged.
#[derive(Debug, Default)]
pub struct Moved {
    /// Reservations.
    pub reservations: HashSet<String>,
    /// Buyers.
    pub buyers: HashSet<(Sku, PersonId)>,
    /// Units.
    pub units: HashSet<(Sku, u32)>,
}

/// How to judge.
#[derive(Debug, Default)]
pub struct Terms {
    /// How long a record that ended stays readable, ms.
    pub keep_ms: u64,
    /// Whether sweepers should be at work.
    pub open: bool,
    /// What moved meanwhile.
    pub moved: Moved,
}

/// Every difference.
pub fn compare(books: &Books, picture: &Picture, terms: &Terms) -> Vec<Difference> {
    let mut found = Vec::new();
    for name in &picture.unmarked {
        found.push(Difference::new(
            Kind::LostKey,
            "marked",
            format!("{name}: no marker"),
        ));
    }
    clock(books, picture, &mut found);
    let now = picture.instant.now;
    for (id, text) in &picture.reservations {
        if terms.moved.reservations.contains(id) {
            continue;
        }
        match Reservation::unpack(text) {
            Some(record) => record_of(books, id, &record, now, terms, &mut found),
            None => found.push(Difference::new(Kind::OtherShape, known(books, id), text).id(id)),
        }
    }
    for (id, booked) in &books.reservations {
        if !picture.reservations.contains_key(id) && !terms.moved.reservations.contains(id) {
            missing(id, booked, now, terms, &mut found);
        }
    }
    lists(books, picture, terms, &mut found);
    buyers(books, picture, terms, &mut found);
    units::units_and_counts(books, picture, terms, &mut found);
    found
}

fn known(books: &Books, id: &str) -> String {
    books
        .reservations
        .get(id)
        .map_or_else(|| "none".to_owned(), |booked| booked.record.pack())
}

fn clock(books: &Books, picture: &Picture, found: &mut Vec<Difference>) {
    let is = picture.instant.state.get("closed_ms");
    let is = is.map_or("none", String::as_str);
    let should = books.closed_ms();
    if is.parse() != Ok(should) {
        found.push(Difference::new(Kind::Clock, should.to_string(), is));
    }
    if let Some(alive_at) = picture.instant.state.get("alive_at")
        && alive_at.parse::<u64>().is_err()
    {
        found.push(Difference::new(Kind::Clock, "a time", alive_at));
    }
}

/// A record of the stock store against the ledger's.
fn record_of(
    books: &Books,
    id: &str,
    record: &Reservation,
    now: u64,
    terms: &Terms,
    found: &mut Vec<Difference>,
) {
    let is = record.pack();
    let Some(booked) = books.reservations.get(id) else {
        let forgotten = record.settled_at.unwrap_or(now) + terms.keep_ms <= now + SLACK_MS;
        let difference = match record.state {
            State::Held => Difference::new(Kind::LeakedHold, "none", is),
            State::Sold => Difference::new(Kind::MissingOrder, "none", is).remedy(Remedy::Refund),
            State::Cancelled | State::Expired if forgotten => return,
            _ => Difference::new(Kind::WrongRecord, "none", is),
        };
        found.push(difference.of(id, record));
        return;
    };
    let should = &booked.record;
    let mut same = record.clone();
    if should.state != State::Held {
        // It only tells until when it was held.
        same.deadline = should.deadline;
    }
    if same == *should {
        return;
    }
    let (kind, remedy) = match (should.state, record.state) {
        (State::Sold, state) if state != State::Sold => (Kind::MissingOrder, Remedy::Repair),
        (State::Refunded, State::Sold) => (Kind::MissingOrder, Remedy::Repair),
        (_, State::Sold) if should.state != State::Sold => (Kind::MissingOrder, Remedy::Refund),
        (State::Held, _) if record.state != State::Held => (Kind::MissingHold, Remedy::Repair),
        (_, State::Held) if should.state != State::Held => (Kind::LeakedHold, Remedy::Repair),
        _ => (Kind::WrongRecord, Remedy::Repair),
    };
    let named = if takes(record.state) { record } else { should };
    found.push(
        Difference::new(kind, should.pack(), is)
            .of(id, named)
            .remedy(remedy),
    );
}

/// A reservation of the ledger that the stock store has not.
fn missing(id: &str, booked: &Booked, now: u64, terms: &Terms, found: &mut Vec<Difference>) {
    let record = &booked.record;
    let kind = match record.state {
        State::Sold => Kind::MissingOrder,
        State::Held => Kind::MissingHold,
        State::Refunded => Kind::WrongRecord,
        State::Cancelled | State::Expired => {
            let ended = record.settled_at.unwrap_or(0);
            if ended + terms.keep_ms <= now + SLACK_MS {
                return;
            }
            Kind::Ended
        }
    };
    found.push(Difference::new(kind, record.pack(), "none").of(id, record));
}

/// Deadlines are of holds and the ended list of what ended, both ways.
fn lists(books: &Books, picture: &Picture, terms: &Terms, found: &mut Vec<Difference>) {
    let now = picture.instant.now;
    let state = |name| {
        picture
            .instant
            .state
            .get(name)
            .and_then(|value: &String| value.parse().ok())
    };
    let (closed_ms, alive_at): (f64, f64) = (
        state("closed_ms").unwrap_or(0.0),
        state("alive_at").unwrap_or(0.0),
    );
    let open_now = alive_at.min(now as f64) - closed_ms;
    let ended = |state| matches!(state, State::Cancelled | State::Expired);
    for (id, text) in &picture.reservations {
        let Some(record) = Reservation::unpack(text) else {
            continue;
        };
        if terms.moved.reservations.contains(id) {
            continue;
        }
        let score = picture.deadlines.get(id).copied();
        if record.state == State::Held && score != Some(record.deadline as f64) {
            let stock = format!("held, deadline {}", shown(score));
            let should = record.deadline.to_string();
            found.push(Difference::new(Kind::LeakedHold, should, stock).of(id, &record));
        } else if terms.open && score.is_some_and(|score| score + OVERDUE_MS < open_now) {
            let stock = format!("held, over since {}", shown(score));
            found.push(Difference::new(Kind::LeakedHold, "over", stock).of(id, &record));
        }
        let score = picture.ended.get(id).copied();
        let should = record.settled_at.filter(|_| ended(record.state));
        if score != should.map(|at| at as f64) {
            let stock = format!("{}, in the list at {}", record.state.word(), shown(score));
            let should = should.map_or_else(|| "not in the list".to_owned(), |at| at.to_string());
            found.push(Difference::new(Kind::Ended, should, stock).of(id, &record));
        }
    }
    let absent = |id: &String| {
        !picture.reservations.contains_key(id) && !terms.moved.reservations.contains(id)
    };
    let held = |id: &String| {
        let record = picture.reservations.get(id);
        record.is_some_and(|text| Reservation::unpack(text).is_none_or(|r| r.state == State::Held))
    };
    for (id, score) in &picture.deadlines {
        if !held(id) && !terms.moved.reservations.contains(id) {
            let stock = format!("a deadline without a hold, {score}");
            found.push(Difference::new(Kind::LeakedHold, known(books, id), stock).id(id));
        }
    }
    for (id, score) in picture.ended.iter().filter(|(id, _)| absent(id)) {
        // One that is just being forgotten may be gone already.
        if *score + terms.keep_ms as f64 > (now + SLACK_MS) as f64 || score.is_nan() {
            let stock = format!("ended without a record, {score}");
            found.push(Difference::new(Kind::Ended, known(books, id), stock).id(id));
        }
    }
}

fn shown(score: Option<f64>) -> String {
    score.map_or_else(|| "none".to_owned(), |score| score.to_string())
}

/// Each person's slots are those of what the person holds and bought.
fn buyers(books: &Books, picture: &Picture, terms: &Terms, found: &mut Vec<Difference>) {
    let mut should: HashMap<String, (Sku, PersonId, Vec<u32>)> = HashMap::new();
    for booked in books.reservations.values() {
        let record = &booked.record;
        if takes(record.state) {
            let (_, _, slots) = should
                .entry(format!("{} {}", record.sku, record.person))
                .or_insert_with(|| (record.sku.clone(), record.person.clone(), Vec::new()));
            slots.extend(&record.slots);
        }
    }
    let mut fields: BTreeSet<&str> = should.keys().map(String::as_str).collect();
    fields.extend(picture.slots.keys().map(String::as_str));
    for field in fields {
        let (sku, person) = field.split_once(' ').unwrap_or((field, ""));
        if let (Ok(sku), Ok(person)) = (sku.parse(), person.parse())
            && terms.moved.buyers.contains(&(sku, person))
        {
            continue;
        }
        let wanted = should.get(field).map(|(_, _, slots)| slots.clone());
        let is = picture.slots.get(field);
        let mut wanted = wanted.unwrap_or_default();
        wanted.sort_unstable();
        let numbers: Option<Vec<u32>> = is.map_or(Some(Vec::new()), |is| {
            is.split(',').map(|slot| slot.parse().ok()).collect()
        });
        let same = numbers.is_some_and(|mut numbers| {
            numbers.sort_unstable();
            numbers == wanted
        });
        // An entry without slots is one too many, though it counts for nothing.
        if !same || (wanted.is_empty() && is.is_some()) {
            let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            let is = is.map_or("none", String::as_str);
            found.push(
                Difference::new(Kind::BuyerSlots, wanted.join(","), is)
                    .sku(sku)
                    .person(person),
            );
        }
    }
}
