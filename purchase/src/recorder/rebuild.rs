//! Builds a sale that the stock store lost, or holds differently, anew from what should be.
//!
//! Every order and every hold that was recorded comes back with its units, slots and idempotency
//! key; a hold that was not recorded is lost and says so. A hold keeps the time it still had when a
//! sweeper last came by or, if the store no longer knows, at the ledger's newest event: it may live
//! a little longer than it would have, and never shorter.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use entry_pass::Sku;
use lua::sale::{Part, Remembered, State};

use super::{Recorder, Stepped};
use crate::audit::{Booked, Books};

/// Units that are held and sold, of one sku.
#[derive(Default)]
struct Out {
    held: u64,
    sold: u64,
    units: BTreeSet<u32>,
}

/// What belongs into each key.
#[derive(Default)]
struct Pairs {
    reservations: Vec<(String, String)>,
    deadlines: Vec<(String, String)>,
    ended: Vec<(String, String)>,
    slots: BTreeMap<String, String>,
    out: BTreeMap<Sku, Out>,
}

impl Recorder {
    /// Rebuilds and opens. The ledger must have every event of the stream.
    pub(super) async fn rebuild(&self, term: u64, books: &Books) -> Result<(), Stepped> {
        let sale = self.desk.stock.id();
        // Another ledger, or an emptied one, must never empty the stock store.
        let Some((newest, newest_at)) = books.newest.filter(|_| !books.supply.is_empty()) else {
            return Err(Stepped::Unknown);
        };
        let Some(rebuild) = self.desk.stock.rebuild(&self.lead(term)).await? else {
            return Ok(());
        };
        let now = self.purchase.clock().now_ms();
        rebuild.remember(&self.answers(books, now)).await?;
        let pairs = Pairs::of(books);
        rebuild.put(Part::Reservations, &pairs.reservations).await?;
        rebuild.put(Part::Deadlines, &pairs.deadlines).await?;
        rebuild.put(Part::Ended, &pairs.ended).await?;
        let slots: Vec<_> = pairs.slots.into_iter().collect();
        rebuild.put(Part::Slots, &slots).await?;
        let nothing = Out::default();
        for (sku, supply) in &books.supply {
            let out = pairs.out.get(sku).unwrap_or(&nothing);
            let minted = out.units.last().copied().unwrap_or(0);
            let free: Vec<_> = (1..=minted)
                .filter(|unit| !out.units.contains(unit))
                .map(|unit| ("0".to_owned(), format!("{sku}:{unit:010}")))
                .collect();
            rebuild.put(Part::Free, &free).await?;
            let available = supply.supplied.saturating_sub(out.held + out.sold);
            let figures = [
                ("supplied", supply.supplied.to_string()),
                ("available", available.to_string()),
                ("held", out.held.to_string()),
                ("sold", out.sold.to_string()),
                ("limit", supply.limit.to_string()),
                ("minted", minted.to_string()),
                ("event", supply.event.to_string()),
            ];
            let figures = figures.map(|(name, figure)| (format!("{sku}:{name}"), figure));
            rebuild.put(Part::Stock, &figures).await?;
        }
        let stopped_at = match rebuild.alive_at() {
            Some(alive_at) if (newest_at..=now).contains(&alive_at) => alive_at,
            _ => newest_at,
        };
        rebuild.open(newest, stopped_at, books.closed_ms()).await?;
        metrics::counter!("vestibule_rebuilds_total").increment(1);
        tracing::warn!(sale.id = %sale, "rebuilt from the ledger and open again");
        Ok(())
    }

    /// What idempotency keys that are not over were answered.
    fn answers(&self, books: &Books, now: u64) -> Vec<Remembered> {
        let keep_ms = self.desk.config.idempotency_ttl.as_millis() as u64;
        books
            .reservations
            .values()
            .filter(|booked| !booked.key.is_empty() && booked.reserved_at + keep_ms > now)
            .map(|booked| Remembered {
                person: booked.record.person.clone(),
                key: booked.key.clone(),
                body: booked.body.clone(),
                answer: booked.answer.clone(),
                ttl: Duration::from_millis(booked.reserved_at + keep_ms - now),
            })
            .collect()
    }
}

impl Pairs {
    fn of(books: &Books) -> Self {
        let mut pairs = Self::default();
        let (held, rest): (Vec<_>, Vec<_>) = books
            .reservations
            .iter()
            .partition(|(_, booked)| booked.record.state == State::Held);
        for (id, booked) in rest {
            pairs.add(id, booked);
        }
        // A hold on what somebody bought is not put back: it would end, and its unit be sold again.
        for (id, booked) in held {
            if !pairs.takes(booked) {
                pairs.add(id, booked);
            }
        }
        pairs
    }

    /// Whether a unit or a slot of it is taken already.
    fn takes(&self, booked: &Booked) -> bool {
        let record = &booked.record;
        let out = self.out.get(&record.sku);
        let unit = |unit: &u32| out.is_some_and(|out| out.units.contains(unit));
        let slots = self.slots.get(&format!("{} {}", record.sku, record.person));
        let slot = |slot: &u32| {
            slots.is_some_and(|taken| taken.split(',').any(|one| one == slot.to_string()))
        };
        record.units.iter().any(unit) || record.slots.iter().any(slot)
    }

    fn add(&mut self, id: &str, booked: &Booked) {
        let record = &booked.record;
        let at = |ms: Option<u64>| ms.unwrap_or_default().to_string();
        self.reservations.push((id.to_owned(), record.pack()));
        let out = self.out.entry(record.sku.clone()).or_default();
        match record.state {
            State::Held => {
                out.held += u64::from(record.quantity);
                self.deadlines
                    .push((record.deadline.to_string(), id.to_owned()));
            }
            State::Sold => out.sold += u64::from(record.quantity),
            State::Cancelled | State::Expired => {
                self.ended.push((at(record.settled_at), id.to_owned()));
                return;
            }
            State::Refunded => return,
        }
        out.units.extend(&record.units);
        let taken = self
            .slots
            .entry(format!("{} {}", record.sku, record.person))
            .or_default();
        for slot in &record.slots {
            if !taken.is_empty() {
                taken.push(',');
            }
            taken.push_str(&slot.to_string());
        }
    }
}
