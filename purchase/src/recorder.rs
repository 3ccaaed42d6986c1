//! Writes every stock event to the ledger: exactly once, in order, in groups.
//!
//! One recorder is active per sale, by a lease in the stock store that the ledger enforces by its
//! term; any number stand by and take over when it ends. Being the one who knows both the stream and
//! the ledger, the active recorder also reopens the sale after a restart of the store, once nothing
//! is left to record. Committed first, acknowledged after: a crash between the two records nothing
//! twice, because the ledger knows each event by its id.

use std::{sync::Arc, time::Duration};

use lua::sale::{Lead, Lease, SaleError};
use parking_lot::Mutex;
use redis::RedisError;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Purchase,
    audit::LookError,
    ledger::{Ledger, LedgerError, RecordError},
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
    #[error("{0}")]
    Looked(#[from] LookError),
    #[error("the ledger refuses a repair: {0}")]
    Refused(String),
    #[error("the stock store holds a part of a sale that the ledger does not know")]
    Unknown,
}

impl From<RecordError> for Stepped {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Fenced => Self::Fenced,
            RecordError::Ledger(error) => Self::Ledger(error),
            RecordError::Clash(reason) => Self::Refused(reason),
        }
    }
}

/// Records all sales until `stop`.
pub async fn run(purchase: Purchase, stop: CancellationToken) {
    let recorders = TaskTracker::new();
    for desk in purchase.desks() {
        let owner = uuid::Uuid::now_v7().simple().to_string();
        recorders.spawn(Recorder::new(&purchase, desk, owner).run(stop.clone()));
    }
    recorders.close();
    recorders.wait().await;
}

/// Takes the lease if nobody has it, records what the stream has, reopens or repairs the sale, and
/// gives the lease up again. For an audit of a sale that no recorder is there for.
pub(crate) async fn repair_if_nobody_records(purchase: &Purchase, desk: &Arc<Desk>, owner: &str) {
    let recorder = Recorder::new(purchase, desk, owner.to_owned());
    if let Err(stepped) = recorder.repair_once().await {
        tracing::warn!(sale.id = %desk.stock.id(), reason = %stepped, "not repaired yet");
    }
    let _ = desk.stock.give_up_lease(owner).await;
}

/// The recorder of one sale.
struct Recorder {
    owner: String,
    desk: Arc<Desk>,
    ledger: Ledger,
    purchase: Purchase,
    /// Why the sale is shut, as last said: while the ledger is away it is tried again and again.
    said: Mutex<Option<String>>,
}

impl Recorder {
    fn new(purchase: &Purchase, desk: &Arc<Desk>, owner: String) -> Self {
        Self {
            owner,
            desk: Arc::clone(desk),
            ledger: purchase.ledger().clone(),
            purchase: purchase.clone(),
            said: Mutex::default(),
        }
    }

    async fn repair_once(&self) -> Result<(), Stepped> {
        let Some(term) = self.lead_anew().await? else {
            return Ok(());
        };
        if !self.has_stream(term).await? {
            return Ok(());
        }
        let mut stream = Stream::open(&self.desk.stock, &self.owner).await?;
        self.keep_up(&mut stream, term).await
    }

    /// Records what others read and left (the one before, or one that woke after its lease), and
    /// opens the sale if it is shut.
    async fn keep_up(&self, stream: &mut Stream, term: u64) -> Result<(), Stepped> {
        let work = async {
            for entries in stream.pending().await?.chunks(BATCH) {
                self.record(stream, term, entries).await?;
            }
            self.reopen_if_needed(stream, term).await
        };
        self.leading(term, work).await
    }

    /// Does something that may take longer than the lease, and keeps it meanwhile. Side by side: a
    /// renewal waits for the store's disk, and a transaction of the work must not stand still for it.
    async fn leading<T>(
        &self,
        term: u64,
        work: impl Future<Output = Result<T, Stepped>>,
    ) -> Result<T, Stepped> {
        let every = self.purchase.config().recorder_lease / 3;
        let renew = async {
            loop {
                tokio::time::sleep(every).await;
                match self.lease(term).await {
                    Ok(Some(same)) if same == term => {}
                    Ok(_) => return Stepped::Fenced,
                    Err(stepped) => return stepped,
                }
            }
        };
        tokio::select! {
            done = work => done,
            lost = renew => Err(lost),
        }
    }

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

    /// What a step that only the active recorder may take is asked for.
    fn lead(&self, term: u64) -> Lead {
        Lead {
            owner: self.owner.clone(),
            term,
        }
    }

    /// Asks for the lease, with a term that nobody has recorded in.
    async fn lead_anew(&self) -> Result<Option<u64>, Stepped> {
        let sale = self.desk.stock.id();
        // Without the ledger there is nothing to lead: another process may reach it.
        let recorded = self.ledger.term(sale).await?;
        let Some(term) = self.lease(recorded + 1).await? else {
            return Ok(None);
        };
        self.ledger.take_lead(sale, term).await?;
        Ok(Some(term))
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
        let Some(term) = self.lead_anew().await? else {
            return Ok(());
        };
        if !self.has_stream(term).await? {
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
                self.keep_up(&mut stream, term).await?;
                if let Some(last) = last {
                    self.trim(&mut stream, last).await?;
                }
                kept = Some(Instant::now());
            }
            let entries = stream.next(true).await?;
            for entries in entries.chunks(BATCH) {
                self.record(&mut stream, term, entries).await?;
                last = entries.last().map(|entry: &Entry| entry.id);
            }
        }
        Ok(())
    }

    /// Drops what lies well behind the last recorded event.
    async fn trim(
        &self,
        stream: &mut Stream,
        mut before: lua::sale::EventId,
    ) -> Result<(), Stepped> {
        before.ms = before.ms.saturating_sub(KEEP_MS);
        stream.trim(before).await?;
        Ok(())
    }
}
