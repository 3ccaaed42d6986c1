//! What a Redis server says of itself.

use std::collections::HashMap;

use lua::{Store, StoreError};

/// The facts that matter here.
pub(super) struct Facts {
    pub(super) version: String,
    pub(super) policy: String,
    pub(super) append_only: bool,
    pub(super) fsync: String,
    pub(super) load_truncated: String,
    /// Its clock, in Unix milliseconds.
    pub(super) now_ms: u64,
}

/// Asks. A server whose CONFIG is closed to us (hosted ones) answers an error.
pub(super) async fn facts(store: &Store) -> Result<Facts, StoreError> {
    let mut connection = store.fast();
    let failed = |source| StoreError::from_redis("check", source);
    let said: String = redis::cmd("INFO")
        .arg("server")
        .query_async(&mut connection)
        .await
        .map_err(failed)?;
    let version = said
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| matches!(*name, "valkey_version" | "redis_version"))
        .map_or("unknown", |(_, version)| version.trim());
    let mut settings = HashMap::new();
    for name in [
        "maxmemory-policy",
        "appendonly",
        "appendfsync",
        "aof-load-truncated",
    ] {
        let pair: Vec<String> = redis::cmd("CONFIG")
            .arg("GET")
            .arg(name)
            .query_async(&mut connection)
            .await
            .map_err(failed)?;
        settings.insert(
            name,
            pair.into_iter()
                .nth(1)
                .unwrap_or_else(|| "unknown".to_owned()),
        );
    }
    let (seconds, micros): (u64, u64) = redis::cmd("TIME")
        .query_async(&mut connection)
        .await
        .map_err(failed)?;
    let mut setting = |name| settings.remove(name).unwrap_or_default();
    Ok(Facts {
        version: version.to_owned(),
        policy: setting("maxmemory-policy"),
        append_only: setting("appendonly") == "yes",
        fsync: setting("appendfsync"),
        load_truncated: setting("aof-load-truncated"),
        now_ms: seconds * 1000 + micros / 1000,
    })
}
