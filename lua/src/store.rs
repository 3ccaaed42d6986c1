//! Connections to one Redis server.
//!
//! The hot path uses [`Store::fast`], a multiplexed connection that comes back by itself: requests
//! on it share packets and system calls (measured: twice the requests of a pool). While the store is
//! away a call fails soon, because a request that waits seconds for it is worse than an honest 503.
//! What is asked rarely uses the pool, so that it cannot stand in the way. A sale's sweeps, operators and
//! recorders have a connection of their own (`sale.rs`), which knows the server's process.

use std::{sync::Arc, time::Duration};

use bb8_redis::RedisConnectionManager;
use redis::{AsyncConnectionConfig, RedisError, aio::MultiplexedConnection};
use tokio::sync::Notify;

use crate::fast::Fast;

/// How long a pooled connection's answer may take, and to get one. A disk whose flush takes two
/// seconds is slow and not away: a lease, a sweep or a reopening given up on every time would keep a
/// sale shut for as long as the disk is slow. A server that is away refuses at once all the same.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most pooled connections.
const POOLED: u32 = 8;

/// The store did not do what was asked.
#[derive(Debug, thiserror::Error)]
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

/// Makes the pool's connections. Those of the client's own manager wait half a second for an answer,
/// which one flush of a slow disk outlasts.
pub struct Patient {
    client: redis::Client,
    manager: RedisConnectionManager,
    refused: Arc<Notify>,
}

impl bb8::ManageConnection for Patient {
    type Connection = MultiplexedConnection;
    type Error = RedisError;

    async fn connect(&self) -> Result<Self::Connection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let connected = connecting.await;
        if connected.is_err() {
            // The pool keeps a failed attempt to itself and lets those who wait wait on.
            self.refused.notify_waiters();
        }
        connected
    }

    async fn is_valid(&self, connection: &mut Self::Connection) -> Result<(), RedisError> {
        self.manager.is_valid(connection).await
    }

    fn has_broken(&self, connection: &mut Self::Connection) -> bool {
        self.manager.has_broken(connection)
    }
}

/// One Redis server: the waitlist store or the stock store.
#[derive(Clone)]
pub struct Store {
    url: String,
    fast: Fast,
    pool: bb8::Pool<Patient>,
    refused: Arc<Notify>,
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
        let refused = Arc::<Notify>::default();
        let manager = Patient {
            refused: Arc::clone(&refused),
            client: client.clone(),
            manager: RedisConnectionManager::new(url).map_err(away)?,
        };
        let fast = Fast::new(client);
        let pool = bb8::Pool::builder()
            .max_size(POOLED)
            .min_idle(None)
            .connection_timeout(PATIENCE)
            // Callers try again by themselves.
            .retry_connection(false)
            // bb8-redis never calls a connection broken: only the test at check-out finds out.
            .test_on_check_out(true)
            .build_unchecked(manager);
        Ok(Self {
            url: url.to_owned(),
            fast,
            pool,
            refused,
        })
    }

    /// The multiplexed connection for the hot path.
    pub fn fast(&self) -> Fast {
        self.fast.clone()
    }

    /// A connection from the pool, for what is asked rarely.
    pub async fn pooled(&self) -> Result<bb8::PooledConnection<'_, Patient>, StoreError> {
        let refused = self.refused.notified();
        tokio::pin!(refused);
        // Heard from now on, also before it is waited for.
        refused.as_mut().enable();
        let got = tokio::select! {
            biased;
            got = self.pool.get() => got,
            () = refused => {
                let nobody = std::io::Error::from(std::io::ErrorKind::NotConnected);
                Err(bb8::RunError::User(nobody.into()))
            }
        };
        got.map_err(|error| StoreError::Away {
            call: "pool",
            source: match error {
                bb8::RunError::User(source) => source,
                bb8::RunError::TimedOut => {
                    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
                }
            },
        })
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
