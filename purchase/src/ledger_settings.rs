//! What a PostgreSQL server says of itself, and what of that would lose a ledger's commit.
//!
//! For `vestibule check`. Asked on one connection of its own; nothing is changed and no table is
//! made.

use std::str::FromStr;

use sqlx::{Connection, Row, any::AnyConnectOptions};

use crate::ledger::LedgerError;

/// What is wrong, and whether it breaks a promise or is only worth a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A promise breaks.
    pub fails: bool,
    /// What is so, what is lost by it, and what to set.
    pub text: String,
}

/// Its version, and what is not as it should be.
pub async fn postgres(url: &str) -> Result<(String, Vec<Finding>), LedgerError> {
    sqlx::any::install_default_drivers();
    let options = AnyConnectOptions::from_str(url)?;
    let mut connection = sqlx::AnyConnection::connect_with(&options).await?;
    let mut said = Vec::new();
    let settings = [
        "server_version",
        "fsync",
        "full_page_writes",
        "synchronous_commit",
        "default_transaction_read_only",
    ];
    let setting = |name: &str| format!("SELECT current_setting('{name}')");
    let standby = "SELECT CASE WHEN pg_is_in_recovery() THEN 'on' ELSE 'off' END".to_owned();
    for asked in settings.map(setting).into_iter().chain([standby]) {
        let row = sqlx::query(sqlx::AssertSqlSafe(asked))
            .fetch_one(&mut connection)
            .await?;
        said.push(row.try_get::<String, _>(0)?);
    }
    connection.close().await?;
    let [version, fsync, full_pages, commit, read_only, standby] =
        <[String; 6]>::try_from(said).unwrap_or_default();
    let mut findings = Vec::new();
    let mut found = |fails, so: bool, text: &str| {
        if so {
            findings.push(Finding {
                fails,
                text: text.to_owned(),
            });
        }
    };
    found(
        true,
        standby == "on",
        "it is a standby and takes no writes: give the primary's URL",
    );
    found(
        true,
        read_only == "on" && standby != "on",
        "default_transaction_read_only is on: nothing can be recorded; set it off for this user",
    );
    found(
        true,
        fsync == "off",
        "fsync is off: a power cut can lose or corrupt orders that were answered; set fsync on",
    );
    found(
        true,
        commit == "off",
        "synchronous_commit is off: a crash loses orders that were answered; set synchronous_commit on",
    );
    found(
        false,
        full_pages == "off",
        "full_page_writes is off: a power cut can corrupt the ledger unless the file system writes whole pages; set full_page_writes on",
    );
    Ok((version, findings))
}
