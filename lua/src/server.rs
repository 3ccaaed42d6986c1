//! What a Redis server says of itself, and what of that would break a promise.
//!
//! Judged twice by the same rules: `vestibule check` prints every finding before anything starts,
//! and a purchase service says once in its log what its store would lose. Each finding is one
//! sentence with what is lost and what to set. Nothing is changed: it is somebody's server.

use std::{collections::HashMap, time::Duration};

use crate::{Store, StoreError};

/// Asked for at most so long: a probe must not hang on a server that does.
const LIMIT: Duration = Duration::from_secs(3);
/// What `CONFIG GET` is asked for; the rest is in `INFO`, which hosted servers answer too.
const SETTINGS: [&str; 5] = [
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "aof-load-truncated",
    "save",
    "min-replicas-to-write",
];

mod findings;

/// What a store is for decides what it must keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The line: fast, rebuilt from the tickets.
    Waitlist,
    /// Holds and orders: what was answered must survive.
    Stock,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Worth a look.
    Warn,
    /// A promise breaks.
    Fail,
}

/// Something about a server that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub weight: Weight,
    /// Whether what was answered can be lost by it.
    pub loses: bool,
    /// What is so, what is lost by it, and what to set.
    pub text: String,
}

/// What a server says of itself.
#[derive(Debug, Clone, Default)]
pub struct ServerFacts {
    info: HashMap<String, String>,
    /// Nothing where `CONFIG` is forbidden.
    settings: Option<HashMap<String, String>>,
    /// Its clock, Unix ms.
    pub now_ms: u64,
}

impl ServerFacts {
    /// Asks a server.
    pub async fn ask(store: &Store) -> Result<Self, StoreError> {
        let silent = |_| {
            let source = std::io::Error::from(std::io::ErrorKind::TimedOut).into();
            StoreError::from_redis("check", source)
        };
        tokio::time::timeout(LIMIT, Self::asked(store))
            .await
            .map_err(silent)?
    }

    async fn asked(store: &Store) -> Result<Self, StoreError> {
        let mut connection = store.fast();
        let failed = |source| StoreError::from_redis("check", source);
        let info: String = redis::cmd("INFO")
            .query_async(&mut connection)
            .await
            .map_err(failed)?;
        let (seconds, micros): (u64, u64) = redis::cmd("TIME")
            .query_async(&mut connection)
            .await
            .map_err(failed)?;
        let mut settings = Some(HashMap::new());
        for name in SETTINGS {
            let mut get = redis::cmd("CONFIG");
            let pair = get
                .arg("GET")
                .arg(name)
                .query_async::<Vec<String>>(&mut connection)
                .await;
            match pair {
                Ok(pair) => {
                    if let (Some(settings), [name, value]) = (&mut settings, pair.as_slice()) {
                        settings.insert(name.clone(), value.clone());
                    }
                }
                // Renamed away, or not for this user.
                Err(no) if matches!(no.kind(), redis::ErrorKind::Server(_)) => settings = None,
                Err(away) => return Err(failed(away)),
            }
        }
        let info = info.lines().filter_map(|line| line.trim().split_once(':'));
        Ok(Self {
            info: info
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            settings,
            now_ms: seconds * 1000 + micros / 1000,
        })
    }

    /// Its version, as it calls itself.
    pub fn version(&self) -> &str {
        let own = self.info.get("valkey_version");
        own.or(self.info.get("redis_version"))
            .map_or("unknown", String::as_str)
    }

    /// All that is not as it should be.
    pub fn findings(&self, purpose: Purpose) -> Vec<Finding> {
        findings::of(self, purpose)
    }

    fn said(&self, name: &str) -> &str {
        self.info.get(name).map_or("", String::as_str)
    }
}
