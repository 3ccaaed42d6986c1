//! One batch of stock events becomes one transaction.
//!
//! An event that is there already has no effect; an event and its effect are there together or not
//! at all. The recorder's term is checked in the same transaction, so a recorder that slept through
//! the end of its lease writes nothing.

use std::collections::HashSet;

use entry_pass::{SaleId, Sku};
use lua::sale::StockEvent;
use sqlx::{
    AnyConnection, AssertSqlSafe, Row,
    error::{DatabaseError, ErrorKind},
};

use super::{
    Ledger, LedgerError, entries, in_time,
    rows::{Rows, Value},
};

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
        match error.as_database_error() {
            Some(refusal) if refuses(refusal) => Self::Clash(refusal.message().to_owned()),
            _ => Self::Ledger(error.into()),
        }
    }
}

/// Whether the database refuses the values themselves, so that trying again is of no use: a
/// constraint, or what it cannot hold, such as a text with a zero byte or one too long for an index
/// in PostgreSQL. Everything else (a lost connection, a shutdown, a lock, a full disk) may pass.
fn refuses(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    !matches!(error.kind(), ErrorKind::Other)
        // Classes of PostgreSQL's five characters; SQLITE_TOOBIG and SQLITE_MISMATCH.
        || (code.len() == 5 && ["22", "23", "54"].iter().any(|class| code.starts_with(class)))
        || ["18", "20"].contains(&code.as_ref())
}

impl Ledger {
    /// Records `events`, in the order of the stream. `now` in ms.
    pub async fn record(
        &self,
        sale: &SaleId,
        term: u64,
        events: &[StockEvent],
        now: u64,
    ) -> Result<(), RecordError> {
        self.record_as(sale, term, events, now, false).await
    }

    /// As [`Ledger::record`], and refuses what became of a reservation that the ledger does not have:
    /// its first event is then with somebody who read it before and has not recorded it.
    pub async fn record_in_order(
        &self,
        sale: &SaleId,
        term: u64,
        events: &[StockEvent],
        now: u64,
    ) -> Result<(), RecordError> {
        self.record_as(sale, term, events, now, true).await
    }

    async fn record_as(
        &self,
        sale: &SaleId,
        term: u64,
        events: &[StockEvent],
        now: u64,
        in_order: bool,
    ) -> Result<(), RecordError> {
        let pool = self.tables().await?;
        in_time(Box::pin(async {
            let mut transaction = pool.begin().await?;
            take_term(&mut transaction, sale, term).await?;
            if !events.is_empty() {
                let new = append(&mut transaction, sale, events, now).await?;
                let new: Vec<&StockEvent> = events
                    .iter()
                    .filter(|event| new.contains(&event.id.to_string()))
                    .collect();
                let unknown = entries::apply(&mut transaction, sale, &new).await?;
                if in_order && unknown > 0 {
                    let clash = "what became of a reservation came before the reservation";
                    return Err(RecordError::Clash(clash.to_owned()));
                }
            }
            transaction.commit().await?;
            Ok(())
        }))
        .await
    }

    /// Takes the lead in the ledger, before anything is read in `term`: from here on no recorder of
    /// an earlier one writes. A term is taken once: a store that was wiped, or put back to an old
    /// copy, may give the same one to two recorders, and one of them is refused here.
    pub async fn take_lead(&self, sale: &SaleId, term: u64) -> Result<(), RecordError> {
        let pool = self.tables().await?;
        in_time(Box::pin(async {
            let taken = sqlx::query(
                "INSERT INTO recorder_terms (sale, term) VALUES ($1, $2) \
                 ON CONFLICT (sale) DO UPDATE SET term = excluded.term \
                 WHERE recorder_terms.term < excluded.term",
            )
            .bind(sale.as_str())
            .bind(term as i64)
            .execute(pool)
            .await?;
            match taken.rows_affected() {
                0 => Err(RecordError::Fenced),
                _ => Ok(()),
            }
        }))
        .await
    }

    /// The highest term that has recorded for `sale`.
    pub async fn term(&self, sale: &SaleId) -> Result<u64, LedgerError> {
        let pool = self.tables().await?;
        in_time(Box::pin(async {
            let row = sqlx::query("SELECT term FROM recorder_terms WHERE sale = $1")
                .bind(sale.as_str())
                .fetch_optional(pool)
                .await?;
            let term = row.map(|row| row.try_get::<i64, _>(0)).transpose()?;
            Ok(term.unwrap_or(0) as u64)
        }))
        .await
    }
}

/// First in every transaction that writes: its row is the lock that puts them in a row.
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

/// Appends the events that are not there yet and says which those are. What was discarded stays out,
/// though the stream may still have it and is read again after a restart.
pub(super) async fn append(
    connection: &mut AnyConnection,
    sale: &SaleId,
    events: &[StockEvent],
    now: u64,
) -> Result<HashSet<String>, RecordError> {
    let rows: Rows<10> = events.iter().map(event_row).collect();
    let sql = format!(
        "INSERT INTO stock_events (sale, recorded_at, event_id, event_ms, event_seq, kind, sku, \
         reservation_id, person, quantity, detail, happened_at) \
         SELECT $1, $2, v.* FROM {} WHERE v.column1 IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM dead_letters d WHERE d.sale = $1 AND d.event_id = v.column1 \
         AND d.discarded_at IS NOT NULL) \
         ON CONFLICT (sale, event_id) DO NOTHING RETURNING event_id",
        rows.places(2)
    );
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(sale.as_str())
        .bind(now as i64);
    let appended = rows.bind(query).fetch_all(connection).await?;
    appended
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()
        .map_err(Into::into)
}

fn event_row(event: &StockEvent) -> [Value; 10] {
    let taken = event.taken.as_ref();
    let text = |text: Option<&str>| Value::Text(text.map(str::to_owned));
    [
        event.id.to_string().into(),
        event.id.ms.into(),
        event.id.seq.into(),
        event.kind.word().into(),
        text(event.sku.as_ref().map(Sku::as_str)),
        text(taken.map(|taken| taken.reservation.as_str())),
        text(taken.map(|taken| taken.person.as_str())),
        Value::Whole(taken.map(|taken| taken.units.len() as i64)),
        entries::detail(event).into(),
        event.at.into(),
    ]
}
