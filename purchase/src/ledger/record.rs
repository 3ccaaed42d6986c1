//! One batch of stock events becomes one transaction.
//!
//! An event that is there already has no effect; an event and its effect are there together or not
//! at all. The recorder's term is checked in the same transaction, so a recorder that slept through
//! the end of its lease writes nothing.

use entry_pass::SaleId;
use lua::sale::StockEvent;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{Ledger, LedgerError, entries, rows_of_places};

/// Why a batch was not recorded. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Another recorder has a higher term.
    #[error("another recorder has taken over")]
    Fenced,
    /// A constraint refuses one of the events: it is poison, or came too early.
    #[error("the ledger refuses: {0}")]
    Clash(String),
    /// Try again later.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<sqlx::Error> for RecordError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        match error
            .as_database_error()
            .map(|error| (error.kind(), error.message()))
        {
            Some((ErrorKind::Other, _)) | None => Self::Ledger(error.into()),
            Some((_, message)) => Self::Clash(message.to_owned()),
        }
    }
}

/// Columns of `stock_events` written per row.
const COLUMNS: usize = 12;

impl Ledger {
    /// Records `events`, in the order of the stream. `now` in ms.
    pub async fn record(
        &self,
        sale: &SaleId,
        term: u64,
        events: &[StockEvent],
        now: u64,
    ) -> Result<(), RecordError> {
        let mut transaction = self.tables().await?.begin().await?;
        take_term(&mut transaction, sale, term).await?;
        if !events.is_empty() {
            let new = append(&mut transaction, sale, events, now).await?;
            let new: Vec<&StockEvent> = events
                .iter()
                .filter(|event| new.contains(&event.id.to_string()))
                .collect();
            entries::apply(&mut transaction, sale, &new).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The highest term that has recorded for `sale`.
    pub async fn term(&self, sale: &SaleId) -> Result<u64, LedgerError> {
        let row = sqlx::query("SELECT term FROM recorder_terms WHERE sale = $1")
            .bind(sale.as_str())
            .fetch_optional(self.tables().await?)
            .await?;
        Ok(row
            .map(|row| row.try_get::<i64, _>(0))
            .transpose()?
            .unwrap_or(0) as u64)
    }
}

pub(super) async fn take_term(
    connection: &mut AnyConnection,
    sale: &SaleId,
    term: u64,
) -> Result<(), RecordError> {
    let taken = sqlx::query(
        "INSERT INTO recorder_terms (sale, term) VALUES ($1, $2) \
         ON CONFLICT (sale) DO UPDATE SET term = excluded.term \
         WHERE recorder_terms.term <= excluded.term",
    )
    .bind(sale.as_str())
    .bind(term as i64)
    .execute(connection)
    .await?;
    if taken.rows_affected() == 0 {
        Err(RecordError::Fenced)
    } else {
        Ok(())
    }
}

/// Appends the events that are not there yet and says which those are.
async fn append(
    connection: &mut AnyConnection,
    sale: &SaleId,
    events: &[StockEvent],
    now: u64,
) -> Result<std::collections::HashSet<String>, RecordError> {
    let sql = format!(
        "INSERT INTO stock_events (sale, event_id, event_ms, event_seq, kind, sku, \
         reservation_id, person, quantity, detail, happened_at, recorded_at) VALUES {} \
         ON CONFLICT (sale, event_id) DO NOTHING RETURNING event_id",
        rows_of_places(events.len(), COLUMNS)
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for event in events {
        let taken = event.taken.as_ref();
        query = query
            .bind(sale.as_str())
            .bind(event.id.to_string())
            .bind(event.id.ms as i64)
            .bind(event.id.seq as i64)
            .bind(event.kind.word())
            .bind(event.sku.as_ref().map(|sku| sku.as_str().to_owned()))
            .bind(taken.map(|taken| taken.reservation.clone()))
            .bind(taken.map(|taken| taken.person.as_str().to_owned()))
            .bind(taken.map(|taken| taken.units.len() as i64))
            .bind(entries::detail(event))
            .bind(event.at as i64)
            .bind(now as i64);
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()
        .map_err(Into::into)
}
