//! Opens a sale again after the stock store restarted: record what is left, compare, open.
//!
//! Comparing before everything is recorded would find good holds and orders missing in the ledger.
//! While the sale is closed no script adds to the stream, so it does run dry.

use std::collections::BTreeMap;

use lua::sale::{Fence, Reopened};

use super::{Recorder, Stepped};
use crate::stream::Stream;

/// Held and sold, by both sides.
type Difference = (String, &'static str, u64, u64);

impl Recorder {
    /// Whether there is a stream to read. One that was lost is never made anew by opening it: the
    /// sale is rebuilt, and its first event goes on above the ledger's newest.
    pub(super) async fn has_stream(&self) -> Result<bool, Stepped> {
        let Fence::Missing { keys, all } = self.desk.stock.fence().await? else {
            return Ok(true);
        };
        if !keys.contains(&"events") {
            return Ok(true);
        }
        match self.ledger.knows(self.desk.stock.id()).await? {
            true => {
                self.lost(&keys).await?;
                self.rebuild().await?;
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
        tracing::error!(sale.id = %sale, keys, "the stock store lost a part of the sale: closed until it is rebuilt from the ledger");
        self.desk.stock.mark_broken("a part was lost").await?;
        Ok(())
    }

    /// Looks at the fence; if the store restarted, drains the stream, compares and reopens.
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
            Fence::Open => return Ok(()),
            // Nobody has seeded it yet.
            Fence::Missing { all: true, .. } if !self.ledger.knows(sale).await? => return Ok(()),
            Fence::Missing { keys, .. } => {
                self.lost(&keys).await?;
                None
            }
            Fence::Shut(shut) => {
                match &shut.broken {
                    Some(reason) => {
                        tracing::error!(sale.id = %sale, reason, "the sale cannot be as it is: closed until it is repaired");
                    }
                    None => {
                        tracing::warn!(sale.id = %sale, "the stock store restarted: closed until it is compared with the ledger");
                    }
                }
                Some(shut)
            }
        };
        loop {
            let entries = stream.next(false).await?;
            if entries.is_empty() {
                break;
            }
            self.record(stream, term, &entries).await?;
        }
        // What a script found broken need not show in the figures compared here.
        let Some(shut) = shut.filter(|shut| shut.broken.is_none()) else {
            return self.rebuild().await;
        };
        let differences = self.differences().await?;
        for (sku, figure, stock, ledger) in &differences {
            tracing::error!(sale.id = %sale, %sku, figure, stock, ledger, "stock and ledger differ");
        }
        if !differences.is_empty() {
            // Selling on a stock that forgot an order would sell its unit again.
            return self.rebuild().await;
        }
        if let Reopened::Now(closed_ms) = self.desk.stock.reopen(&shut).await? {
            tracing::info!(sale.id = %sale, closed_ms, "compared and open again");
            gauge.set(1.0);
        }
        Ok(())
    }

    async fn differences(&self) -> Result<Vec<Difference>, Stepped> {
        let counts = self
            .desk
            .stock
            .counts()
            .await
            .map_err(lua::sale::SaleError::from)?;
        let totals = self.ledger.totals(self.desk.stock.id()).await?;
        let mut both: BTreeMap<String, ([u64; 3], [u64; 3])> = BTreeMap::new();
        for sku in counts.skus {
            both.entry(sku.sku.to_string()).or_default().0 = [sku.supplied, sku.held, sku.sold];
        }
        for sku in totals {
            both.entry(sku.sku.to_string()).or_default().1 = [sku.supplied, sku.held, sku.sold];
        }
        let figures = ["supplied", "held", "sold"];
        Ok(both
            .into_iter()
            .flat_map(|(sku, (stock, ledger))| {
                (0..3).map(move |at| (sku.clone(), figures[at], stock[at], ledger[at]))
            })
            .filter(|(_, _, stock, ledger)| stock != ledger)
            .collect())
    }
}
