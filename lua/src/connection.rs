//! The one connection many callers share, made anew when it breaks.
//!
//! One multiplexed connection serves all, because requests on it share packets and system calls. Each
//! new one first asks which server process it has reached: a connection that comes back without
//! asking would be a way past the stock's fence, since after a restart of 50 ms every key is there
//! and everything looks well. The stock's scripts are sent that `run_id`; the room's ask by
//! themselves.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, RwLock};
use redis::{
    AsyncConnectionConfig, RedisError,
    aio::{ConnectionLike, MultiplexedConnection},
};

use crate::StoreError;

/// How long a connection attempt may take.
const CONNECT: Duration = Duration::from_secs(1);
/// After a failed attempt, callers are refused at once for this long instead of all trying.
const PAUSE: Duration = Duration::from_millis(50);
/// Calls that may wait to be written; the client's own 50 makes a rush queue for a place in the queue.
const WAITING: usize = 4096;

/// A connection and the process at its other end.
pub(crate) struct Live {
    pub(crate) connection: MultiplexedConnection,
    pub(crate) run_id: Arc<str>,
}

impl Live {
    /// Connects within `reach`; each answer may take `patience`.
    pub(crate) async fn connect(
        client: &redis::Client,
        reach: Duration,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(reach))
            .set_response_timeout(Some(patience))
            .set_pipeline_buffer_size(WAITING);
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(away)?;
        let run_id = run_id(&mut connection).await?.into();
        Ok(Self { connection, run_id })
    }
}

/// The shared connection to one store.
pub(crate) struct SharedConnection {
    client: redis::Client,
    /// How long one answer may take.
    patience: Duration,
    live: RwLock<Option<Arc<Live>>>,
    connecting: tokio::sync::Mutex<()>,
    failed_at: Mutex<Option<Instant>>,
}

impl SharedConnection {
    pub(crate) fn new(client: redis::Client, patience: Duration) -> Self {
        Self {
            client,
            patience,
            live: RwLock::default(),
            connecting: tokio::sync::Mutex::default(),
            failed_at: Mutex::default(),
        }
    }

    /// The connection; connects when there is none.
    pub(crate) async fn live(&self) -> Result<Arc<Live>, StoreError> {
        if let Some(live) = self.live.read().clone() {
            return Ok(live);
        }
        // Boxed because it is rare and large: every call would carry the room for it.
        Box::pin(self.live_again()).await
    }

    async fn live_again(&self) -> Result<Arc<Live>, StoreError> {
        let _one_at_a_time = self.connecting.lock().await;
        if let Some(live) = self.live.read().clone() {
            return Ok(live);
        }
        if self.failed_at.lock().is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(away(
                std::io::Error::from(std::io::ErrorKind::NotConnected).into(),
            ));
        }
        match Live::connect(&self.client, CONNECT, self.patience).await {
            Ok(live) => {
                let live = Arc::new(live);
                *self.live.write() = Some(Arc::clone(&live));
                Ok(live)
            }
            Err(error) => {
                *self.failed_at.lock() = Some(Instant::now());
                Err(error)
            }
        }
    }

    /// Drops the connection after an error that may have broken it. Calls under way on it end by
    /// themselves; whoever comes next connects and asks for the process again.
    pub(crate) fn lost(&self, live: &Arc<Live>, error: &RedisError) {
        if !(error.is_io_error() || error.is_unrecoverable_error()) {
            return;
        }
        let mut current = self.live.write();
        if current.as_ref().is_some_and(|now| Arc::ptr_eq(now, live)) {
            *current = None;
        }
    }
}

/// Which server process a connection has reached.
pub(crate) async fn run_id(connection: &mut impl ConnectionLike) -> Result<String, StoreError> {
    let server: String = redis::cmd("INFO")
        .arg("server")
        .query_async(connection)
        .await
        .map_err(|source| StoreError::from_redis("run_id", source))?;
    server
        .lines()
        .find_map(|line| line.strip_prefix("run_id:"))
        .map(|id| id.trim().to_owned())
        .ok_or_else(|| away(std::io::Error::from(std::io::ErrorKind::InvalidData).into()))
}

fn away(source: RedisError) -> StoreError {
    StoreError::Away {
        call: "connect",
        source,
    }
}
