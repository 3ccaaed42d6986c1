//! Builds a sale that the stock store lost, or holds differently, anew from the ledger.
//!
//! Every order and every hold that was recorded comes back with its units, slots and idempotency
//! key; a hold that was not recorded is lost and says so. A hold gets the time it still had at the
//! ledger's newest event, so it may live a little longer than it would have, and never shorter.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use lua::sale::{REBUILD_STEP, Reservation, Restored, RestoredStock, State};

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
        loop {
            let rows = self.ledger.to_restore(sale, &after, REBUILD_STEP).await?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.hold.reservation);
            let mut restored = Vec::new();
            for row in rows {
                let key_ends =
                    row.reserved_at + self.desk.config.idempotency_ttl.as_millis() as u64;
                if let Some(left) = key_ends.checked_sub(now).filter(|left| *left > 0) {
                    let (hold, ttl) = (&row.hold, Duration::from_millis(left));
                    rebuild
                        .key(&hold.person, &hold.key, &hold.body, &hold.answer, ttl)
                        .await?;
                }
                let one = put_back(row, newest_at, &closed);
                let out = out.entry(one.reservation.sku.clone()).or_default();
                match one.reservation.state {
                    State::Held => out.held += u64::from(one.reservation.quantity),
                    State::Sold => out.sold += u64::from(one.reservation.quantity),
                    _ => {}
                }
                if matches!(one.reservation.state, State::Held | State::Sold) {
                    out.units.extend(&one.reservation.units);
                }
                restored.push(one);
            }
            rebuild.reservations(&restored).await?;
        }
        for total in self.ledger.totals(sale).await? {
            let out = out.remove(&total.sku).unwrap_or_default();
            let minted = out.units.last().copied().unwrap_or(0);
            let free = (1..=minted)
                .filter(|unit| !out.units.contains(unit))
                .collect();
            let stock = RestoredStock {
                sku: total.sku,
                supplied: total.supplied,
                held: out.held,
                sold: out.sold,
                limit: total.limit,
                minted,
                free,
                event: total.event,
            };
            rebuild.stock(&stock).await?;
        }
        rebuild.open(newest).await?;
        metrics::counter!("vestibule_rebuilds_total").increment(1);
        tracing::warn!(sale.id = %sale, "rebuilt from the ledger and open again");
        Ok(())
    }
}

/// A ledger's row as the stock store's record.
fn put_back(row: RestoreRow, newest_at: u64, closed: &[(u64, i64)]) -> Restored {
    let state = match row.hold.state.as_str() {
        "held" => State::Held,
        "confirmed" => State::Sold,
        _ => State::Refunded,
    };
    let moved: i64 = closed
        .iter()
        .filter(|(at, _)| *at > row.reserved_at)
        .map(|(_, ms)| ms)
        .sum();
    let left = row
        .hold
        .expires_at
        .saturating_add_signed(moved)
        .saturating_sub(newest_at);
    Restored {
        id: row.hold.reservation,
        left: (state == State::Held).then(|| Duration::from_millis(left)),
        reservation: Reservation {
            state,
            person: row.hold.person,
            sku: row.hold.sku,
            quantity: row.hold.units.len() as u32,
            units: row.hold.units,
            slots: row.hold.slots,
            payment_ref: row.payment_ref,
            confirmed_at: row.confirmed_at,
            event: row.event,
        },
    }
}
