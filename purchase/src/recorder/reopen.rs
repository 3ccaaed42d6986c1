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
        let compared = match fence {
            Fence::Open => return Ok(()),
            // Nobody has seeded it yet.
            Fence::Missing if !self.ledger.knows(sale).await? => return Ok(()),
            Fence::Missing => None,
            Fence::Restarted(compared) => Some(compared),
        };
        tracing::warn!(sale.id = %sale, lost = compared.is_none(), "the stock store restarted: closed until it is compared with the ledger");
        loop {
            let entries = stream.next(false).await?;
            if entries.is_empty() {
                break;
            }
            self.record(stream, term, &entries).await?;
        }
        let Some(compared) = compared else {
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
        if let Reopened::Now(closed_ms) = self.desk.stock.reopen(&compared).await? {
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
