//! The pool: connections for what is asked in the background, none of which stands in the way of
//! another or of a buyer's call.

use std::{sync::Arc, time::Duration};

use bb8::ManageConnection;
use bb8_redis::RedisConnectionManager;
use redis::{
    Cmd, Pipeline, RedisFuture, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use tokio::sync::Notify;

use crate::{StoreError, connection::Live};

/// How long an answer may take, and to get a connection. A disk whose flush takes two seconds is slow
/// and not away: a lease, a sweep or a reopening given up on every time would keep a sale shut for as
/// long as the disk is slow. A server that is away refuses at once all the same.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most connections. A sale takes two or three at a time: sweeper, recorder, the lease's renewal.
const MOST: u32 = 64;

/// The connections of one store. Clones share them.
#[derive(Clone)]
pub(crate) struct Pool {
    pool: bb8::Pool<Manager>,
    refused: Arc<Notify>,
}

impl Pool {
    /// Connects when somebody asks.
    pub(crate) fn new(client: redis::Client) -> Result<Self, redis::RedisError> {
        let refused = Arc::<Notify>::default();
        let manager = Manager {
            pings: RedisConnectionManager::new(client.get_connection_info().clone())?,
            refused: Arc::clone(&refused),
            client,
        };
        let pool = bb8::Pool::builder()
            .max_size(MOST)
            .min_idle(None)
            .connection_timeout(PATIENCE)
            // Callers try again by themselves.
            .retry_connection(false)
            // One that broke while it lay idle is found out here.
            .test_on_check_out(true)
            .build_unchecked(manager);
        Ok(Self { pool, refused })
    }

    pub(crate) async fn get(&self) -> Result<Pooled<'_>, StoreError> {
        let refused = self.refused.notified();
        tokio::pin!(refused);
        // Heard from now on, also before it is waited for.
        refused.as_mut().enable();
        let nobody = |kind| StoreError::Away {
            call: "pool",
            source: std::io::Error::from(kind).into(),
        };
        tokio::select! {
            biased;
            got = self.pool.get() => got.map_err(|error| match error {
                bb8::RunError::User(error) => error,
                bb8::RunError::TimedOut => nobody(std::io::ErrorKind::TimedOut),
            }),
            () = refused => Err(nobody(std::io::ErrorKind::NotConnected)),
        }
    }
}

/// A connection of the pool, which goes back to it when dropped.
pub(crate) type Pooled<'a> = bb8::PooledConnection<'a, Manager>;

/// Makes and tests the pool's connections. Those of `bb8-redis` itself wait half a second for an
/// answer, which one flush of a slow disk outlasts, and do not know which process they reached.
pub(crate) struct Manager {
    client: redis::Client,
    pings: RedisConnectionManager,
    refused: Arc<Notify>,
}

impl ManageConnection for Manager {
    type Connection = Reached;
    type Error = StoreError;

    async fn connect(&self) -> Result<Reached, StoreError> {
        let connected = self.reach().await;
        if connected.is_err() {
            // The pool keeps a failed attempt to itself and lets those who wait wait on.
            self.refused.notify_waiters();
        }
        connected
    }

    async fn is_valid(&self, reached: &mut Reached) -> Result<(), StoreError> {
        let answered = reached.noted(async |connection| self.pings.is_valid(connection).await);
        let answered = answered.await;
        answered.map_err(|source| StoreError::from_redis("ping", source))
    }

    fn has_broken(&self, reached: &mut Reached) -> bool {
        reached.unanswered
    }
}

impl Manager {
    /// Connects to a server that works: one that loads lets itself be connected to, and tested only at
    /// the check-out it would be connected to again and again.
    async fn reach(&self) -> Result<Reached, StoreError> {
        let mut reached = Reached {
            live: Live::connect(&self.client, PATIENCE, PATIENCE).await?,
            unanswered: false,
        };
        self.is_valid(&mut reached).await?;
        Ok(reached)
    }
}

/// A connection, the process at its other end, and whether the last call failed or was given up:
/// then it does not go back to the pool, where it would make the next one wait as well.
pub(crate) struct Reached {
    live: Live,
    unanswered: bool,
}

impl Reached {
    /// The process it has reached.
    pub(crate) fn run_id(&self) -> Arc<str> {
        Arc::clone(&self.live.run_id)
    }

    async fn noted<T>(
        &mut self,
        call: impl AsyncFnOnce(&mut MultiplexedConnection) -> redis::RedisResult<T>,
    ) -> redis::RedisResult<T> {
        self.unanswered = true;
        let result = call(&mut self.live.connection).await;
        self.unanswered = result.is_err();
        result
    }
}

impl ConnectionLike for Reached {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(self.noted(async |connection| connection.req_packed_command(cmd).await))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(self.noted(async move |connection| {
            connection
                .req_packed_commands(pipeline, offset, count)
                .await
        }))
    }

    fn get_db(&self) -> i64 {
        self.live.connection.get_db()
    }
}
