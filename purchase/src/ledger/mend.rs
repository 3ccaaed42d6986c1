//! Puts damaged rows right, all in one transaction, fenced by the term like everything a recorder
//! writes. Only an audit asks for it: what is right was decided by [`crate::audit::reconcile`].

use std::collections::BTreeMap;

use entry_pass::{SaleId, Sku};
use lua::sale::{EventId, State, StockEvent};
use sqlx::AnyConnection;

use super::{Ledger, RecordError, entries, list, record::take_term};
use crate::{
    audit::{Booked, Supply},
    reservation::order_id,
};

mod rows;

/// What to put right.
#[derive(Debug, Default)]
pub struct Mend {
    /// Reservations whose rows are written anew.
    pub reservations: Vec<(String, Booked)>,
    /// Events that are missing or damaged.
    pub events: Vec<StockEvent>,
    /// Events that cannot be.
    pub drop_events: Vec<EventId>,
    /// Orders that are none, with units.
    pub drop_units: Vec<String>,
    /// What is supplied.
    pub supply: BTreeMap<Sku, Supply>,
}

impl Mend {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.reservations.is_empty()
            && self.events.is_empty()
            && self.drop_events.is_empty()
            && self.drop_units.is_empty()
            && self.supply.is_empty()
    }
}

impl Ledger {
    /// Puts right what `mend` says. `now` in ms.
    pub async fn mend(
        &self,
        sale: &SaleId,
        term: u64,
        mend: &Mend,
        now: u64,
    ) -> Result<(), RecordError> {
        let mut transaction = self.tables().await?.begin().await?;
        take_term(&mut transaction, sale, term).await?;
        for event in mend
            .drop_events
            .iter()
            .chain(mend.events.iter().map(|event| &event.id))
        {
            let sql = "DELETE FROM stock_events WHERE sale = $1 AND event_id = $2";
            delete(&mut transaction, sql, &[sale.as_str(), &event.to_string()]).await?;
        }
        // First all of them out, then in: two may have changed their units with each other.
        let orders = mend.reservations.iter().map(|(id, _)| order_id(id));
        for order in orders.chain(mend.drop_units.iter().cloned()) {
            let sql = "DELETE FROM order_units WHERE sale = $1 AND order_id = $2";
            delete(&mut transaction, sql, &[sale.as_str(), &order]).await?;
        }
        for (id, _) in &mend.reservations {
            let sql = "DELETE FROM orders WHERE sale = $1 AND reservation_id = $2";
            delete(&mut transaction, sql, &[sale.as_str(), id]).await?;
            let sql = "DELETE FROM holds WHERE sale = $1 AND reservation_id = $2";
            delete(&mut transaction, sql, &[sale.as_str(), id]).await?;
        }
        for (id, booked) in &mend.reservations {
            insert(&mut transaction, sale, id, booked).await?;
        }
        for event in &mend.events {
            append(&mut transaction, sale, event, now).await?;
        }
        for (sku, supply) in &mend.supply {
            set_supply(&mut transaction, sale, sku, supply, now).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

async fn delete(
    connection: &mut AnyConnection,
    sql: &'static str,
    values: &[&str],
) -> Result<(), RecordError> {
    let query = sqlx::query(sql);
    let query = values
        .iter()
        .fold(query, |query, value| query.bind((*value).to_owned()));
    query.execute(connection).await?;
    Ok(())
}

/// The rows of one reservation.
async fn insert(
    connection: &mut AnyConnection,
    sale: &SaleId,
    id: &str,
    booked: &Booked,
) -> Result<(), RecordError> {
    let (record, rows) = (&booked.record, Mend::rows(id, booked));
    let (state, settled_at) = (&rows.hold[10], record.settled_at.map(|at| at as i64));
    sqlx::query(
        "INSERT INTO holds (reservation_id, sale, sku, quantity, person, units, slots, \
         reserved_at, expires_at, idempotency_key, body_hash, answer, state, settled_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(id)
    .bind(sale.as_str())
    .bind(record.sku.as_str())
    .bind(i64::from(record.quantity))
    .bind(record.person.as_str())
    .bind(list(&record.units))
    .bind(list(&record.slots))
    .bind(booked.reserved_at as i64)
    .bind(booked.expires_at as i64)
    .bind(&booked.key)
    .bind(&booked.body)
    .bind(&booked.answer)
    .bind(state)
    .bind(settled_at)
    .execute(&mut *connection)
    .await?;
    if rows.order.is_none() {
        return Ok(());
    }
    let refunded_at = settled_at.filter(|_| record.state == State::Refunded);
    sqlx::query(
        "INSERT INTO orders (id, reservation_id, sale, sku, quantity, person, units, slots, \
         payment_ref, confirmed_at, refunded_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(order_id(id))
    .bind(id)
    .bind(sale.as_str())
    .bind(record.sku.as_str())
    .bind(i64::from(record.quantity))
    .bind(record.person.as_str())
    .bind(list(&record.units))
    .bind(list(&record.slots))
    .bind(record.payment_ref.clone().unwrap_or_default())
    .bind(record.confirmed_at.unwrap_or_default() as i64)
    .bind(refunded_at)
    .execute(&mut *connection)
    .await?;
    for (unit, slot) in record.units.iter().zip(&record.slots) {
        sqlx::query(
            "INSERT INTO order_units (order_id, sale, sku, unit, person, slot, refunded_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(order_id(id))
        .bind(sale.as_str())
        .bind(record.sku.as_str())
        .bind(i64::from(*unit))
        .bind(record.person.as_str())
        .bind(i64::from(*slot))
        .bind(refunded_at)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// One event's row. Its effect is in the tables already, or put there beside it.
async fn append(
    connection: &mut AnyConnection,
    sale: &SaleId,
    event: &StockEvent,
    now: u64,
) -> Result<(), RecordError> {
    let taken = event.taken.as_ref();
    sqlx::query(
        "INSERT INTO stock_events (sale, event_id, event_ms, event_seq, kind, sku, \
         reservation_id, person, quantity, detail, happened_at, recorded_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (sale, event_id) DO NOTHING",
    )
    .bind(sale.as_str())
    .bind(event.id.to_string())
    .bind(event.id.ms as i64)
    .bind(event.id.seq as i64)
    .bind(event.kind.word())
    .bind(event.sku.as_ref().map(|sku| sku.as_str().to_owned()))
    .bind(taken.map(|taken| taken.reservation.clone()))
    .bind(taken.map(|taken| taken.person.as_str().to_owned()))
    .bind(taken.map(|taken| taken.units.len() as i64))
    .bind(entries::detail(event))
    .bind(event.at as i64)
    .bind(now as i64)
    .execute(connection)
    .await?;
    Ok(())
}

async fn set_supply(
    connection: &mut AnyConnection,
    sale: &SaleId,
    sku: &Sku,
    supply: &Supply,
    now: u64,
) -> Result<(), RecordError> {
    let sql = "DELETE FROM supply WHERE sale = $1 AND sku = $2";
    delete(connection, sql, &[sale.as_str(), sku.as_str()]).await?;
    sqlx::query(
        "INSERT INTO supply (sale, sku, supplied, limit_per_person, event_id, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(sale.as_str())
    .bind(sku.as_str())
    .bind(supply.supplied as i64)
    .bind(i64::from(supply.limit))
    .bind(supply.event.to_string())
    .bind(now as i64)
    .execute(connection)
    .await?;
    Ok(())
}
