//! The door to the stock store: reserve, confirm, cancel, refund, expire, supply, feed, reopen.
//!
//! Every call passes the `run_id` of the server process it is connected to, and every script
//! refuses when the sale was last opened under another one: see [`SaleError::Restarted`]. A sale
//! whose stock is missing is closed and never "has N": see [`SaleError::Closed`]. Buyers' calls
//! share one multiplexed connection; sweeps, operators and recorders use the store's pool and cannot
//! stand in their way. Both wait out a slow fsync. What a script answers is a word, parsed here once.
//! Nothing here knows HTTP or SQL.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use entry_pass::SaleId;
use redis::{Value, aio::ConnectionLike};

use crate::{
    ScriptError, Store, StoreError, connection::SharedConnection, keys::SaleKeys, script::Script,
};

mod event;
mod feed;
mod picture;
mod rebuild;
mod record;
mod recording;
mod reply;
mod reserve;
mod scripts;
mod settle;
mod supply;
mod together;

pub use event::{EventError, EventId, EventKind, StockEvent, Taken};
pub use feed::{Feed, Mark, SkuCounts};
pub use picture::{Instant, Picture, RawEvent};
pub use rebuild::{Part, REBUILD_STEP, Rebuild, Remembered};
pub use record::{Reservation, State};
pub use recording::{Fence, Lead, Lease, Reopened, Shut};
pub use reserve::{MOST_UNITS, Reserve, Reserved, reserve_script};
pub use settle::{Cancelled, Confirmed, Looked, Refunded, Swept};
pub use supply::{SetSupply, Supplied};

use reply::Reply;
use together::Together;

/// How long one answer may take. A slow fsync is seconds long, and its writes are not lost.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// Why a sale did nothing. A refusal such as "sold out" is an answer and not one of these.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SaleError {
    /// The store holds no such sale, or holds it in part: closed until it is rebuilt.
    #[error("the stock store does not hold the whole sale")]
    Closed,
    /// The store restarted since the sale was opened: closed until it is compared and reopened.
    #[error("the stock store restarted and the sale is not open yet")]
    Restarted,
    /// The call failed.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

impl From<StoreError> for SaleError {
    fn from(error: StoreError) -> Self {
        Self::Script(error.into())
    }
}

/// One sale in the stock store. Clones share their connections.
#[derive(Clone)]
pub struct Sale {
    id: SaleId,
    keys: Arc<SaleKeys>,
    stock: Arc<SharedConnection>,
    store: Store,
    told: Arc<AtomicU64>,
    together: Arc<Together>,
}

impl Sale {
    /// Opens the door. Connects at the first call.
    pub fn new(store: &Store, id: SaleId) -> Result<Self, StoreError> {
        Ok(Self {
            keys: Arc::new(SaleKeys::new(&id)),
            stock: Arc::new(SharedConnection::new(store.client()?, PATIENCE)),
            store: store.clone(),
            told: Arc::default(),
            together: Arc::default(),
            id,
        })
    }

    /// Takes the time in ms from `told` instead of from Redis, for tests.
    #[must_use]
    pub fn told_the_time(mut self, told: Arc<AtomicU64>) -> Self {
        self.told = told;
        self
    }

    /// Which sale.
    pub fn id(&self) -> &SaleId {
        &self.id
    }

    /// Its keys, for whoever reads the stream.
    pub fn keys(&self) -> &SaleKeys {
        &self.keys
    }

    /// The store it lives in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A buyer's call, on the shared connection.
    async fn fast<'a>(
        &self,
        script: &'a Script,
        keys: &[&str],
        args: &[&str],
    ) -> Result<Reply<'a>, SaleError> {
        Reply::parse(script, self.shared(script, keys, args).await?)
    }

    /// A call on the shared connection, and what it answered.
    async fn shared(
        &self,
        script: &Script,
        keys: &[&str],
        args: &[&str],
    ) -> Result<Value, ScriptError> {
        let live = self.stock.live().await?;
        let connection = &mut live.connection.clone();
        let result = self
            .call(script, connection, &live.run_id, keys, args)
            .await;
        if let Err(ScriptError::Store(StoreError::Away { source, .. })) = &result {
            self.stock.lost(&live, source);
        }
        result
    }

    /// A call from the background.
    async fn in_background<'a>(
        &self,
        script: &'a Script,
        keys: &[&str],
        args: &[&str],
    ) -> Result<Reply<'a>, SaleError> {
        let mut connection = self.store.pooled().await?;
        let run_id = connection.run_id();
        let result = self.call(script, &mut *connection, &run_id, keys, args);
        Reply::parse(script, result.await?)
    }

    /// Every fenced script takes the caller's `run_id` and the time first; 0 asks Redis.
    async fn call(
        &self,
        script: &Script,
        connection: &mut impl ConnectionLike,
        run_id: &str,
        keys: &[&str],
        args: &[&str],
    ) -> Result<Value, ScriptError> {
        let now = match self.told.load(Ordering::Relaxed) {
            0 => Cow::Borrowed("0"),
            told => Cow::Owned(told.to_string()),
        };
        script.run(connection, keys, &[&[run_id, &now], args]).await
    }
}
