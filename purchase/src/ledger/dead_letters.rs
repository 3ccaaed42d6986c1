//! Events set aside because the ledger refuses them, so that they do not block the rest.

use entry_pass::SaleId;
use sqlx::Row;

use super::{Ledger, LedgerError};

/// An event set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id in the stream.
    pub event_id: String,
    /// The entry as it stood in the stream, JSON.
    pub fields: String,
    /// Why.
    pub reason: String,
    /// How often it was tried.
    pub tries: u32,
}

impl Ledger {
    /// Sets an event aside. Again: keeps the first.
    pub async fn set_aside(
        &self,
        sale: &SaleId,
        letter: &DeadLetter,
        now: u64,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "INSERT INTO dead_letters (sale, event_id, fields, reason, tries, set_aside_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (sale, event_id) DO NOTHING",
        )
        .bind(sale.as_str())
        .bind(&letter.event_id)
        .bind(&letter.fields)
        .bind(&letter.reason)
        .bind(i64::from(letter.tries))
        .bind(now as i64)
        .execute(self.tables().await?)
        .await?;
        Ok(())
    }

    /// What is set aside, oldest first.
    pub async fn dead_letters(&self, sale: &SaleId) -> Result<Vec<DeadLetter>, LedgerError> {
        let rows = sqlx::query(
            "SELECT event_id, fields, reason, tries FROM dead_letters WHERE sale = $1 \
             ORDER BY set_aside_at, event_id",
        )
        .bind(sale.as_str())
        .fetch_all(self.tables().await?)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(DeadLetter {
                    event_id: row.try_get("event_id")?,
                    fields: row.try_get("fields")?,
                    reason: row.try_get("reason")?,
                    tries: row.try_get::<i64, _>("tries")? as u32,
                })
            })
            .collect()
    }
}
