//! What each kind of event changes in the ledger's tables.
//!
//! A batch is a handful of statements, however many events it has and however they are mixed.
//! Reservations come first and the last state of each after them, since no other event depends on
//! those rows; orders and refunds keep the order of the stream, because a refund frees the unit that
//! the next order takes.

use std::collections::HashMap;

use entry_pass::{SaleId, Sku};
use lua::sale::{EventKind, StockEvent, Taken};
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::{
    list,
    record::RecordError,
    rows::{Rows, Value},
};
use crate::reservation::order_id;

/// Most rows of `order_units` in one statement: an order may have a hundred, and a statement takes a
/// bounded number of values.
const MOST_UNITS: usize = 1_024;

/// An event about units of a person.
type Units<'a> = (&'a StockEvent, &'a Sku, &'a Taken);

/// The facts of an event that have no column of their own.
pub(super) fn detail(event: &StockEvent) -> String {
    let units = |taken: &Taken| json!({ "units": taken.units, "slots": taken.slots });
    let mut detail = event.taken.as_ref().map_or_else(|| json!({}), units);
    match &event.kind {
        EventKind::Reserved {
            expires_at,
            key,
            body,
            answer,
        } => {
            detail["expires_at"] = (*expires_at).into();
            detail["idempotency_key"] = key.as_str().into();
            detail["body_hash"] = body.as_str().into();
            detail["answer"] = answer.as_str().into();
        }
        EventKind::Confirmed { payment_ref } => detail["payment_ref"] = payment_ref.as_str().into(),
        EventKind::Supplied { supplied, limit } => {
            detail["supplied"] = (*supplied).into();
            detail["limit_per_person"] = (*limit).into();
        }
        EventKind::Reopened { closed_ms } => detail["closed_ms"] = (*closed_ms).into(),
        EventKind::Cancelled | EventKind::Expired | EventKind::Refunded => {}
    }
    detail.to_string()
}

/// Applies new events, given in the order of the stream. How many reservations something became of
/// that are not there.
pub(super) async fn apply(
    connection: &mut AnyConnection,
    sale: &SaleId,
    events: &[&StockEvent],
) -> Result<u64, RecordError> {
    let of = |kinds: &[&str]| -> Vec<Units<'_>> {
        let wanted = events
            .iter()
            .filter(|event| kinds.contains(&event.kind.word()));
        wanted
            .filter_map(|event| Some((*event, event.sku.as_ref()?, event.taken.as_ref()?)))
            .collect()
    };
    reserved(connection, sale, &of(&["reserved"])).await?;
    let ends = of(&["confirmed", "cancelled", "expired", "refunded"]);
    let unknown = settled(connection, &ends).await?;
    let trade = of(&["confirmed", "refunded"]);
    for run in trade.chunk_by(|a, b| a.0.kind.word() == b.0.kind.word()) {
        if run[0].0.kind == EventKind::Refunded {
            refunded(connection, run).await?;
        } else {
            confirmed(connection, sale, run, None).await?;
        }
    }
    supplied(connection, sale, events).await?;
    Ok(unknown)
}

pub(super) async fn reserved(
    connection: &mut AnyConnection,
    sale: &SaleId,
    units: &[Units<'_>],
) -> Result<(), RecordError> {
    let row = |(event, sku, taken): &Units<'_>| {
        let EventKind::Reserved {
            expires_at,
            key,
            body,
            answer,
        } = &event.kind
        else {
            return None;
        };
        Some([
            taken.reservation.as_str().into(),
            sku.as_str().into(),
            (taken.units.len() as u64).into(),
            taken.person.as_str().into(),
            list(&taken.units).into(),
            list(&taken.slots).into(),
            event.at.into(),
            (*expires_at).into(),
            key.as_str().into(),
            body.as_str().into(),
            answer.as_str().into(),
        ])
    };
    if units.is_empty() {
        return Ok(());
    }
    let rows: Rows<11> = units.iter().filter_map(row).collect();
    let sql = format!(
        "INSERT INTO holds (sale, state, reservation_id, sku, quantity, person, units, slots, \
         reserved_at, expires_at, idempotency_key, body_hash, answer) \
         SELECT $1, 'held', v.* FROM {} WHERE v.column1 IS NOT NULL",
        rows.places(1)
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(sale.as_str());
    rows.bind(query).execute(connection).await?;
    Ok(())
}

/// The last state of each reservation. How many of them are not there.
pub(super) async fn settled(
    connection: &mut AnyConnection,
    units: &[Units<'_>],
) -> Result<u64, RecordError> {
    if units.is_empty() {
        return Ok(0);
    }
    let last: HashMap<&str, &StockEvent> = units
        .iter()
        .map(|(event, _, taken)| (taken.reservation.as_str(), *event))
        .collect();
    let all = last.len() as u64;
    let rows: Rows<3> = last
        .into_iter()
        .map(|(reservation, event)| {
            [
                reservation.into(),
                event.kind.word().into(),
                event.at.into(),
            ]
        })
        .collect();
    let sql = format!(
        "UPDATE holds SET state = v.column2, settled_at = v.column3 FROM {} \
         WHERE holds.reservation_id = v.column1",
        rows.places(0)
    );
    let query = sqlx::query(AssertSqlSafe(sql));
    let found = rows.bind(query).execute(connection).await?.rows_affected();
    Ok(all.saturating_sub(found))
}

/// Orders and their units, `refunded_at` if that is known already.
pub(super) async fn confirmed(
    connection: &mut AnyConnection,
    sale: &SaleId,
    units: &[Units<'_>],
    refunded_at: Option<u64>,
) -> Result<(), RecordError> {
    let refunded_at = refunded_at.map(|at| at as i64);
    let row = |(event, sku, taken): &Units<'_>| {
        let EventKind::Confirmed { payment_ref } = &event.kind else {
            return None;
        };
        Some([
            order_id(&taken.reservation).into(),
            taken.reservation.as_str().into(),
            sku.as_str().into(),
            (taken.units.len() as u64).into(),
            taken.person.as_str().into(),
            list(&taken.units).into(),
            list(&taken.slots).into(),
            payment_ref.as_str().into(),
            event.at.into(),
        ])
    };
    let rows: Rows<9> = units.iter().filter_map(row).collect();
    let sql = format!(
        "INSERT INTO orders (sale, refunded_at, id, reservation_id, sku, quantity, person, units, \
         slots, payment_ref, confirmed_at) \
         SELECT $1, $2, v.* FROM {} WHERE v.column1 IS NOT NULL",
        rows.places(2)
    );
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(sale.as_str())
        .bind(refunded_at);
    rows.bind(query).execute(&mut *connection).await?;

    let each: Vec<[Value; 5]> = units
        .iter()
        .flat_map(|(_, sku, taken)| {
            let pairs = taken.units.iter().zip(&taken.slots);
            pairs.map(|(unit, slot)| {
                [
                    order_id(&taken.reservation).into(),
                    sku.as_str().into(),
                    u64::from(*unit).into(),
                    taken.person.as_str().into(),
                    u64::from(*slot).into(),
                ]
            })
        })
        .collect();
    let mut each = each.into_iter();
    loop {
        let rows: Rows<5> = each.by_ref().take(MOST_UNITS).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO order_units (sale, refunded_at, order_id, sku, unit, person, slot) \
             SELECT $1, $2, v.* FROM {} WHERE v.column1 IS NOT NULL",
            rows.places(2)
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(sale.as_str())
            .bind(refunded_at);
        rows.bind(query).execute(&mut *connection).await?;
    }
}

pub(super) async fn refunded(
    connection: &mut AnyConnection,
    units: &[Units<'_>],
) -> Result<(), RecordError> {
    for (table, id) in [("orders", "id"), ("order_units", "order_id")] {
        let rows: Rows<2> = units
            .iter()
            .map(|(event, _, taken)| [order_id(&taken.reservation).into(), event.at.into()])
            .collect();
        let sql = format!(
            "UPDATE {table} SET refunded_at = v.column2 FROM {} \
             WHERE {table}.{id} = v.column1 AND {table}.refunded_at IS NULL",
            rows.places(0)
        );
        let query = sqlx::query(AssertSqlSafe(sql));
        rows.bind(query).execute(&mut *connection).await?;
    }
    Ok(())
}

/// What is supplied, as last said. Rare, and so one statement each.
pub(super) async fn supplied(
    connection: &mut AnyConnection,
    sale: &SaleId,
    events: &[&StockEvent],
) -> Result<(), RecordError> {
    for event in events {
        let (EventKind::Supplied { supplied, limit }, Some(sku)) = (&event.kind, &event.sku) else {
            continue;
        };
        sqlx::query(
            "INSERT INTO supply (sale, sku, supplied, limit_per_person, event_id, changed_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (sale, sku) DO UPDATE SET \
             supplied = excluded.supplied, limit_per_person = excluded.limit_per_person, \
             event_id = excluded.event_id, changed_at = excluded.changed_at",
        )
        .bind(sale.as_str())
        .bind(sku.as_str())
        .bind(*supplied as i64)
        .bind(i64::from(*limit))
        .bind(event.id.to_string())
        .bind(event.at as i64)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
