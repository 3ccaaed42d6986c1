//! A sale as its stream tells it: what a ledger that sees nothing but the events comes to believe.
//!
//! It believes nothing that cannot be: a unit that is out is not taken again, nor a slot, and a
//! reservation only moves as it may.

use std::collections::BTreeMap;

use entry_pass::{PersonId, Sku};
use lua::sale::{EventKind, State, StockEvent};

use super::model::Model;

/// A reservation as told.
#[derive(Debug, Clone)]
struct Told {
    state: State,
    person: PersonId,
    sku: Sku,
    units: Vec<u32>,
    slots: Vec<u32>,
    payment_ref: Option<String>,
    answer: String,
    /// Wall clock, moved on by what was closed since.
    expires_at: i64,
}

/// What was told so far.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    supply: BTreeMap<Sku, (u64, u32)>,
    told: BTreeMap<String, Told>,
}

impl Replay {
    /// Takes one more event, or says why it cannot be.
    pub(crate) fn take(&mut self, event: &StockEvent) -> Result<(), String> {
        let sku = || event.sku.clone().ok_or("an event without its sku");
        let to = match &event.kind {
            EventKind::Supplied { supplied, limit } => {
                let sku = sku()?;
                if self.out(&sku) > *supplied {
                    return Err(format!("fewer of {sku} supplied than are out"));
                }
                self.supply.insert(sku, (*supplied, *limit));
                return Ok(());
            }
            EventKind::Reopened { closed_ms } => {
                for told in self.told.values_mut() {
                    told.expires_at += closed_ms;
                }
                return Ok(());
            }
            EventKind::Reserved {
                expires_at, answer, ..
            } => return self.reserved(event, *expires_at as i64, answer),
            EventKind::Confirmed { .. } => State::Sold,
            EventKind::Cancelled => State::Cancelled,
            EventKind::Expired => State::Expired,
            EventKind::Refunded => State::Refunded,
        };
        let taken = event.taken.as_ref().ok_or("an event without its units")?;
        let id = &taken.reservation;
        let told = self
            .told
            .get_mut(id)
            .ok_or(format!("{id} was never reserved"))?;
        let from = if to == State::Refunded {
            State::Sold
        } else {
            State::Held
        };
        if told.state != from {
            return Err(format!("{id} goes from {:?} to {to:?}", told.state));
        }
        let same =
            (&told.person, &told.units, &told.slots) == (&taken.person, &taken.units, &taken.slots);
        if !same || told.sku != sku()? {
            return Err(format!("{id} is told as another's, or with other units"));
        }
        if let EventKind::Confirmed { payment_ref } = &event.kind {
            told.payment_ref = Some(payment_ref.clone());
        }
        told.state = to;
        Ok(())
    }

    fn reserved(
        &mut self,
        event: &StockEvent,
        expires_at: i64,
        answer: &str,
    ) -> Result<(), String> {
        let taken = event.taken.clone().ok_or("an event without its units")?;
        let sku = event.sku.clone().ok_or("an event without its sku")?;
        let (supplied, limit) = *self.supply.get(&sku).ok_or("of no known sku")?;
        let id = taken.reservation;
        for other in self.standing().filter(|other| other.sku == sku) {
            if other.units.iter().any(|unit| taken.units.contains(unit)) {
                return Err(format!("{id} takes a unit that is out"));
            }
            let same = other.person == taken.person;
            if same && other.slots.iter().any(|slot| taken.slots.contains(slot)) {
                return Err(format!("{id} takes a slot that is taken"));
            }
        }
        if taken.slots.iter().any(|slot| *slot > limit) {
            return Err(format!("{id} is beyond the limit"));
        }
        let told = Told {
            state: State::Held,
            person: taken.person,
            sku: sku.clone(),
            units: taken.units,
            slots: taken.slots,
            payment_ref: None,
            answer: answer.to_owned(),
            expires_at,
        };
        if self.told.insert(id.clone(), told).is_some() {
            return Err(format!("{id} is reserved twice"));
        }
        if self.out(&sku) > supplied {
            return Err(format!("{id} oversells {sku}"));
        }
        Ok(())
    }

    fn standing(&self) -> impl Iterator<Item = &Told> {
        let out = |told: &&Told| matches!(told.state, State::Held | State::Sold);
        self.told.values().filter(out)
    }

    fn out(&self, sku: &Sku) -> u64 {
        let out = self.standing().filter(|told| told.sku == *sku);
        out.map(|told| told.units.len() as u64).sum()
    }

    /// Where what was told differs from what is.
    pub(crate) fn differences(&self, model: &Model) -> Vec<String> {
        let mut all = Vec::new();
        for (sku, stock) in &model.stock {
            let told = self.supply.get(&sku.parse::<Sku>().unwrap());
            if told != Some(&(stock.supplied, stock.limit)) {
                all.push(format!("supply of {sku} is told as {told:?}"));
            }
        }
        for (id, told) in &self.told {
            let Some(record) = model.records.get(id) else {
                // Long ended, and forgotten.
                if !matches!(told.state, State::Cancelled | State::Expired) {
                    all.push(format!("{id} is told as {:?} and is not there", told.state));
                }
                continue;
            };
            let is = record;
            let same = (
                told.state,
                &told.person,
                &told.sku,
                &told.units,
                &told.slots,
            ) == (is.state, &is.person, &is.sku, &is.units, &is.slots);
            if !same || told.payment_ref != is.payment_ref || !told.answer.contains(id) {
                all.push(format!("{id} is told as {told:?} and is {is:?}"));
            }
            // A store rebuilt from what was told must cut nobody's time short.
            let closed_ms = model.clock.map_or(0, |clock| clock.closed_ms);
            let ends = record.deadline + closed_ms;
            if told.state == State::Held && told.expires_at != ends {
                let late = told.expires_at - ends;
                all.push(format!("{id} is told to end {late} ms too late"));
            }
        }
        let untold = model
            .records
            .keys()
            .filter(|id| !self.told.contains_key(*id));
        all.extend(untold.map(|id| format!("{id} was never told")));
        all
    }
}
