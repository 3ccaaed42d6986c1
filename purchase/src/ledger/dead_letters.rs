//! Events set aside because the ledger refuses them, so that they do not block the rest.

use entry_pass::SaleId;
use lua::sale::EventId;
use sqlx::{Row, any::AnyRow};

use super::{
    Ledger, LedgerError, in_time,
    read::parsed,
    record::{RecordError, take_term},
};

/// An event set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id in the stream.
    pub event_id: EventId,
    /// The entry as it stood in the stream, JSON.
    pub fields: String,
    /// Why.
    pub reason: String,
    /// How often it was tried.
    pub tries: u32,
}

impl Ledger {
    /// Sets an event aside, under the fence like everything a recorder writes. Again: keeps the
    /// first.
    pub async fn set_aside(
        &self,
        sale: &SaleId,
        term: u64,
        letter: &DeadLetter,
        now: u64,
    ) -> Result<(), RecordError> {
        let pool = self.tables().await?;
        in_time(Box::pin(async {
            let mut transaction = pool.begin().await?;
            take_term(&mut transaction, sale, term).await?;
            sqlx::query(
                "INSERT INTO dead_letters (sale, event_id, fields, reason, tries, set_aside_at) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (sale, event_id) DO NOTHING",
            )
            .bind(sale.as_str())
            .bind(letter.event_id.to_string())
            .bind(&letter.fields)
            .bind(&letter.reason)
            .bind(i64::from(letter.tries))
            .bind(now as i64)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(())
        }))
        .await
    }

    /// Takes one out for good. None: it is not set aside.
    pub async fn discard(
        &self,
        sale: &SaleId,
        event: EventId,
    ) -> Result<Option<DeadLetter>, LedgerError> {
        let pool = self.tables().await?;
        in_time(Box::pin(async {
            let row = sqlx::query(
                "DELETE FROM dead_letters WHERE sale = $1 AND event_id = $2 \
                 RETURNING event_id, fields, reason, tries",
            )
            .bind(sale.as_str())
            .bind(event.to_string())
            .fetch_optional(pool)
            .await?;
            row.as_ref().map(letter).transpose()
        }))
        .await
    }

    /// What is set aside, in the order of the stream.
    pub async fn dead_letters(&self, sale: &SaleId) -> Result<Vec<DeadLetter>, LedgerError> {
        let pool = self.tables().await?;
        let mut letters = in_time(Box::pin(async {
            let rows = sqlx::query(
                "SELECT event_id, fields, reason, tries FROM dead_letters WHERE sale = $1",
            )
            .bind(sale.as_str())
            .fetch_all(pool)
            .await?;
            rows.iter()
                .map(letter)
                .collect::<Result<Vec<_>, LedgerError>>()
        }))
        .await?;
        letters.sort_by_key(|letter| letter.event_id);
        Ok(letters)
    }
}

fn letter(row: &AnyRow) -> Result<DeadLetter, LedgerError> {
    Ok(DeadLetter {
        event_id: parsed(row, "event_id")?,
        fields: row.try_get("fields")?,
        reason: row.try_get("reason")?,
        tries: row.try_get::<i64, _>("tries")? as u32,
    })
}
