//! What each kind of event changes in the ledger's tables.
//!
//! Runs of one kind become one statement where the rush needs it: holds and orders. The order of
//! the stream is kept, because a refund frees the unit that the next sale takes.

use entry_pass::{SaleId, Sku};
use lua::sale::{EventKind, StockEvent, Taken};
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::{list, record::RecordError, rows_of_places};
use crate::reservation::order_id;

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

/// Applies new events in order.
pub(super) async fn apply(
    connection: &mut AnyConnection,
    sale: &SaleId,
    events: &[&StockEvent],
) -> Result<(), RecordError> {
    for run in events.chunk_by(|a, b| a.kind.word() == b.kind.word()) {
        let units: Vec<Units<'_>> = run
            .iter()
            .filter_map(|event| Some((*event, event.sku.as_ref()?, event.taken.as_ref()?)))
            .collect();
        match &run[0].kind {
            EventKind::Reserved { .. } => reserved(connection, sale, &units).await?,
            EventKind::Confirmed { .. } => {
                settled(connection, "confirmed", &units).await?;
                confirmed(connection, sale, &units).await?;
            }
            EventKind::Cancelled => settled(connection, "cancelled", &units).await?,
            EventKind::Expired => settled(connection, "expired", &units).await?,
            EventKind::Refunded => {
                settled(connection, "refunded", &units).await?;
                refunded(connection, &units).await?;
            }
            EventKind::Supplied { .. } => supplied(connection, sale, run).await?,
            EventKind::Reopened { .. } => {}
        }
    }
    Ok(())
}

async fn reserved(
    connection: &mut AnyConnection,
    sale: &SaleId,
    units: &[Units<'_>],
) -> Result<(), RecordError> {
    let sql = format!(
        "INSERT INTO holds (reservation_id, sale, sku, quantity, person, units, slots, \
         reserved_at, expires_at, idempotency_key, body_hash, answer, state) VALUES {}",
        rows_of_places(units.len(), 13)
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for (event, sku, taken) in units {
        let EventKind::Reserved {
            expires_at,
            key,
            body,
            answer,
        } = &event.kind
        else {
            continue;
        };
        query = query
            .bind(&taken.reservation)
            .bind(sale.as_str())
            .bind(sku.as_str())
            .bind(taken.units.len() as i64)
            .bind(taken.person.as_str())
            .bind(list(&taken.units))
            .bind(list(&taken.slots))
            .bind(event.at as i64)
            .bind(*expires_at as i64)
            .bind(key)
            .bind(body)
            .bind(answer)
            .bind("held");
    }
    query.execute(connection).await?;
    Ok(())
}

async fn settled(
    connection: &mut AnyConnection,
    state: &'static str,
    units: &[Units<'_>],
) -> Result<(), RecordError> {
    for (event, _, taken) in units {
        sqlx::query("UPDATE holds SET state = $1, settled_at = $2 WHERE reservation_id = $3")
            .bind(state)
            .bind(event.at as i64)
            .bind(&taken.reservation)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn confirmed(
    connection: &mut AnyConnection,
    sale: &SaleId,
    units: &[Units<'_>],
) -> Result<(), RecordError> {
    let sql = format!(
        "INSERT INTO orders (id, reservation_id, sale, sku, quantity, person, units, slots, \
         payment_ref, confirmed_at) VALUES {}",
        rows_of_places(units.len(), 10)
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for (event, sku, taken) in units {
        let EventKind::Confirmed { payment_ref } = &event.kind else {
            continue;
        };
        query = query
            .bind(order_id(&taken.reservation))
            .bind(&taken.reservation)
            .bind(sale.as_str())
            .bind(sku.as_str())
            .bind(taken.units.len() as i64)
            .bind(taken.person.as_str())
            .bind(list(&taken.units))
            .bind(list(&taken.slots))
            .bind(payment_ref)
            .bind(event.at as i64);
    }
    query.execute(&mut *connection).await?;
    // A run may hold many units per order; a statement takes a bounded number of values.
    let each: Vec<(&Sku, &Taken, usize)> = units
        .iter()
        .flat_map(|(_, sku, taken)| (0..taken.units.len()).map(move |at| (*sku, *taken, at)))
        .collect();
    for rows in each.chunks(1_000) {
        let sql = format!(
            "INSERT INTO order_units (order_id, sale, sku, unit, person, slot) VALUES {}",
            rows_of_places(rows.len(), 6)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (sku, taken, at) in rows {
            query = query
                .bind(order_id(&taken.reservation))
                .bind(sale.as_str())
                .bind(sku.as_str())
                .bind(i64::from(taken.units[*at]))
                .bind(taken.person.as_str())
                .bind(i64::from(taken.slots[*at]));
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn refunded(connection: &mut AnyConnection, units: &[Units<'_>]) -> Result<(), RecordError> {
    for (event, _, taken) in units {
        for sql in [
            "UPDATE orders SET refunded_at = $1 WHERE id = $2 AND refunded_at IS NULL",
            "UPDATE order_units SET refunded_at = $1 WHERE order_id = $2 AND refunded_at IS NULL",
        ] {
            sqlx::query(sql)
                .bind(event.at as i64)
                .bind(order_id(&taken.reservation))
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

async fn supplied(
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
