//! The recorder's side of the door: the lease, the fence, trimming.

use std::time::Duration;

use super::{EventId, Sale, SaleError, connection, scripts};
use crate::StoreError;

/// What came of asking for the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lease {
    /// The asker records, in this term; a ledger refuses a lower one.
    Leading {
        /// Rises with every change of hands.
        term: u64,
    },
    /// Another one records.
    Standby,
}

/// Where a sale stands behind the fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fence {
    /// Open under the server process that answers now.
    Open,
    /// Last opened under another process, named here.
    Restarted(String),
    /// The store does not hold the sale.
    Missing,
}

/// What came of reopening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reopened {
    /// Open, after being closed for so many ms.
    Now(i64),
    /// It was open already.
    Already,
    /// Somebody else reopened it meanwhile, or the store restarted again.
    Changed,
}

impl Sale {
    /// Asks to be the active recorder for `ttl` more, or to remain it.
    pub async fn lease(
        &self,
        owner: &str,
        ttl: Duration,
        least_term: u64,
    ) -> Result<Lease, SaleError> {
        let mut reply = self
            .lease_call(owner, ttl.as_millis().max(1), least_term)
            .await?;
        Ok(match reply.word.as_str() {
            "leading" => Lease::Leading {
                term: reply.take(0)?,
            },
            "standby" => Lease::Standby,
            _ => return Err(reply.unknown()),
        })
    }

    /// Gives the lease up, so that the next one need not wait for its end.
    pub async fn give_up_lease(&self, owner: &str) -> Result<(), SaleError> {
        self.lease_call(owner, 0, 0).await.map(drop)
    }

    async fn lease_call(
        &self,
        owner: &str,
        ttl_ms: u128,
        least_term: u64,
    ) -> Result<super::Reply<'static>, SaleError> {
        let script = &*scripts::LEASE;
        let mut connection = self.store.pooled().await?;
        let call = script
            .call()
            .key(&self.keys.lease)
            .arg(self.told.load(std::sync::atomic::Ordering::Relaxed))
            .arg(owner)
            .arg(ttl_ms.to_string())
            .arg(least_term);
        super::Reply::parse(script, call.run(&mut *connection).await?)
    }

    /// Where the sale stands behind the fence.
    pub async fn fence(&self) -> Result<Fence, SaleError> {
        let mut connection = self.store.pooled().await?;
        let now = connection::run_id(&mut *connection).await?;
        let (stored, stock): (Option<String>, bool) = redis::pipe()
            .cmd("HGET")
            .arg(&[&self.keys.state, "run_id"])
            .cmd("EXISTS")
            .arg(&self.keys.stock)
            .query_async(&mut *connection)
            .await
            .map_err(|source| StoreError::from_redis("fence", source))?;
        Ok(match stored {
            None => Fence::Missing,
            Some(_) if !stock => Fence::Missing,
            Some(stored) if stored == now => Fence::Open,
            Some(stored) => Fence::Restarted(stored),
        })
    }

    /// Opens the sale under the process that answers now, if it was last opened under `compared`.
    /// Call it only when the ledger has every event of the stream.
    pub async fn reopen(&self, compared: &str) -> Result<Reopened, SaleError> {
        let keys = [
            self.keys.state.as_str(),
            &self.keys.stock,
            &self.keys.events,
        ];
        let mut reply = self.pooled(&scripts::REOPEN, &keys, &[compared]).await?;
        Ok(match reply.word.as_str() {
            "reopened" => Reopened::Now(reply.take(0)?),
            "open" => Reopened::Already,
            "changed" => Reopened::Changed,
            _ => return Err(reply.unknown()),
        })
    }

    /// Drops events before `before`. Call it only with an event the ledger has, and that every
    /// reader of the feed has passed.
    pub async fn trim(&self, before: EventId) -> Result<u64, SaleError> {
        let mut connection = self.store.pooled().await?;
        redis::cmd("XTRIM")
            .arg(&self.keys.events)
            .arg("MINID")
            .arg("~")
            .arg(before.to_string())
            .query_async(&mut *connection)
            .await
            .map_err(|source| StoreError::from_redis("trim", source).into())
    }
}
