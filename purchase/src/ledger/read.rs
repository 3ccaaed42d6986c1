//! What others ask the ledger.

use std::collections::HashSet;

use entry_pass::{PersonId, SaleId, Sku};
use lua::sale::EventId;
use sqlx::{AssertSqlSafe, Row, any::AnyRow};

use super::{Ledger, LedgerError, in_time, numbers, rows::Rows};

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    /// Its id.
    pub id: String,
    /// The reservation it was.
    pub reservation: String,
    /// Of what.
    pub sku: Sku,
    /// Which units.
    pub units: Vec<u32>,
    /// Whose.
    pub person: PersonId,
    /// The payment.
    pub payment_ref: String,
    /// When, ms.
    pub confirmed_at: u64,
    /// When it was taken back, ms.
    pub refunded_at: Option<u64>,
}

/// A reservation as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRow {
    /// Its id.
    pub reservation: String,
    /// Of what.
    pub sku: Sku,
    /// Which units.
    pub units: Vec<u32>,
    /// The person's slots they take.
    pub slots: Vec<u32>,
    /// Whose.
    pub person: PersonId,
    /// When it ends, ms.
    pub expires_at: u64,
    /// `held`, `confirmed`, `cancelled`, `expired` or `refunded`.
    pub state: String,
    /// The request's idempotency key.
    pub key: String,
    /// The request's body hash.
    pub body: String,
    /// The answer that was sent.
    pub answer: String,
}

/// The ledger's figures of one sku.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkuTotals {
    /// Which.
    pub sku: Sku,
    /// Units in all.
    pub supplied: u64,
    /// Most per person.
    pub limit: u32,
    /// The event that said so.
    pub event: EventId,
    /// Units held.
    pub held: u64,
    /// Units in standing orders.
    pub sold: u64,
}

impl Ledger {
    /// Which of `events` the ledger has. One statement, whoever and however many wait.
    pub async fn recorded(
        &self,
        sale: &SaleId,
        events: &[EventId],
    ) -> Result<HashSet<EventId>, LedgerError> {
        if events.is_empty() {
            return Ok(HashSet::new());
        }
        let rows: Rows<1> = events.iter().map(|id| [id.to_string().into()]).collect();
        let sql = format!(
            "SELECT e.event_id FROM {} JOIN stock_events e \
             ON e.sale = $1 AND e.event_id = v.column1",
            rows.places(1)
        );
        let query = rows.bind(sqlx::query(AssertSqlSafe(sql)).bind(sale.as_str()));
        let pool = self.tables().await?;
        in_time(Box::pin(async {
            let rows = query.fetch_all(pool).await?;
            rows.iter().map(|row| parsed(row, "event_id")).collect()
        }))
        .await
    }

    /// An order by its id.
    pub async fn order(&self, id: &str) -> Result<Option<OrderRow>, LedgerError> {
        let pool = self.tables().await?;
        in_time(Box::pin(async {
            let row = sqlx::query(
                "SELECT id, reservation_id, sku, units, person, payment_ref, confirmed_at, \
                 refunded_at FROM orders WHERE id = $1",
            )
            .bind(id)
            .fetch_optional(pool)
            .await?;
            row.as_ref().map(order).transpose()
        }))
        .await
    }

    /// A reservation by its id.
    pub async fn hold(&self, id: &str) -> Result<Option<HoldRow>, LedgerError> {
        let pool = self.tables().await?;
        in_time(Box::pin(async {
            let row = sqlx::query(
                "SELECT reservation_id, sku, units, slots, person, expires_at, state, \
                 idempotency_key, body_hash, answer FROM holds WHERE reservation_id = $1",
            )
            .bind(id)
            .fetch_optional(pool)
            .await?;
            row.as_ref().map(hold).transpose()
        }))
        .await
    }

    /// Whether the ledger has ever heard of the sale.
    pub async fn knows(&self, sale: &SaleId) -> Result<bool, LedgerError> {
        Ok(self.began_at(sale).await?.is_some())
    }

    /// When the first event of the sale was, ms; none if the ledger never heard of it.
    pub async fn began_at(&self, sale: &SaleId) -> Result<Option<u64>, LedgerError> {
        let pool = self.tables().await?;
        in_time(Box::pin(async {
            let row = sqlx::query(
                "SELECT event_ms FROM stock_events WHERE sale = $1 \
                 ORDER BY event_ms, event_seq LIMIT 1",
            )
            .bind(sale.as_str())
            .fetch_optional(pool)
            .await?;
            row.as_ref().map(|row| number(row, "event_ms")).transpose()
        }))
        .await
    }

    /// The figures of every sku of the sale.
    pub async fn totals(&self, sale: &SaleId) -> Result<Vec<SkuTotals>, LedgerError> {
        let rows = sqlx::query(
            "SELECT s.sku AS sku, s.supplied AS supplied, s.limit_per_person AS limit_per_person, \
             s.event_id AS event_id, \
             (SELECT CAST(COALESCE(SUM(h.quantity), 0) AS BIGINT) FROM holds h \
              WHERE h.sale = s.sale AND h.sku = s.sku AND h.state = 'held') AS held, \
             (SELECT CAST(COUNT(*) AS BIGINT) FROM order_units u \
              WHERE u.sale = s.sale AND u.sku = s.sku AND u.refunded_at IS NULL) AS sold \
             FROM supply s WHERE s.sale = $1 ORDER BY s.sku",
        )
        .bind(sale.as_str())
        .fetch_all(self.tables().await?)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(SkuTotals {
                    sku: parsed(row, "sku")?,
                    supplied: number(row, "supplied")?,
                    limit: number(row, "limit_per_person")? as u32,
                    event: parsed(row, "event_id")?,
                    held: number(row, "held")?,
                    sold: number(row, "sold")?,
                })
            })
            .collect()
    }
}

fn order(row: &AnyRow) -> Result<OrderRow, LedgerError> {
    Ok(OrderRow {
        id: row.try_get("id")?,
        reservation: row.try_get("reservation_id")?,
        sku: parsed(row, "sku")?,
        units: numbers(row.try_get("units")?, "units")?,
        person: parsed(row, "person")?,
        payment_ref: row.try_get("payment_ref")?,
        confirmed_at: number(row, "confirmed_at")?,
        refunded_at: row
            .try_get::<Option<i64>, _>("refunded_at")?
            .map(|at| at as u64),
    })
}

pub(super) fn hold(row: &AnyRow) -> Result<HoldRow, LedgerError> {
    Ok(HoldRow {
        reservation: row.try_get("reservation_id")?,
        sku: parsed(row, "sku")?,
        units: numbers(row.try_get("units")?, "units")?,
        slots: numbers(row.try_get("slots")?, "slots")?,
        person: parsed(row, "person")?,
        expires_at: number(row, "expires_at")?,
        state: row.try_get("state")?,
        key: row.try_get("idempotency_key")?,
        body: row.try_get("body_hash")?,
        answer: row.try_get("answer")?,
    })
}

pub(super) fn number(row: &AnyRow, column: &'static str) -> Result<u64, LedgerError> {
    Ok(row.try_get::<i64, _>(column)? as u64)
}

pub(super) fn parsed<T: std::str::FromStr>(
    row: &AnyRow,
    column: &'static str,
) -> Result<T, LedgerError> {
    row.try_get::<&str, _>(column)?
        .parse()
        .map_err(|_| LedgerError::Unreadable(column))
}
