//! Opens a sale again after the stock store restarted, lost a part of it, or a script found what
//! cannot be: record what is left, compare, repair towards the ledger if they differ, open.
//!
//! Comparing before everything is recorded would find good holds and orders missing in the ledger.
//! While the sale is closed no script adds to the stream, so it does run dry. What was set aside is
//! not forgotten: it is applied to what the ledger says where it does not contradict it.

use std::time::Duration;

use lua::sale::{EventId, Fence, Reopened, Shut};

use super::{Recorder, Stepped};
use crate::{
    audit::{self, Books, Difference, Remedy, Terms, compare, overlay::set_aside},
    ledger::LedgerError,
    stream::{BATCH, Stream},
};

/// How long a comparison or a rebuild may take: longer than any should, so that a ledger that went
/// silent in the middle does not keep the sale shut for ever.
const PATIENCE: Duration = Duration::from_mins(3);
/// Most differences named one by one in the log.
const NAMED: usize = 20;

impl Recorder {
    /// Whether there is a stream to read. One that was lost is never made anew by opening it: the
    /// sale is rebuilt, and its first event goes on above the ledger's newest.
    pub(super) async fn has_stream(&self, term: u64) -> Result<bool, Stepped> {
        let Fence::Missing { keys, all } = self.desk.stock.fence().await? else {
            return Ok(true);
        };
        if !keys.contains(&"events") {
            return Ok(true);
        }
        match self.ledger.knows(self.desk.stock.id()).await? {
            true => {
                self.lost(&keys).await?;
                self.leading(term, self.repair(term, None, None)).await?;
                Ok(true)
            }
            // Nobody has seeded it yet.
            false if all => Ok(false),
            false => Err(Stepped::Unknown),
        }
    }

    /// Says what was lost, and sees to it that whatever of the sale still works does not go on.
    async fn lost(&self, keys: &[&str]) -> Result<(), Stepped> {
        let (sale, keys) = (self.desk.stock.id(), keys.join(", "));
        if self.news(Some(&keys)) {
            tracing::error!(sale.id = %sale, keys, "the stock store lost a part of the sale: closed until it is rebuilt from the ledger");
        }
        self.desk.stock.mark_broken("a part was lost").await?;
        Ok(())
    }

    /// Whether this was not said yet; none: it is open.
    fn news(&self, why: Option<&String>) -> bool {
        let mut said = self.said.lock();
        let news = said.as_ref() != why;
        *said = why.cloned();
        news
    }

    /// Looks at the fence; if the sale is shut, drains the stream, compares, repairs and opens.
    pub(super) async fn reopen_if_needed(
        &self,
        stream: &mut Stream,
        term: u64,
    ) -> Result<(), Stepped> {
        let sale = self.desk.stock.id();
        let fence = self.desk.stock.fence().await?;
        let gauge = metrics::gauge!("vestibule_sale_open", "sale" => sale.to_string());
        gauge.set(f64::from(u8::from(fence == Fence::Open)));
        let shut = match fence {
            Fence::Open => {
                self.news(None);
                return Ok(());
            }
            Fence::Missing { all: true, .. } if !self.ledger.knows(sale).await? => return Ok(()),
            Fence::Missing { keys, .. } => {
                self.lost(&keys).await?;
                None
            }
            Fence::Shut(shut) => {
                let news = self.news(Some(shut.broken.as_ref().unwrap_or(&shut.run_id)));
                match &shut.broken {
                    Some(reason) if news => {
                        tracing::error!(sale.id = %sale, reason, "the sale cannot be as it is: closed until it is repaired");
                    }
                    None if news => {
                        tracing::warn!(sale.id = %sale, "the stock store restarted: closed until it is compared with the ledger");
                    }
                    _ => {}
                }
                Some(shut)
            }
        };
        self.drain(stream, term).await?;
        tokio::time::timeout(PATIENCE, self.repair(term, shut, Some(stream)))
            .await
            .map_err(|_| LedgerError::Silent)??;
        gauge.set(1.0);
        Ok(())
    }

    /// Records all that is in the stream. First what nobody read yet, then what somebody read and did
    /// not acknowledge: a recorder that lost its lease may read until it notices, and what it read in
    /// between would be missing in the ledger when it is compared.
    async fn drain(&self, stream: &mut Stream, term: u64) -> Result<(), Stepped> {
        loop {
            let entries = stream.next(false).await?;
            if entries.is_empty() {
                break;
            }
            for entries in entries.chunks(BATCH) {
                self.record(stream, term, entries).await?;
            }
        }
        for entries in stream.pending().await?.chunks(BATCH) {
            self.record(stream, term, entries).await?;
        }
        Ok(())
    }

    /// The stream has run dry: compares if there is something to compare, rebuilds unless both agree.
    /// A sale that somebody marked is rebuilt in any case.
    async fn repair(
        &self,
        term: u64,
        shut: Option<Shut>,
        stream: Option<&mut Stream>,
    ) -> Result<(), Stepped> {
        let mark = shut.as_ref().and_then(|shut| shut.broken.as_deref());
        if mark.is_some_and(|mark| mark.starts_with(audit::ASKED)) {
            let look = audit::look(&self.ledger, &self.desk).await?;
            if !look.mend.is_empty() {
                let now = self.purchase.clock().now_ms();
                let sale = self.desk.stock.id();
                self.ledger.mend(sale, term, &look.mend, now).await?;
            }
            self.named(&look.differences);
            return self.rebuild(term, &look.books).await;
        }
        let sale = self.desk.stock.id();
        let Some(shut) = shut else {
            return self.rebuild(term, &self.books().await?).await;
        };
        let mut books = self.books().await?;
        let mut differences = self.differences(&books).await?;
        if let Some(stream) = stream.filter(|_| !differences.is_empty() || shut.broken.is_some()) {
            // The ledger may be the one that forgot (a replica that took over, a backup): what the
            // stream still has is recorded again before anything is taken away. Only if the ledger
            // has its beginning: else more is missing than the stream can tell.
            let first: Vec<EventId> = stream.first().await?.into_iter().collect();
            if !self.ledger.recorded(sale, &first).await?.is_empty() {
                stream.rewind().await?;
                self.drain(stream, term).await?;
                books = self.books().await?;
                differences = self.differences(&books).await?;
            }
        }
        self.named(&differences);
        if !differences.is_empty() || shut.broken.is_some() {
            // Selling on a stock that forgot an order would sell its unit again.
            return self.rebuild(term, &books).await;
        }
        match self.desk.stock.reopen(&shut, &self.lead(term)).await? {
            Reopened::Now(closed_ms) => {
                tracing::info!(sale.id = %sale, closed_ms, "compared and open again");
            }
            Reopened::Fenced => return Err(Stepped::Fenced),
            Reopened::Already | Reopened::Changed => {}
        }
        Ok(())
    }

    /// What should be: the ledger's, and what was set aside.
    async fn books(&self) -> Result<Books, Stepped> {
        let since = self
            .purchase
            .clock()
            .now_ms()
            .saturating_sub(self.keep_ms());
        let sale = self.desk.stock.id();
        let tables = self.ledger.books(sale, since, false).await?;
        let mut books = tables.books;
        let found = set_aside(&mut books, &tables.set_aside.waiting);
        self.named(&found);
        Ok(books)
    }

    async fn differences(&self, books: &Books) -> Result<Vec<Difference>, Stepped> {
        let picture = self.desk.stock.picture().await?;
        let terms = Terms {
            keep_ms: self.keep_ms(),
            ..Terms::default()
        };
        Ok(compare(books, &picture, &terms))
    }

    fn keep_ms(&self) -> u64 {
        self.desk.config.idempotency_ttl.as_millis() as u64
    }

    /// One line each, up to a bound; what has to be paid back always.
    fn named(&self, differences: &[Difference]) {
        let sale = self.desk.stock.id();
        for found in differences.iter().take(NAMED) {
            let (kind, reservation) = (found.kind, found.reservation.as_deref().unwrap_or("-"));
            let (ledger, stock) = (&found.ledger, &found.stock);
            tracing::warn!(sale.id = %sale, %kind, reservation, ledger, stock, "stock and ledger differ");
        }
        if differences.len() > NAMED {
            let more = differences.len() - NAMED;
            tracing::warn!(sale.id = %sale, more, "stock and ledger differ in more than these");
        }
        for found in differences
            .iter()
            .filter(|found| found.remedy == Remedy::Refund)
        {
            let (order, payment) = (found.order.as_deref(), found.payment_ref.as_deref());
            tracing::error!(sale.id = %sale, order, payment, "paid for and not in the ledger: refund it");
        }
    }
}
