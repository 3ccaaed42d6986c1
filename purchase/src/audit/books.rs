//! What should be: every reservation, the supply and the time closed, as the ledger has it.
//!
//! Filled from the ledger's tables or by applying events one after the other; what was set aside or
//! not recorded yet is applied on top. An event that contradicts what is there changes nothing and
//! is handed back: a unit or a slot is never taken twice, and never more than is supplied.

use std::collections::{BTreeMap, HashMap};

use entry_pass::Sku;
use lua::sale::{EventId, EventKind, Reservation, State, StockEvent};

mod out;

use out::Out;

/// One reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// As the stock store should hold it.
    pub record: Reservation,
    /// When it was reserved, ms.
    pub reserved_at: u64,
    /// When the hold was said to end, ms.
    pub expires_at: u64,
    /// The request's idempotency key; empty where it is not known.
    pub key: String,
    /// Hash of the request's body.
    pub body: String,
    /// The answer that was sent.
    pub answer: String,
    /// The kinds of events that told of it, in their order.
    pub told: Vec<&'static str>,
}

/// What is supplied of an sku.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supply {
    /// Units in all.
    pub supplied: u64,
    /// Most per person.
    pub limit: u32,
    /// The event that said so.
    pub event: EventId,
}

/// An event that cannot be true beside the rest, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The event.
    pub event: StockEvent,
    /// Why.
    pub why: String,
}

/// What should be.
#[derive(Debug, Default)]
pub struct Books {
    /// By id.
    pub reservations: HashMap<String, Booked>,
    /// By sku.
    pub supply: BTreeMap<Sku, Supply>,
    /// Each time the sale was closed: when it opened again and for how long, ms.
    pub closed: Vec<(u64, i64)>,
    /// The newest event, and when the newest happened, ms.
    pub newest: Option<(EventId, u64)>,
    trusting: bool,
    out: Option<Out>,
}

/// Whether a reservation in this state has its units and slots.
pub fn takes(state: State) -> bool {
    matches!(state, State::Held | State::Sold)
}

impl Books {
    /// Believes events without a look at the others' units: for a ledger's own events, of which one
    /// may be missing.
    pub fn trusting() -> Self {
        Self {
            trusting: true,
            ..Self::default()
        }
    }

    /// How long the sale was closed in all, ms.
    pub fn closed_ms(&self) -> i64 {
        self.closed.iter().map(|(_, ms)| ms).sum()
    }

    /// A deadline on the open clock: what was answered, less what was closed before.
    pub fn deadline(&self, reserved_at: u64, expires_at: u64) -> i64 {
        let before = self.closed.iter().filter(|(at, _)| *at <= reserved_at);
        expires_at as i64 - before.map(|(_, ms)| ms).sum::<i64>()
    }

    /// The id of whoever has one of the units or slots of `record` already.
    pub fn taken_by(&mut self, record: &Reservation) -> Option<String> {
        self.out().taken_by(record).cloned()
    }

    /// Adds a reservation if its units and slots are free and supplied; else why not.
    pub fn add(&mut self, id: &str, booked: Booked) -> Result<(), String> {
        if takes(booked.record.state) {
            if let Some(other) = self.taken_by(&booked.record) {
                return Err(format!("its unit or slot belongs to {other}"));
            }
            let (sku, quantity) = (&booked.record.sku, u64::from(booked.record.quantity));
            let supplied = self.supply.get(sku).map_or(0, |supply| supply.supplied);
            if self.out().count(sku) + quantity > supplied {
                return Err(format!("more than the {supplied} supplied"));
            }
            let record = booked.record.clone();
            self.out().take(id, &record);
        }
        self.reservations.insert(id.to_owned(), booked);
        Ok(())
    }

    /// Applies an event. Again: changes nothing.
    pub fn apply(&mut self, event: &StockEvent) -> Result<(), Box<Contradiction>> {
        let newest = self.newest.get_or_insert((event.id, event.at));
        // By the order of events: a clock may have run ahead for a while.
        if event.id > newest.0 {
            *newest = (event.id, event.at);
        }
        self.change(event).map_err(|why| {
            Box::new(Contradiction {
                event: event.clone(),
                why,
            })
        })
    }

    fn change(&mut self, event: &StockEvent) -> Result<(), String> {
        let (state, payment) = match &event.kind {
            EventKind::Reopened { closed_ms } => {
                self.closed.push((event.at, *closed_ms));
                return Ok(());
            }
            EventKind::Supplied { supplied, limit } => {
                if let Some(sku) = &event.sku {
                    let (supplied, limit, event) = (*supplied, *limit, event.id);
                    let known = self
                        .supply
                        .get(sku)
                        .is_some_and(|known| known.event > event);
                    if !known {
                        let supply = Supply {
                            supplied,
                            limit,
                            event,
                        };
                        self.supply.insert(sku.clone(), supply);
                    }
                }
                return Ok(());
            }
            EventKind::Reserved { .. } => (State::Held, None),
            EventKind::Confirmed { payment_ref } => (State::Sold, Some(payment_ref.clone())),
            EventKind::Cancelled => (State::Cancelled, None),
            EventKind::Expired => (State::Expired, None),
            EventKind::Refunded => (State::Refunded, None),
        };
        let (Some(sku), Some(taken)) = (&event.sku, &event.taken) else {
            return Err("it names no units".to_owned());
        };
        let word = event.kind.word();
        let Some(known) = self.reservations.get_mut(&taken.reservation) else {
            let mut booked = self.new_of(event, sku, state);
            booked.record.payment_ref = payment;
            booked.told = vec![word];
            if self.trusting {
                self.reservations.insert(taken.reservation.clone(), booked);
                return Ok(());
            }
            return self.add(&taken.reservation, booked);
        };
        let record = &mut known.record;
        if (&record.person, &record.sku) != (&taken.person, sku)
            || (&record.units, &record.slots) != (&taken.units, &taken.slots)
        {
            return Err("it names other units than its reservation has".to_owned());
        }
        let repeats = record.state == state && (payment.is_none() || record.payment_ref == payment);
        let past =
            state == State::Held || (state == State::Sold && record.state == State::Refunded);
        if repeats || past {
            if !known.told.contains(&word) {
                known.told.push(word);
                if repeats {
                    record.event = record.event.max(event.id);
                }
            }
            return Ok(());
        }
        let follows = match state {
            State::Sold | State::Cancelled | State::Expired => record.state == State::Held,
            State::Refunded => record.state == State::Sold,
            State::Held => false,
        };
        if !follows {
            return Err(format!("it is {} already", record.state.word()));
        }
        record.state = state;
        record.event = event.id;
        record.settled_at = Some(event.at);
        if state == State::Sold {
            record.payment_ref = payment;
            record.confirmed_at = Some(event.at);
        }
        known.told.push(word);
        if !takes(state) {
            let record = record.clone();
            if let Some(out) = &mut self.out {
                out.give_back(&record);
            }
        }
        Ok(())
    }

    /// A reservation of which this event is the first one heard.
    fn new_of(&self, event: &StockEvent, sku: &Sku, state: State) -> Booked {
        let taken = event.taken.clone();
        let taken = taken.unwrap_or_else(|| unreachable!("looked at by the caller"));
        let (expires_at, key, body, answer) = match &event.kind {
            EventKind::Reserved {
                expires_at,
                key,
                body,
                answer,
            } => (*expires_at, key.clone(), body.clone(), answer.clone()),
            _ => (event.at, String::new(), String::new(), String::new()),
        };
        Booked {
            record: Reservation {
                state,
                person: taken.person,
                sku: sku.clone(),
                quantity: taken.units.len() as u32,
                units: taken.units,
                slots: taken.slots,
                deadline: self.deadline(event.at, expires_at),
                payment_ref: None,
                confirmed_at: (state == State::Sold).then_some(event.at),
                event: event.id,
                settled_at: (state != State::Held).then_some(event.at),
            },
            reserved_at: event.at,
            expires_at,
            key,
            body,
            answer,
            told: Vec::new(),
        }
    }

    fn out(&mut self) -> &mut Out {
        let reservations = &self.reservations;
        self.out.get_or_insert_with(|| {
            let mut out = Out::default();
            for (id, booked) in reservations {
                if takes(booked.record.state) {
                    out.take(id, &booked.record);
                }
            }
            out
        })
    }
}
