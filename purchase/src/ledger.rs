//! The ledger: what happened, and the truth about orders. SQLite by default, PostgreSQL by URL.
//!
//! Written by the recorder alone, in one transaction per batch of stock events; read by confirms
//! that wait for their event, by buyers who ask for an order, and by the reopening after a restart.
//! Its partial unique indexes refuse to sell a unit twice even if the stock store were wrong. One
//! text of SQL serves both databases. A ledger that is away is an outage like any other: opening
//! never fails for it, and the tables are made when it first answers.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use sqlx::{AnyPool, sqlite::SqliteConnectOptions};
use tokio::sync::OnceCell;

mod comments;
mod dead_letters;
mod entries;
mod mend;
mod read;
mod record;
mod replay;
mod restore;
mod rows;
mod session;

pub use dead_letters::{DeadLetter, SetAside};
pub use mend::Mend;
pub use read::{HoldRow, OrderRow, SkuTotals};
pub use record::RecordError;
pub use replay::Replayed;
pub use restore::{Columns, Tables};

/// How long one call may take. A server that hangs is away, and what was asked of it is unknown:
/// recording the same again is harmless.
const PATIENCE: Duration = Duration::from_secs(5);

/// The ledger could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It does not answer, or not in time.
    #[error("the ledger is away: {0}")]
    Away(#[from] sqlx::Error),
    /// It is connected and does not answer.
    #[error("the ledger does not answer")]
    Silent,
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
        Ok(Self {
            pool: session::pool(url)?,
            prepared: Arc::default(),
        })
    }

    /// The file of an SQLite ledger's URL; None for another database.
    pub fn file(url: &str) -> Option<PathBuf> {
        let options = url.starts_with("sqlite:").then(|| url.parse());
        let options: SqliteConnectOptions = options?.ok()?;
        Some(options.get_filename().to_path_buf())
    }

    /// The pool, with the tables in place.
    async fn tables(&self) -> Result<&AnyPool, LedgerError> {
        self.prepared
            .get_or_try_init(|| session::make_tables(&self.pool))
            .await?;
        Ok(&self.pool)
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), LedgerError> {
        let pool = self.tables().await?;
        in_time(Box::pin(async {
            sqlx::query("SELECT 1").execute(pool).await?;
            Ok(())
        }))
        .await
    }

    /// Closes its connections, so that SQLite folds its log back into the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// What is not answered in time is away.
async fn in_time<T, E: From<LedgerError>>(asked: BoxFuture<'_, Result<T, E>>) -> Result<T, E> {
    tokio::time::timeout(PATIENCE, asked)
        .await
        .unwrap_or_else(|_| Err(LedgerError::Silent.into()))
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
