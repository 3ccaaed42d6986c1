//! Events set aside because the ledger refuses them, so that they do not block the rest.

use std::collections::HashSet;

use entry_pass::SaleId;
use lua::sale::EventId;
use sqlx::{AnyConnection, Row, any::AnyRow};

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
    /// first, and says false.
    pub async fn set_aside(
        &self,
        sale: &SaleId,
        term: u64,
        letter: &DeadLetter,
        now: u64,
    ) -> Result<bool, RecordError> {
        let pool = self.tables().await?;
        in_time(Box::pin(async {
            let mut transaction = pool.begin().await?;
            take_term(&mut transaction, sale, term).await?;
            let new = sqlx::query(
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
            Ok(new.rows_affected() > 0)
        }))
        .await
    }

    /// Discards one for good: it is neither tried nor listed again, and stays out of the ledger though
    /// the stream may still have it. None: it does not wait. `now` in ms.
    pub async fn discard(
        &self,
        sale: &SaleId,
        event: EventId,
        now: u64,
    ) -> Result<Option<DeadLetter>, LedgerError> {
        let pool = self.tables().await?;
        in_time(Box::pin(async {
            let row = sqlx::query(
                "UPDATE dead_letters SET discarded_at = $3 \
                 WHERE sale = $1 AND event_id = $2 AND discarded_at IS NULL \
                 RETURNING event_id, fields, reason, tries",
            )
            .bind(sale.as_str())
            .bind(event.to_string())
            .bind(now as i64)
            .fetch_optional(pool)
            .await?;
            row.as_ref().map(letter).transpose()
        }))
        .await
    }

    /// What is set aside and waits, in the order of the stream.
    pub async fn dead_letters(&self, sale: &SaleId) -> Result<Vec<DeadLetter>, LedgerError> {
        let pool = self.tables().await?;
        let found = in_time(Box::pin(async {
            let mut connection = pool.acquire().await?;
            SetAside::read(&mut connection, sale).await
        }));
        Ok(found.await?.waiting)
    }
}

/// What is set aside.
#[derive(Debug, Default)]
pub struct SetAside {
    /// Neither recorded since nor discarded, in the order of the stream.
    pub waiting: Vec<DeadLetter>,
    /// Discarded.
    pub discarded: HashSet<EventId>,
}

impl SetAside {
    pub(super) async fn read(
        connection: &mut AnyConnection,
        sale: &SaleId,
    ) -> Result<Self, LedgerError> {
        let rows = sqlx::query(
            "SELECT event_id, fields, reason, tries, discarded_at FROM dead_letters d \
             WHERE sale = $1 AND NOT EXISTS (SELECT 1 FROM stock_events e \
             WHERE e.sale = d.sale AND e.event_id = d.event_id)",
        )
        .bind(sale.as_str())
        .fetch_all(connection)
        .await?;
        let mut found = Self::default();
        for row in &rows {
            match row.try_get::<Option<i64>, _>("discarded_at")? {
                Some(_) => {
                    found.discarded.insert(parsed(row, "event_id")?);
                }
                None => found.waiting.push(letter(row)?),
            }
        }
        found.waiting.sort_by_key(|letter| letter.event_id);
        Ok(found)
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
