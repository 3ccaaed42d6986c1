//! How a connection to the ledger is set up, and when one is thrown away.
//!
//! What the ledger relies on is set for each of our connections, whatever the server's defaults
//! are: a commit that returned is on the disk, nobody is waited for without end, and a statement is
//! looked up by an index. A connection whose server went silent is closed and not kept, so that the
//! pool is whole again as soon as the server is, and not when TCP gives up.

use std::{str::FromStr, time::Duration};

use futures::future::BoxFuture;
use sqlx::{
    AnyConnection, AnyPool, ConnectOptions, Connection, Executor,
    any::{AnyConnectOptions, AnyPoolOptions},
};

use super::{LedgerError, comments};

/// How long one call waits for a connection before the ledger counts as away.
const ACQUIRE: Duration = Duration::from_secs(2);
/// How long a connection that was used may take to show that it is whole.
const WHOLE: Duration = Duration::from_secs(2);
/// A connection that lay idle for longer may have lost its server.
const IDLE: Duration = Duration::from_secs(1);
/// SQLite writes one at a time; the rest read.
const CONNECTIONS: u32 = 8;

/// Readers do not wait for the writer (WAL), a commit is on the disk when it returns, and another
/// process' write is waited for that many ms.
const SQLITE: [&str; 3] = [
    "PRAGMA busy_timeout = 1000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
];

/// A weaker `synchronous_commit` would answer 200 for what a crash takes back; a stronger one stays.
/// The timeouts, in ms: another's lock; one statement; and a recorder that vanished in the middle of
/// a transaction, whose lock keeps its successor out until the server notices. The planner is kept
/// off sequential scans, because a plan made while a table was small is used until it has grown.
const POSTGRES: &str = "
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');
    SELECT set_config('application_name', 'vestibule', false)
        WHERE current_setting('application_name') = '';
    SET lock_timeout = 1000;
    SET statement_timeout = 10000;
    SET idle_in_transaction_session_timeout = 3000;
    SET default_transaction_isolation = 'read committed';
    SET enable_seqscan = off";

/// A pool that connects at the first use.
pub(super) fn pool(url: &str) -> Result<AnyPool, LedgerError> {
    sqlx::any::install_default_drivers();
    let sqlite = url.starts_with("sqlite:");
    let url = if sqlite && !url.contains('?') {
        format!("{url}?mode=rwc")
    } else {
        url.into()
    };
    Ok(AnyPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .after_connect(move |connection, _| set_up(connection, sqlite))
        .before_acquire(|connection, before| still_there(connection, before.idle_for))
        .after_release(|connection, _| whole(connection))
        // A slow batch would be a line of a hundred kilobytes; the confirm's time is a metric.
        .connect_lazy_with(AnyConnectOptions::from_str(&url)?.disable_statement_logging()))
}

/// Brings the tables to this version's shape, however long that takes.
pub(super) fn make_tables(pool: &AnyPool) -> BoxFuture<'_, Result<(), LedgerError>> {
    Box::pin(async move {
        let mut connection = pool.acquire().await?;
        let postgres = connection.backend_name() == "PostgreSQL";
        if postgres {
            connection.execute("SET statement_timeout = 0").await?;
        }
        let migrations = sqlx::migrate!("./migrations");
        migrations.run_direct(None, &mut *connection, false).await?;
        if postgres {
            for migration in migrations.iter() {
                comments::tell(&mut connection, migration.sql.as_str()).await?;
            }
        }
        // Its settings are not those of the others.
        connection.close().await?;
        Ok(())
    })
}

fn set_up(connection: &mut AnyConnection, sqlite: bool) -> BoxFuture<'_, Result<(), sqlx::Error>> {
    Box::pin(async move {
        if sqlite {
            for pragma in SQLITE {
                connection.execute(pragma).await?;
            }
        } else {
            connection.execute(POSTGRES).await?;
        }
        Ok(())
    })
}

fn still_there(
    connection: &mut AnyConnection,
    idle: Duration,
) -> BoxFuture<'_, Result<bool, sqlx::Error>> {
    Box::pin(async move {
        if idle < IDLE {
            return Ok(true);
        }
        Ok(matches!(
            tokio::time::timeout(WHOLE, connection.ping()).await,
            Ok(Ok(()))
        ))
    })
}

/// Ends what a caller who went away left open; a connection that cannot do so is closed hard.
fn whole(connection: &mut AnyConnection) -> BoxFuture<'_, Result<bool, sqlx::Error>> {
    Box::pin(async move {
        match tokio::time::timeout(WHOLE, connection.ping()).await {
            Ok(Ok(())) => Ok(true),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    })
}
