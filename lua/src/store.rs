//! Connections to one Redis server.
//!
//! The hot path uses [`Store::fast`], a multiplexed connection that comes back by itself: requests
//! on it share packets and system calls (measured: twice the requests of a pool). While the store is
//! away a call fails soon, because a request that waits seconds for it is worse than an honest 503.
//! What sweepers, operators and recorders ask uses the pool (`pool.rs`), so that it cannot stand in
//! the way and is patient with a slow disk.

use crate::{
    fast::Fast,
    pool::{Pool, Pooled},
};

/// The store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No connection, no answer in time, or loading: whether the call ran is unknown.
    #[error("the store is away ({call}): {source}")]
    Away {
        /// The call that failed.
        call: &'static str,
        /// What the client said.
        source: redis::RedisError,
    },
    /// The store answered an error: a bug of ours or a foreign key in the way.
    #[error("the store refused ({call}): {source}")]
    Refused {
        /// The call that failed.
        call: &'static str,
        /// What the client said.
        source: redis::RedisError,
    },
}

impl StoreError {
    /// Sorts a client error by whether the store is away or said no.
    pub fn from_redis(call: &'static str, source: redis::RedisError) -> Self {
        use redis::{ErrorKind, ServerErrorKind};
        let said_no = matches!(
            source.kind(),
            ErrorKind::Server(ServerErrorKind::ResponseError | ServerErrorKind::ExecAbort)
                | ErrorKind::UnexpectedReturnType
                | ErrorKind::Parse
        );
        if said_no {
            Self::Refused { call, source }
        } else {
            Self::Away { call, source }
        }
    }
}

/// One Redis server: the waitlist store or the stock store.
#[derive(Clone)]
pub struct Store {
    url: String,
    fast: Fast,
    pool: Pool,
}

impl Store {
    /// Connects lazily: a store that is away at start is an outage like any other.
    ///
    /// `url` as in `redis://host:6379/0` or `redis+unix:///path/to.sock`.
    #[expect(
        clippy::unused_async,
        reason = "must run on the runtime that will own the connections"
    )]
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let away = |source| StoreError::Away {
            call: "connect",
            source,
        };
        let client = redis::Client::open(url).map_err(away)?;
        Ok(Self {
            url: url.to_owned(),
            fast: Fast::new(client.clone()),
            pool: Pool::new(client).map_err(away)?,
        })
    }

    /// The multiplexed connection for the hot path.
    pub fn fast(&self) -> Fast {
        self.fast.clone()
    }

    /// A connection from the pool, for what is asked in the background.
    pub(crate) async fn pooled(&self) -> Result<Pooled<'_>, StoreError> {
        self.pool.get().await
    }

    /// A client of its own, for a reader that blocks.
    pub fn client(&self) -> Result<redis::Client, StoreError> {
        redis::Client::open(self.url.as_str()).map_err(|source| StoreError::Away {
            call: "connect",
            source,
        })
    }

    /// Whether the store answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        redis::cmd("PING")
            .query_async(&mut self.fast())
            .await
            .map_err(|source| StoreError::from_redis("ping", source))
    }
}
