//! Rows of the ledger as the reservations and events they were written from.

use lua::sale::{EventId, EventKind, Reservation, State, StockEvent, Taken};
use sqlx::{Row, any::AnyRow};

use super::super::{
    LedgerError, numbers,
    read::{number, parsed},
};
use crate::audit::{Booked, Books};

pub(super) fn detail(row: &AnyRow) -> Result<serde_json::Value, LedgerError> {
    serde_json::from_str(row.try_get("detail")?).map_err(|_| LedgerError::Unreadable("detail"))
}

fn optional(row: &AnyRow, column: &'static str) -> Result<Option<u64>, LedgerError> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(|at| at as u64))
}

/// A hold's row, with its order and its last event if there are any.
pub(super) fn booked(books: &Books, row: &AnyRow) -> Result<(String, Booked), LedgerError> {
    let word: &str = row.try_get("state")?;
    let confirmed_at = optional(row, "confirmed_at")?;
    let refunded_at = optional(row, "refunded_at")?;
    let mut payment_ref: Option<String> = row.try_get("payment_ref")?;
    let settled_at = optional(row, "settled_at")?;
    // An order counts, whatever its hold's row says; a refund comes after it.
    let state = match (word, payment_ref.is_some()) {
        _ if refunded_at.is_some() => State::Refunded,
        ("refunded", _) => State::Refunded,
        (_, true) | ("confirmed", _) => State::Sold,
        ("held", _) => State::Held,
        ("cancelled", _) => State::Cancelled,
        ("expired", _) => State::Expired,
        _ => return Err(LedgerError::Unreadable("state")),
    };
    if state == State::Sold
        && payment_ref.is_none()
        && row.try_get::<Option<&str>, _>("detail")?.is_some()
    {
        payment_ref = detail(row)?["payment_ref"].as_str().map(str::to_owned);
    }
    let units = numbers(row.try_get("units")?, "units")?;
    let event: Option<&str> = row.try_get("event_id")?;
    let event = event.and_then(|event| event.parse().ok());
    let (reserved_at, expires_at) = (number(row, "reserved_at")?, number(row, "expires_at")?);
    let sold = matches!(state, State::Sold | State::Refunded);
    let booked = Booked {
        record: Reservation {
            state,
            person: parsed(row, "person")?,
            sku: parsed(row, "sku")?,
            quantity: units.len() as u32,
            units,
            slots: numbers(row.try_get("slots")?, "slots")?,
            deadline: books.deadline(reserved_at, expires_at),
            confirmed_at: if sold {
                confirmed_at.or(settled_at)
            } else {
                None
            },
            payment_ref: payment_ref.filter(|_| sold),
            event: event.unwrap_or(EventId { ms: 0, seq: 0 }),
            settled_at: match state {
                State::Held => None,
                State::Refunded => refunded_at.or(settled_at),
                _ => settled_at.or(confirmed_at),
            },
        },
        reserved_at,
        expires_at,
        key: row.try_get("idempotency_key")?,
        body: row.try_get("body_hash")?,
        answer: row.try_get("answer")?,
        told: Vec::new(),
    };
    Ok((row.try_get("reservation_id")?, booked))
}

/// A row of `stock_events` as the event it was.
pub(super) fn entry(id: EventId, row: &AnyRow) -> Result<StockEvent, LedgerError> {
    let detail = detail(row)?;
    let unreadable = || LedgerError::Unreadable("detail");
    let text = |name: &str| {
        detail[name]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(unreadable)
    };
    let figure = |name: &str| detail[name].as_u64().ok_or_else(unreadable);
    let list = |name: &str| -> Option<Vec<u32>> {
        let list = detail[name].as_array()?;
        list.iter()
            .map(|number| {
                number
                    .as_u64()
                    .and_then(|number| u32::try_from(number).ok())
            })
            .collect()
    };
    let kind = match row.try_get("kind")? {
        "reserved" => EventKind::Reserved {
            expires_at: figure("expires_at")?,
            key: text("idempotency_key")?,
            body: text("body_hash")?,
            answer: text("answer")?,
        },
        "confirmed" => EventKind::Confirmed {
            payment_ref: text("payment_ref")?,
        },
        "cancelled" => EventKind::Cancelled,
        "expired" => EventKind::Expired,
        "refunded" => EventKind::Refunded,
        "supplied" => EventKind::Supplied {
            supplied: figure("supplied")?,
            limit: figure("limit_per_person")? as u32,
        },
        "reopened" => EventKind::Reopened {
            closed_ms: detail["closed_ms"].as_i64().ok_or_else(unreadable)?,
        },
        _ => return Err(LedgerError::Unreadable("kind")),
    };
    let sku: Option<&str> = row.try_get("sku")?;
    let sku = sku.map(str::parse).transpose();
    let reservation: Option<String> = row.try_get("reservation_id")?;
    let taken = match reservation {
        None => None,
        Some(reservation) => Some(Taken {
            reservation,
            person: parsed(row, "person")?,
            units: list("units").ok_or_else(unreadable)?,
            slots: list("slots").ok_or_else(unreadable)?,
        }),
    };
    Ok(StockEvent {
        id,
        at: number(row, "happened_at")?,
        sku: sku.map_err(|_| LedgerError::Unreadable("sku"))?,
        taken,
        kind,
    })
}
