//! Writes every stock event to the ledger: exactly once, in order, in groups.
//!
//! One recorder is active per sale, by a lease in the stock store that the ledger enforces by its
//! term; any number stand by and take over when it ends. Being the one who knows both the stream and
//! the ledger, the active recorder also reopens the sale after a restart of the store, once nothing
//! is left to record. Committed first, acknowledged after: a crash between the two records nothing
//! twice, because the ledger knows each event by its id.

use std::{sync::Arc, time::Duration};

use lua::sale::{Lease, SaleError};
use redis::RedisError;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Purchase,
    ledger::{Ledger, LedgerError},
    role::Desk,
    stream::{BATCH, Entry, Stream},
};

mod batch;
mod rebuild;
mod reopen;

/// How long until the next try while something is away, and how often a standby asks.
const AGAIN: Duration = Duration::from_millis(200);
/// How often the stream is trimmed and the fence looked at.
const UPKEEP: Duration = Duration::from_secs(1);
/// How much of the stream is kept behind the ledger, for readers of the feed.
const KEEP_MS: u64 = 600_000;

/// Why the active recorder stopped being it.
#[derive(Debug, thiserror::Error)]
enum Stepped {
    #[error("the stock store: {0}")]
    Stock(#[from] SaleError),
    #[error("the stream: {0}")]
    Stream(#[from] RedisError),
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    #[error("another recorder has taken over")]
    Fenced,
    #[error("the stock store holds a part of a sale that the ledger does not know")]
    Unknown,
}

/// Records all sales until `stop`.
pub async fn run(purchase: Purchase, stop: CancellationToken) {
    let recorders = TaskTracker::new();
    for desk in purchase.desks() {
        let recorder = Recorder {
            owner: uuid::Uuid::now_v7().simple().to_string(),
            desk: Arc::clone(desk),
            ledger: purchase.ledger().clone(),
            purchase: purchase.clone(),
        };
        recorders.spawn(recorder.run(stop.clone()));
    }
    recorders.close();
    recorders.wait().await;
}

/// The recorder of one sale.
struct Recorder {
    owner: String,
    desk: Arc<Desk>,
    ledger: Ledger,
    purchase: Purchase,
}

impl Recorder {
    async fn run(self, stop: CancellationToken) {
        let sale = self.desk.stock.id().clone();
        let mut said = String::new();
        while !stop.is_cancelled() {
            match self.lead_or_stand_by(&stop).await {
                Ok(()) => said.clear(),
                Err(stepped) => {
                    metrics::counter!("vestibule_recorder_steps_down_total").increment(1);
                    // Said on a change of state: an outage is one line and not five a second.
                    let reason = stepped.to_string();
                    if reason != said {
                        tracing::warn!(sale.id = %sale, %reason, "recording paused");
                        said = reason;
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
        // The next recorder need not wait for the end of the lease.
        let _ = self.desk.stock.give_up_lease(&self.owner).await;
    }

    async fn lease(&self, least_term: u64) -> Result<Option<u64>, Stepped> {
        let ttl = self.purchase.config().recorder_lease;
        Ok(
            match self.desk.stock.lease(&self.owner, ttl, least_term).await? {
                Lease::Leading { term } => Some(term),
                Lease::Standby => None,
            },
        )
    }

    /// Asks for the lease; with it, records until something breaks or it is lost.
    async fn lead_or_stand_by(&self, stop: &CancellationToken) -> Result<(), Stepped> {
        let sale = self.desk.stock.id();
        // Without the ledger there is nothing to lead: another process may reach it.
        let least_term = self.ledger.term(sale).await?;
        let Some(term) = self.lease(least_term).await? else {
            return Ok(());
        };
        if !self.has_stream().await? {
            return Ok(());
        }
        tracing::info!(sale.id = %sale, term, "recording");
        let mut stream = Stream::open(&self.desk.stock, &self.owner).await?;
        let mut last = None;
        let (mut renewed, mut kept) = (Instant::now(), None::<Instant>);
        let renew_every = self.purchase.config().recorder_lease / 3;
        while !stop.is_cancelled() {
            if renewed.elapsed() >= renew_every {
                if self.lease(term).await? != Some(term) {
                    return Err(Stepped::Fenced);
                }
                renewed = Instant::now();
            }
            if kept.is_none_or(|kept| kept.elapsed() >= UPKEEP) {
                // What others read and left: the one before, or one that woke after its lease.
                for entries in stream.pending().await?.chunks(BATCH) {
                    self.record(&mut stream, term, entries).await?;
                }
                self.reopen_if_needed(&mut stream, term).await?;
                if let Some(last) = last {
                    self.trim(last).await?;
                }
                kept = Some(Instant::now());
            }
            let entries = stream.next(true).await?;
            if !entries.is_empty() {
                self.record(&mut stream, term, &entries).await?;
                last = entries.last().map(|entry: &Entry| entry.id);
            }
        }
        Ok(())
    }

    /// Drops what lies well behind the last recorded event. Everything up to it is acknowledged,
    /// because this recorder is the only one and records in order.
    async fn trim(&self, mut before: lua::sale::EventId) -> Result<(), Stepped> {
        before.ms = before.ms.saturating_sub(KEEP_MS);
        self.desk.stock.trim(before).await?;
        Ok(())
    }
}
