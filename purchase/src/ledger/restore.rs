//! The whole ledger of one sale, as a comparison with the stock store and a rebuild need it.
//!
//! All of one moment: one transaction reads everything, while a recorder may go on writing. An order
//! counts even if its hold's row says otherwise, so that a damaged row never costs an order.

use std::collections::{BTreeMap, HashMap};

use entry_pass::SaleId;
use futures::TryStreamExt;
use lua::sale::{EventId, EventKind, Reservation, State, StockEvent, Taken};
use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};

use super::{
    Ledger, LedgerError, numbers,
    read::{number, parsed},
};
use crate::audit::{Booked, Books, Supply};

/// A row's columns as text, `-` for none, in the order they are asked for.
pub type Columns = Vec<String>;

/// The columns of `holds` that are compared.
const HOLDS: &str = "sku, quantity, person, units, slots, reserved_at, expires_at, \
    idempotency_key, body_hash, answer, state, settled_at";
/// The columns of `orders` that are compared.
const ORDERS: &str = "reservation_id, sku, quantity, person, units, slots, payment_ref, \
    confirmed_at, refunded_at";
/// The columns of `order_units` that are compared.
const UNITS: &str = "sku, unit, person, slot, refunded_at";

/// What the ledger has of one sale.
#[derive(Debug, Default)]
pub struct Tables {
    /// By its tables.
    pub books: Books,
    /// By reservation: its row in `holds`. Only if asked for.
    pub holds: HashMap<String, Columns>,
    /// By order: its row in `orders`. Only if asked for.
    pub orders: HashMap<String, Columns>,
    /// By order: its rows in `order_units`. Only if asked for.
    pub units: BTreeMap<String, Vec<Columns>>,
    /// Every event, in the order of the stream. Only if asked for.
    pub entries: Vec<StockEvent>,
    /// Ids of events that hold what this version never wrote.
    pub unreadable: Vec<EventId>,
}

impl Ledger {
    /// Reads a sale. Reservations that ended before `since` (ms) are left out. `whole`: with units
    /// and events, for an audit.
    pub async fn books(
        &self,
        sale: &SaleId,
        since: u64,
        whole: bool,
    ) -> Result<Tables, LedgerError> {
        let mut transaction = self.tables().await?.begin().await?;
        if transaction.backend_name() == "PostgreSQL" {
            sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                .execute(&mut *transaction)
                .await?;
        }
        let mut tables = Tables::default();
        tables.supply_and_times(&mut transaction, sale).await?;
        tables.reservations(&mut transaction, sale, since).await?;
        tables.orders_alone(&mut transaction, sale).await?;
        if whole {
            tables.rows(&mut transaction, sale).await?;
            tables.entries(&mut transaction, sale).await?;
        }
        transaction.rollback().await?;
        Ok(tables)
    }
}

impl Tables {
    async fn supply_and_times(
        &mut self,
        connection: &mut AnyConnection,
        sale: &SaleId,
    ) -> Result<(), LedgerError> {
        let rows = sqlx::query(
            "SELECT sku, supplied, limit_per_person, event_id FROM supply WHERE sale = $1",
        )
        .bind(sale.as_str())
        .fetch_all(&mut *connection)
        .await?;
        for row in &rows {
            let supply = Supply {
                supplied: number(row, "supplied")?,
                limit: number(row, "limit_per_person")? as u32,
                event: parsed(row, "event_id")?,
            };
            self.books.supply.insert(parsed(row, "sku")?, supply);
        }
        let newest = sqlx::query(
            "SELECT event_id, happened_at FROM stock_events WHERE sale = $1 \
             ORDER BY event_ms DESC, event_seq DESC LIMIT 1",
        )
        .bind(sale.as_str())
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(row) = newest {
            self.books.newest = Some((parsed(&row, "event_id")?, number(&row, "happened_at")?));
        }
        let closed = sqlx::query(
            "SELECT happened_at, detail FROM stock_events WHERE sale = $1 AND kind = 'reopened'",
        )
        .bind(sale.as_str())
        .fetch_all(connection)
        .await?;
        for row in &closed {
            let ms = detail(row)?["closed_ms"].as_i64();
            let ms = ms.ok_or(LedgerError::Unreadable("detail"))?;
            self.books.closed.push((number(row, "happened_at")?, ms));
        }
        Ok(())
    }

    async fn reservations(
        &mut self,
        connection: &mut AnyConnection,
        sale: &SaleId,
        since: u64,
    ) -> Result<(), LedgerError> {
        let mut rows = sqlx::query(
            "SELECT h.reservation_id, h.sku, h.units, h.slots, h.person, h.expires_at, h.state, \
             h.idempotency_key, h.body_hash, h.answer, h.reserved_at, h.settled_at, e.event_id, \
             e.detail, o.payment_ref, o.confirmed_at, o.refunded_at FROM holds h \
             LEFT JOIN stock_events e ON e.reservation_id = h.reservation_id AND e.sale = h.sale \
             AND e.kind = CASE h.state WHEN 'held' THEN 'reserved' ELSE h.state END \
             LEFT JOIN orders o ON o.reservation_id = h.reservation_id \
             WHERE h.sale = $1 AND (h.state IN ('held', 'confirmed', 'refunded') \
             OR h.settled_at > $2 OR o.id IS NOT NULL)",
        )
        .bind(sale.as_str())
        .bind(i64::try_from(since).unwrap_or(i64::MAX))
        .fetch(connection);
        while let Some(row) = rows.try_next().await? {
            let (id, booked) = booked(&self.books, &row)?;
            self.books.reservations.insert(id, booked);
        }
        Ok(())
    }

    /// Orders whose hold's row is gone.
    async fn orders_alone(
        &mut self,
        connection: &mut AnyConnection,
        sale: &SaleId,
    ) -> Result<(), LedgerError> {
        let rows = sqlx::query(
            "SELECT o.reservation_id, o.sku, o.units, o.slots, o.person, \
             o.confirmed_at AS expires_at, 'confirmed' AS state, '' AS idempotency_key, \
             '' AS body_hash, '' AS answer, o.confirmed_at AS reserved_at, \
             o.confirmed_at AS settled_at, e.event_id, e.detail, o.payment_ref, o.confirmed_at, \
             o.refunded_at FROM orders o \
             LEFT JOIN stock_events e ON e.reservation_id = o.reservation_id AND e.sale = o.sale \
             AND e.kind = CASE WHEN o.refunded_at IS NULL THEN 'confirmed' ELSE 'refunded' END \
             WHERE o.sale = $1 AND NOT EXISTS (SELECT 1 FROM holds h \
             WHERE h.reservation_id = o.reservation_id)",
        )
        .bind(sale.as_str())
        .fetch_all(connection)
        .await?;
        for row in &rows {
            let (id, booked) = booked(&self.books, row)?;
            self.books.reservations.insert(id, booked);
        }
        Ok(())
    }

    async fn rows(
        &mut self,
        connection: &mut AnyConnection,
        sale: &SaleId,
    ) -> Result<(), LedgerError> {
        for row in all(connection, sale, "holds", "reservation_id", HOLDS).await? {
            self.holds.insert(row.0, row.1);
        }
        for row in all(connection, sale, "orders", "id", ORDERS).await? {
            self.orders.insert(row.0, row.1);
        }
        for row in all(connection, sale, "order_units", "order_id", UNITS).await? {
            self.units.entry(row.0).or_default().push(row.1);
        }
        for rows in self.units.values_mut() {
            rows.sort();
        }
        Ok(())
    }

    async fn entries(
        &mut self,
        connection: &mut AnyConnection,
        sale: &SaleId,
    ) -> Result<(), LedgerError> {
        let mut rows = sqlx::query(
            "SELECT event_id, kind, sku, reservation_id, person, detail, happened_at \
             FROM stock_events WHERE sale = $1 ORDER BY event_ms, event_seq",
        )
        .bind(sale.as_str())
        .fetch(connection);
        while let Some(row) = rows.try_next().await? {
            let id = parsed(&row, "event_id")?;
            match entry(id, &row) {
                Ok(event) => self.entries.push(event),
                Err(_) => self.unreadable.push(id),
            }
        }
        Ok(())
    }
}

/// All rows of a table: its id and the named columns, as text.
async fn all(
    connection: &mut AnyConnection,
    sale: &SaleId,
    table: &str,
    id: &str,
    columns: &str,
) -> Result<Vec<(String, Columns)>, LedgerError> {
    let texts: Vec<String> = columns
        .split(", ")
        .map(|column| format!("COALESCE(CAST({} AS TEXT), '-')", column.trim()))
        .collect();
    let sql = format!(
        "SELECT {id}, {} FROM {table} WHERE sale = $1",
        texts.join(", ")
    );
    let mut rows = sqlx::query(AssertSqlSafe(sql))
        .bind(sale.as_str())
        .fetch(connection);
    let mut all = Vec::new();
    while let Some(row) = rows.try_next().await? {
        let columns: Result<Columns, _> = (1..=texts.len()).map(|at| row.try_get(at)).collect();
        all.push((row.try_get(0)?, columns?));
    }
    Ok(all)
}

fn detail(row: &AnyRow) -> Result<serde_json::Value, LedgerError> {
    serde_json::from_str(row.try_get("detail")?).map_err(|_| LedgerError::Unreadable("detail"))
}

fn optional(row: &AnyRow, column: &'static str) -> Result<Option<u64>, LedgerError> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(|at| at as u64))
}

/// A hold's row, with its order and its last event if there are any.
fn booked(books: &Books, row: &AnyRow) -> Result<(String, Booked), LedgerError> {
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
fn entry(id: EventId, row: &AnyRow) -> Result<StockEvent, LedgerError> {
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
