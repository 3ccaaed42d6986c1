//! The recorder's side of the door: the lease, the fence, trimming.

use std::time::Duration;

use super::{Sale, SaleError, scripts};
use crate::StoreError;

/// The keys of a whole sale and their types, in the order of [`crate::keys::SaleKeys::whole`].
const WHOLE: [(&str, &str); 8] = [
    ("state", "hash"),
    ("stock", "hash"),
    ("free", "zset"),
    ("slots", "hash"),
    ("reservations", "hash"),
    ("deadlines", "zset"),
    ("ended", "zset"),
    ("events", "stream"),
];

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
    /// Every key is there, but the sale was last opened under another process, or is marked as
    /// broken, or both.
    Shut(Shut),
    /// The store does not hold the whole sale.
    Missing {
        /// The keys that are not there, or are there with another type, by their names.
        keys: Vec<&'static str>,
        /// Not one of them is there: the sale was never seeded, or lost with everything.
        all: bool,
    },
}

/// What a sale was shut under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shut {
    /// The process it was last opened under.
    pub run_id: String,
    /// Why it is marked as broken, if it is.
    pub broken: Option<String>,
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
    /// Another one records by now: what the caller compared may be stale.
    Fenced,
}

/// Who records, by the lease: what it may do is refused once another one has taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Who asked for the lease.
    pub owner: String,
    /// Its term.
    pub term: u64,
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
        let failed = |source| StoreError::from_redis("fence", source);
        let mut connection = self.store.pooled().await?;
        let mut types = redis::pipe();
        for key in self.keys.whole() {
            types.cmd("TYPE").arg(key);
        }
        let types: Vec<String> = types.query_async(&mut *connection).await.map_err(failed)?;
        let keys: Vec<_> = WHOLE
            .iter()
            .zip(&types)
            .filter(|((_, wanted), found)| wanted != found)
            .map(|((name, _), _)| *name)
            .collect();
        let all = types.iter().all(|found| found == "none");
        if !keys.is_empty() {
            return Ok(Fence::Missing { keys, all });
        }
        let (run_id, broken): (Option<String>, Option<String>) = redis::cmd("HMGET")
            .arg(&[&self.keys.state, "run_id", "broken"])
            .query_async(&mut *connection)
            .await
            .map_err(failed)?;
        Ok(match (run_id, broken) {
            // A rebuild that did not come to its end.
            (None, _) => Fence::Missing {
                keys: vec!["state"],
                all: false,
            },
            (Some(run_id), None) if *run_id == *connection.run_id() => Fence::Open,
            (Some(run_id), broken) => Fence::Shut(Shut { run_id, broken }),
        })
    }

    /// When the sale was last opened: seeded, reopened or rebuilt, ms. What was held before that
    /// and is not there now was lost with the store.
    pub async fn opened_at(&self) -> Result<u64, SaleError> {
        let mut connection = self.store.pooled().await?;
        let at: Option<u64> = redis::cmd("HGET")
            .arg(&[&self.keys.state, "opened_at"])
            .query_async(&mut *connection)
            .await
            .map_err(|source| StoreError::from_redis("opened-at", source))?;
        Ok(at.unwrap_or(0))
    }

    /// Closes the sale for everybody until the active recorder has repaired it. False: there is no
    /// state to mark.
    pub async fn mark_broken(&self, reason: &str) -> Result<bool, SaleError> {
        let reply = self
            .in_background(&scripts::MARK, &self.keys.whole(), &[reason])
            .await?;
        Ok(reply.word == "marked")
    }

    /// Opens the sale under the process that answers now, if it is shut as it was when it was
    /// compared, and `lead` still records. Call it only when the ledger has every event of the
    /// stream.
    pub async fn reopen(&self, compared: &Shut, lead: &Lead) -> Result<Reopened, SaleError> {
        let mark = compared.broken.as_deref().unwrap_or_default();
        let mut reply = self
            .in_background(
                &scripts::REOPEN,
                &self.keys.led(),
                &[&compared.run_id, mark, &lead.owner, &lead.term.to_string()],
            )
            .await?;
        Ok(match reply.word.as_str() {
            "reopened" => Reopened::Now(reply.take(0)?),
            "open" => Reopened::Already,
            "changed" => Reopened::Changed,
            "fenced" => Reopened::Fenced,
            _ => return Err(reply.unknown()),
        })
    }
}
