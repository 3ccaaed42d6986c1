//! The ledger: what happened, and the truth about orders. SQLite by default, PostgreSQL by URL.
//!
//! Written by the recorder alone, in one transaction per batch of stock events; read by confirms
//! that wait for their event, by buyers who ask for an order, and by the reopening after a restart.
//! Its partial unique indexes refuse to sell a unit twice even if the stock store were wrong. One
//! text of SQL serves both databases. A ledger that is away is an outage like any other: opening
//! never fails for it, and the tables are made when it first answers.

use std::{str::FromStr, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use sqlx::{
    AnyConnection, AnyPool, Executor,
    any::{AnyConnectOptions, AnyPoolOptions},
};
use tokio::sync::OnceCell;

mod dead_letters;
mod entries;
mod mend;
mod read;
mod record;
mod restore;

pub use dead_letters::DeadLetter;
pub use mend::Mend;
pub use read::{HoldRow, OrderRow, SkuTotals};
pub use record::RecordError;
pub use restore::{Columns, Tables};

/// How long one call waits for a connection before the ledger counts as away.
const ACQUIRE: Duration = Duration::from_secs(2);
/// How long SQLite waits for another process' write.
const BUSY: &str = "PRAGMA busy_timeout = 1000";
/// SQLite writes one at a time; the rest read.
const CONNECTIONS: u32 = 8;

/// The ledger could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It does not answer, or not in time.
    #[error("the ledger is away: {0}")]
    Away(#[from] sqlx::Error),
    /// Its tables cannot be brought to this version's shape.
    #[error("the ledger's tables cannot be prepared: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row holds what this version never wrote.
    #[error("the ledger's column {0} holds what cannot be read")]
    Unreadable(&'static str),
}

/// The ledger. Clones share their connections.
#[derive(Clone)]
pub struct Ledger {
    pool: AnyPool,
    prepared: Arc<OnceCell<()>>,
}

impl Ledger {
    /// Opens `sqlite:///path/ledger.sqlite` or `postgres://…`. Connects at the first use.
    pub fn open(url: &str) -> Result<Self, LedgerError> {
        sqlx::any::install_default_drivers();
        let sqlite = url.starts_with("sqlite:");
        let url = if sqlite && !url.contains('?') {
            format!("{url}?mode=rwc")
        } else {
            url.into()
        };
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .after_connect(move |connection, _| prepare_connection(connection, sqlite))
            .connect_lazy_with(AnyConnectOptions::from_str(&url)?);
        Ok(Self {
            pool,
            prepared: Arc::default(),
        })
    }

    /// The pool, with the tables in place.
    async fn tables(&self) -> Result<&AnyPool, LedgerError> {
        self.prepared
            .get_or_try_init(|| async { sqlx::migrate!("./migrations").run(&self.pool).await })
            .await?;
        Ok(&self.pool)
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), LedgerError> {
        sqlx::query("SELECT 1")
            .execute(self.tables().await?)
            .await?;
        Ok(())
    }

    /// Closes its connections, so that SQLite folds its log back into the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A commit of SQLite is on the disk when it returns (`synchronous = FULL`), and readers do not
/// wait for the writer (WAL).
fn prepare_connection(
    connection: &mut AnyConnection,
    sqlite: bool,
) -> BoxFuture<'_, Result<(), sqlx::Error>> {
    Box::pin(async move {
        if sqlite {
            for pragma in [
                BUSY,
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = FULL",
            ] {
                connection.execute(pragma).await?;
            }
        }
        Ok(())
    })
}

/// `$1, $2, …`: `columns` of them, starting after `before`.
fn places(before: usize, columns: usize) -> String {
    let places: Vec<String> = (1..=columns).map(|n| format!("${}", before + n)).collect();
    places.join(", ")
}

/// `($1, $2), ($3, $4), …`
fn rows_of_places(rows: usize, columns: usize) -> String {
    let rows: Vec<String> = (0..rows)
        .map(|row| format!("({})", places(row * columns, columns)))
        .collect();
    rows.join(", ")
}

/// `1,3` from numbers.
fn list(numbers: &[u32]) -> String {
    numbers
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

/// Numbers from `1,3`.
fn numbers(list: &str, column: &'static str) -> Result<Vec<u32>, LedgerError> {
    list.split(',')
        .map(|number| number.parse().map_err(|_| LedgerError::Unreadable(column)))
        .collect()
}
