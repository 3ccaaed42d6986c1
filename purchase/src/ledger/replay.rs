//! Tries an event that was set aside again, at its own place in the order.
//!
//! Later events of the same reservation may have been recorded meanwhile, and what they say stands:
//! a reservation that was confirmed since does not become a hold again, an order that was refunded
//! since is not standing, even if its confirmation is recorded only now. A letter and its event
//! change places in one transaction, which takes the recorders' row first and so stands in line
//! with their batches. It needs no lease: it reads nothing from the stream, and it works beside an
//! active recorder.

use std::collections::HashMap;

use entry_pass::SaleId;
use lua::sale::{EventKind, StockEvent};
use sqlx::{AnyConnection, Row};

use super::{
    DeadLetter, Ledger, LedgerError, entries, in_time,
    record::{RecordError, append},
};

/// What became of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// The ledger has it now, and the letter is gone.
    Recorded,
    /// It stays a letter, with this reason.
    Kept(String),
    /// Somebody else replayed or discarded it meanwhile.
    Gone,
}

impl Ledger {
    /// Tries `letter` again. `now` in ms.
    pub async fn replay(
        &self,
        sale: &SaleId,
        letter: &DeadLetter,
        now: u64,
    ) -> Result<Replayed, LedgerError> {
        let fields: HashMap<String, String> =
            serde_json::from_str(&letter.fields).unwrap_or_default();
        let tried = match StockEvent::parse(letter.event_id, &fields) {
            Ok(event) => self.try_again(sale, &event, now).await,
            Err(error) => Err(RecordError::Clash(error.to_string())),
        };
        match tried {
            Ok(true) => Ok(Replayed::Recorded),
            Ok(false) => Ok(Replayed::Gone),
            Err(RecordError::Ledger(error)) => Err(error),
            Err(RecordError::Clash(reason)) => {
                self.keep(sale, letter, &reason).await?;
                Ok(Replayed::Kept(reason))
            }
            // A replay has no term, so nobody fences it.
            Err(fenced @ RecordError::Fenced) => Ok(Replayed::Kept(fenced.to_string())),
        }
    }

    /// Whether the letter was still there.
    async fn try_again(
        &self,
        sale: &SaleId,
        event: &StockEvent,
        now: u64,
    ) -> Result<bool, RecordError> {
        let pool = self.tables().await?;
        in_time(Box::pin(async {
            let mut transaction = pool.begin().await?;
            sqlx::query("UPDATE recorder_terms SET term = term WHERE sale = $1")
                .bind(sale.as_str())
                .execute(&mut *transaction)
                .await?;
            let taken = sqlx::query(
                "DELETE FROM dead_letters \
                 WHERE sale = $1 AND event_id = $2 AND discarded_at IS NULL",
            )
            .bind(sale.as_str())
            .bind(event.id.to_string())
            .execute(&mut *transaction)
            .await?;
            if taken.rows_affected() == 0 {
                return Ok(false);
            }
            let new = append(&mut transaction, sale, std::slice::from_ref(event), now).await?;
            if !new.is_empty() {
                apply_late(&mut transaction, sale, event).await?;
            }
            transaction.commit().await?;
            Ok(true)
        }))
        .await
    }

    async fn keep(
        &self,
        sale: &SaleId,
        letter: &DeadLetter,
        reason: &str,
    ) -> Result<(), LedgerError> {
        let pool = self.tables().await?;
        in_time(Box::pin(async {
            sqlx::query(
                "UPDATE dead_letters SET reason = $1, tries = tries + 1 \
                 WHERE sale = $2 AND event_id = $3",
            )
            .bind(reason)
            .bind(sale.as_str())
            .bind(letter.event_id.to_string())
            .execute(pool)
            .await?;
            Ok(())
        }))
        .await
    }
}

/// A recorded event of the same reservation, or of the same sku's supply: kind and time.
type Later = (String, i64);

async fn apply_late(
    connection: &mut AnyConnection,
    sale: &SaleId,
    event: &StockEvent,
) -> Result<(), RecordError> {
    let later = later(connection, sale, event).await?;
    let (Some(sku), Some(taken)) = (&event.sku, &event.taken) else {
        if later.is_empty() {
            entries::supplied(connection, sale, &[event]).await?;
        }
        return Ok(());
    };
    let units = [(event, sku, taken)];
    match &event.kind {
        EventKind::Reserved { .. } => entries::reserved(connection, sale, &units).await?,
        EventKind::Confirmed { .. } => {
            let refund = later.iter().find(|(kind, _)| kind == "refunded");
            let refunded_at = refund.map(|(_, at)| *at as u64);
            entries::confirmed(connection, sale, &units, refunded_at).await?;
        }
        EventKind::Refunded => entries::refunded(connection, &units).await?,
        _ => {}
    }
    match later.last() {
        Some((kind, at)) => {
            sqlx::query("UPDATE holds SET state = $1, settled_at = $2 WHERE reservation_id = $3")
                .bind(kind)
                .bind(at)
                .bind(&taken.reservation)
                .execute(connection)
                .await?;
        }
        None if !matches!(event.kind, EventKind::Reserved { .. }) => {
            entries::settled(connection, &units).await?;
        }
        None => {}
    }
    Ok(())
}

/// What was recorded of the same thing and happened after `event`, in order.
async fn later(
    connection: &mut AnyConnection,
    sale: &SaleId,
    event: &StockEvent,
) -> Result<Vec<Later>, RecordError> {
    let about = match event.taken {
        Some(_) => "reservation_id = $2",
        None => "sku = $2 AND kind = 'supplied'",
    };
    let sku = event.sku.as_ref().map(ToString::to_string);
    let reservation = event.taken.as_ref().map(|taken| taken.reservation.clone());
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT kind, happened_at FROM stock_events WHERE sale = $1 AND {about} \
         AND (event_ms > $3 OR (event_ms = $3 AND event_seq > $4)) ORDER BY event_ms, event_seq"
    )))
    .bind(sale.as_str())
    .bind(reservation.or(sku))
    .bind(event.id.ms as i64)
    .bind(event.id.seq as i64)
    .fetch_all(connection)
    .await?;
    let later = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    later
        .collect::<Result<_, sqlx::Error>>()
        .map_err(Into::into)
}
