//! The database of a place's ledger: a file of SQLite's, or one of a real PostgreSQL server.

use sqlx::{AnyConnection, Connection, Executor};

use super::postgres::Postgres;

/// Whether this is the second run of the same tests, `tests/postgres`.
pub(crate) const POSTGRES: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"postgres");

/// A ledger's database, empty at first.
pub(crate) struct Database {
    _directory: Option<tempfile::TempDir>,
    url: String,
}

impl Database {
    pub(crate) fn new() -> Self {
        if POSTGRES {
            return Self::on(super::postgres::shared());
        }
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/ledger.sqlite", directory.path().display());
        Self {
            _directory: Some(directory),
            url,
        }
    }

    pub(crate) fn on(server: &Postgres) -> Self {
        Self::at(server.new_database())
    }

    pub(crate) fn at(url: String) -> Self {
        Self {
            _directory: None,
            url,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A connection of nobody we know.
    pub(crate) async fn stranger(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.url).await.unwrap()
    }

    /// Somebody else writes and does not come to an end: it can be read, and every write waits.
    pub(crate) async fn hold_still(&self) -> Still {
        let mut other = self.stranger().await;
        let hold = if POSTGRES {
            "BEGIN; LOCK TABLE recorder_terms IN EXCLUSIVE MODE"
        } else {
            "BEGIN IMMEDIATE"
        };
        other.execute(hold).await.unwrap();
        Still(other)
    }
}

/// Holds the ledger still until it lets go.
pub(crate) struct Still(AnyConnection);

impl Still {
    pub(crate) async fn let_go(mut self) {
        self.0.execute("ROLLBACK").await.unwrap();
    }
}
