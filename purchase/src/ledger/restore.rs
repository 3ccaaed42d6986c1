//! The whole ledger of one sale, as a comparison with the stock store and a rebuild need it.
//!
//! All of one moment: one transaction reads everything, while a recorder may go on writing. An order
//! counts even if its hold's row says otherwise, so that a damaged row never costs an order.

use std::collections::{BTreeMap, HashMap};

use entry_pass::SaleId;
use futures::TryStreamExt;
use lua::sale::{EventId, StockEvent};
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{
    Ledger, LedgerError, SetAside,
    read::{number, parsed},
};
use crate::audit::{Books, Supply};

mod row;

use row::{booked, detail, entry};

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
    /// What was set aside.
    pub set_aside: SetAside,
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
            // A large sale takes longer to read than any one statement of a batch may.
            sqlx::query("SET LOCAL statement_timeout = 120000")
                .execute(&mut *transaction)
                .await?;
        }
        let mut tables = Tables::default();
        tables.supply_and_times(&mut transaction, sale).await?;
        tables.reservations(&mut transaction, sale, since).await?;
        tables.orders_alone(&mut transaction, sale).await?;
        // Of the same moment: one that is replayed meanwhile is either still a letter or an order.
        tables.set_aside = SetAside::read(&mut transaction, sale).await?;
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
