//! Builds a sale that the stock store lost, or holds differently, anew from the ledger.
//!
//! Every order and every hold that was recorded comes back with its units, slots and idempotency
//! key; a hold that was not recorded is lost and says so. A hold keeps the time it still had when a
//! sweeper last came by or, if the store no longer knows, at the ledger's newest event: it may live
//! a little longer than it would have, and never shorter.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use lua::sale::{Part, REBUILD_STEP, Remembered, Reservation, State};

use super::{Recorder, Stepped};
use crate::ledger::RestoreRow;

/// Units that are held and sold, of one sku.
#[derive(Default)]
struct Out {
    held: u64,
    sold: u64,
    units: BTreeSet<u32>,
}

impl Recorder {
    /// Rebuilds and opens.
    pub(super) async fn rebuild(&self) -> Result<(), Stepped> {
        let sale = self.desk.stock.id();
        let Some(rebuild) = self.desk.stock.rebuild(&self.owner).await? else {
            return Ok(());
        };
        let (newest, newest_at, closed) = self.ledger.times(sale).await?;
        let now = self.purchase.clock().now_ms();
        let (mut after, mut out) = (String::new(), BTreeMap::<_, Out>::new());
        let mut slots = BTreeMap::<String, String>::new();
        loop {
            let rows = self.ledger.to_restore(sale, &after, REBUILD_STEP).await?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.hold.reservation);
            let keep_ms = self.desk.config.idempotency_ttl.as_millis() as u64;
            let answers: Vec<Remembered> = rows
                .iter()
                .filter_map(|row| {
                    let left = (row.reserved_at + keep_ms).checked_sub(now)?;
                    Some(Remembered {
                        person: row.hold.person.clone(),
                        key: row.hold.key.clone(),
                        body: row.hold.body.clone(),
                        answer: row.hold.answer.clone(),
                        ttl: Duration::from_millis(left),
                    })
                })
                .filter(|answer| !answer.ttl.is_zero())
                .collect();
            rebuild.remember(&answers).await?;
            let (mut records, mut deadlines) = (Vec::new(), Vec::new());
            for row in rows {
                let id = row.hold.reservation.clone();
                let one = put_back(row, &closed);
                let out = out.entry(one.sku.clone()).or_default();
                match one.state {
                    State::Held => out.held += u64::from(one.quantity),
                    State::Sold => out.sold += u64::from(one.quantity),
                    _ => {}
                }
                if one.state == State::Held {
                    deadlines.push((one.deadline.to_string(), id.clone()));
                }
                if matches!(one.state, State::Held | State::Sold) {
                    out.units.extend(&one.units);
                    let taken = slots
                        .entry(format!("{} {}", one.sku, one.person))
                        .or_default();
                    for slot in &one.slots {
                        let comma = if taken.is_empty() { "" } else { "," };
                        *taken = format!("{taken}{comma}{slot}");
                    }
                }
                records.push((id, one.pack()));
            }
            rebuild.put(Part::Reservations, &records).await?;
            rebuild.put(Part::Deadlines, &deadlines).await?;
        }
        let slots: Vec<_> = slots.into_iter().collect();
        rebuild.put(Part::Slots, &slots).await?;
        for total in self.ledger.totals(sale).await? {
            let out = out.remove(&total.sku).unwrap_or_default();
            let minted = out.units.last().copied().unwrap_or(0);
            let free: Vec<_> = (1..=minted)
                .filter(|unit| !out.units.contains(unit))
                .map(|unit| ("0".to_owned(), format!("{}:{unit:010}", total.sku)))
                .collect();
            rebuild.put(Part::Free, &free).await?;
            let available = total.supplied.saturating_sub(out.held + out.sold);
            let figures = [
                ("supplied", total.supplied.to_string()),
                ("available", available.to_string()),
                ("held", out.held.to_string()),
                ("sold", out.sold.to_string()),
                ("limit", total.limit.to_string()),
                ("minted", minted.to_string()),
                ("event", total.event.to_string()),
            ];
            let figures = figures.map(|(name, figure)| (format!("{}:{name}", total.sku), figure));
            rebuild.put(Part::Stock, &figures).await?;
        }
        let stopped_at = match rebuild.alive_at() {
            Some(alive_at) if (newest_at..=now).contains(&alive_at) => alive_at,
            _ => newest_at,
        };
        let closed_ms = closed.iter().map(|(_, ms)| ms).sum();
        rebuild.open(newest, stopped_at, closed_ms).await?;
        metrics::counter!("vestibule_rebuilds_total").increment(1);
        tracing::warn!(sale.id = %sale, "rebuilt from the ledger and open again");
        Ok(())
    }
}

/// A ledger's row as the stock store's record. Its deadline on the open clock is what was answered
/// less the time the sale had been closed by then.
fn put_back(row: RestoreRow, closed: &[(u64, i64)]) -> Reservation {
    let state = match row.hold.state.as_str() {
        "held" => State::Held,
        "confirmed" => State::Sold,
        _ => State::Refunded,
    };
    let before: i64 = closed
        .iter()
        .filter(|(at, _)| *at <= row.reserved_at)
        .map(|(_, ms)| ms)
        .sum();
    Reservation {
        state,
        person: row.hold.person,
        sku: row.hold.sku,
        quantity: row.hold.units.len() as u32,
        units: row.hold.units,
        slots: row.hold.slots,
        deadline: row.hold.expires_at as i64 - before,
        payment_ref: row.payment_ref,
        confirmed_at: row.confirmed_at,
        event: row.event,
        settled_at: row.confirmed_at,
    }
}
