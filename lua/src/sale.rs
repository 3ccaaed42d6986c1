//! The door to the stock store: reserve, confirm, cancel, refund, expire, supply, feed, reopen.
//!
//! Every call passes the `run_id` of the server process it is connected to, and every script
//! refuses when the sale was last opened under another one: see [`SaleError::Restarted`]. A sale
//! whose stock is missing is closed and never "has N": see [`SaleError::Closed`]. Buyers' calls
//! share one multiplexed connection; sweeps and operators use the store's pool and cannot stand in
//! their way. What a script answers is a word, parsed here once. Nothing here knows HTTP or SQL.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use entry_pass::SaleId;
use redis::Value;

use crate::{
    ScriptError, Store, StoreError,
    connection::{self, SharedConnection},
    keys::SaleKeys,
    script::{Call, Script},
};

mod event;
mod feed;
mod rebuild;
mod record;
mod recording;
mod reply;
mod reserve;
mod scripts;
mod settle;
mod supply;

pub use event::{EventError, EventId, EventKind, StockEvent, Taken};
pub use feed::{Feed, Mark, SkuCounts};
pub use rebuild::{Part, REBUILD_STEP, Rebuild, Remembered};
pub use record::{Reservation, State};
pub use recording::{Fence, Lease, Reopened, Shut};
pub use reserve::{MOST_UNITS, Reserve, Reserved, reserve_script};
pub use settle::{Cancelled, Confirmed, Looked, Refunded, Swept};
pub use supply::{SetSupply, Supplied};

use reply::Reply;

/// How long one answer may take. A slow fsync is seconds long, and its writes are not lost.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// Why a sale did nothing. A refusal such as "sold out" is an answer and not one of these.
#[derive(Debug, thiserror::Error)]
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
}

impl Sale {
    /// Opens the door. Connects at the first call.
    pub fn new(store: &Store, id: SaleId) -> Result<Self, StoreError> {
        Ok(Self {
            keys: Arc::new(SaleKeys::new(&id)),
            stock: Arc::new(SharedConnection::new(store.client()?, PATIENCE)),
            store: store.clone(),
            told: Arc::default(),
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
        let live = self.stock.live().await?;
        let call = self.call(script, &live.run_id, keys, args);
        let result = call.run::<Value>(&mut live.connection.clone()).await;
        if let Err(ScriptError::Store(StoreError::Away { source, .. })) = &result {
            self.stock.lost(&live, source);
        }
        Reply::parse(script, result?)
    }

    /// A call from the background, on a pooled connection that is asked for its process first.
    async fn pooled<'a>(
        &self,
        script: &'a Script,
        keys: &[&str],
        args: &[&str],
    ) -> Result<Reply<'a>, SaleError> {
        let mut connection = self.store.pooled().await?;
        let run_id = connection::run_id(&mut *connection).await?;
        let call = self.call(script, &run_id, keys, args);
        Reply::parse(script, call.run::<Value>(&mut *connection).await?)
    }

    /// Every fenced script takes the caller's `run_id` and the time first.
    fn call<'a>(&self, script: &'a Script, run_id: &str, keys: &[&str], args: &[&str]) -> Call<'a> {
        let now = self.told.load(Ordering::Relaxed).to_string();
        let call = keys
            .iter()
            .fold(script.call(), |call, key| call.key(key))
            .arg(run_id)
            .arg(now);
        args.iter().fold(call, |call, arg| call.arg(*arg))
    }
}
