//! What a rebuild of the stock store needs from the ledger.

use entry_pass::SaleId;
use lua::sale::EventId;
use sqlx::{Row, any::AnyRow};

use super::{
    HoldRow, Ledger, LedgerError,
    read::{hold, number, parsed},
};

/// A reservation that still takes units, or took them and was refunded.
#[derive(Debug, Clone)]
pub struct RestoreRow {
    /// The hold.
    pub hold: HoldRow,
    /// When it was reserved, ms.
    pub reserved_at: u64,
    /// Its last event.
    pub event: EventId,
    /// Its payment, if it was confirmed.
    pub payment_ref: Option<String>,
    /// When it was confirmed, ms.
    pub confirmed_at: Option<u64>,
}

impl Ledger {
    /// The next reservations after the id `after`, in the order of their ids.
    pub async fn to_restore(
        &self,
        sale: &SaleId,
        after: &str,
        most: usize,
    ) -> Result<Vec<RestoreRow>, LedgerError> {
        let rows = sqlx::query(
            "SELECT h.reservation_id, h.sku, h.units, h.slots, h.person, h.expires_at, h.state, \
             h.idempotency_key, h.body_hash, h.answer, h.reserved_at, e.event_id, o.payment_ref, \
             o.confirmed_at FROM holds h \
             JOIN stock_events e ON e.reservation_id = h.reservation_id AND e.sale = h.sale \
             AND e.kind = CASE h.state WHEN 'held' THEN 'reserved' ELSE h.state END \
             LEFT JOIN orders o ON o.reservation_id = h.reservation_id \
             WHERE h.sale = $1 AND h.state IN ('held', 'confirmed', 'refunded') \
             AND h.reservation_id > $2 ORDER BY h.reservation_id LIMIT $3",
        )
        .bind(sale.as_str())
        .bind(after)
        .bind(most as i64)
        .fetch_all(self.tables().await?)
        .await?;
        rows.iter().map(restore).collect()
    }

    /// The newest event and when the newest happened, ms; and each time the sale was closed: when
    /// it opened again and for how long, ms.
    pub async fn times(
        &self,
        sale: &SaleId,
    ) -> Result<(EventId, u64, Vec<(u64, i64)>), LedgerError> {
        let pool = self.tables().await?;
        let newest = sqlx::query(
            "SELECT event_id, happened_at FROM stock_events WHERE sale = $1 \
             ORDER BY event_ms DESC, event_seq DESC LIMIT 1",
        )
        .bind(sale.as_str())
        .fetch_one(pool)
        .await?;
        let closed = sqlx::query(
            "SELECT happened_at, detail FROM stock_events WHERE sale = $1 AND kind = 'reopened'",
        )
        .bind(sale.as_str())
        .fetch_all(pool)
        .await?;
        let closed: Result<_, LedgerError> = closed
            .iter()
            .map(|row| {
                let detail: serde_json::Value = serde_json::from_str(row.try_get("detail")?)
                    .map_err(|_| LedgerError::Unreadable("detail"))?;
                let ms = detail["closed_ms"]
                    .as_i64()
                    .ok_or(LedgerError::Unreadable("detail"))?;
                Ok((number(row, "happened_at")?, ms))
            })
            .collect();
        Ok((
            parsed(&newest, "event_id")?,
            number(&newest, "happened_at")?,
            closed?,
        ))
    }
}

fn restore(row: &AnyRow) -> Result<RestoreRow, LedgerError> {
    Ok(RestoreRow {
        hold: hold(row)?,
        reserved_at: number(row, "reserved_at")?,
        event: parsed(row, "event_id")?,
        payment_ref: row.try_get("payment_ref")?,
        confirmed_at: row
            .try_get::<Option<i64>, _>("confirmed_at")?
            .map(|at| at as u64),
    })
}
