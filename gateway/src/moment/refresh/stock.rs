//! The stock in the moment: what the stock store says, told to the line.

use lua::{
    room::{StockMark, WaitlistError},
    sale::{Feed, Mark, Sale},
};

use super::{Refresher, patiently};
use crate::moment::{Moment, Outage, SkuFigures, StockFigures};

/// Most stretches of the sale's stream read in a row; the next round goes on.
const STRETCHES: usize = 20;

impl Refresher {
    /// Reads the sale's stream from where the room stands and tells the room. Any gateway may: each
    /// stretch counts once.
    pub(super) async fn read_stock(
        &self,
        sale: &Sale,
        cursor: &str,
        before: &Moment,
        moment: &mut Moment,
    ) {
        let mut cursor = cursor.to_owned();
        for _ in 0..STRETCHES {
            let feed = match patiently(sale.feed(&cursor)).await {
                Ok(feed) => feed,
                Err(silence) => {
                    if before.outage != Some(Outage::Stock) {
                        tracing::warn!(room.id = %self.policy.id, %silence, "the stock store is away");
                    }
                    moment.outage = Some(Outage::Stock);
                    return;
                }
            };
            if !feed.open {
                moment.outage = Some(Outage::Stock);
                return;
            }
            let figures = figures(&feed);
            let unchanged = feed.cursor == cursor
                && before
                    .stock
                    .as_ref()
                    .is_some_and(|known| known.skus == figures.skus);
            if !unchanged {
                match self.tell(&cursor, &feed, figures.available).await {
                    Ok(stands) => cursor = stands,
                    Err(error) => {
                        tracing::warn!(room.id = %self.policy.id, %error, "the line was not told");
                        return;
                    }
                }
            }
            moment.stock = Some(figures);
            if !feed.more {
                return;
            }
        }
    }

    async fn tell(&self, from: &str, feed: &Feed, sellable: u64) -> Result<String, WaitlistError> {
        let marks: Vec<StockMark> = feed
            .marks
            .iter()
            .map(|mark| match mark {
                Mark::Reserved(person) => StockMark::Reserved(person.clone()),
                Mark::Freed(person) => StockMark::Freed(person.clone()),
            })
            .collect();
        self.waitlist
            .apply_stock(from, &feed.cursor, sellable, &marks)
            .await
    }
}

fn figures(feed: &Feed) -> StockFigures {
    let skus = feed
        .skus
        .iter()
        .map(|counts| SkuFigures {
            sku: counts.sku.clone(),
            available: counts.available,
            held: counts.held,
            sold: counts.sold,
            supplied: counts.supplied,
        })
        .collect();
    StockFigures::of(skus, feed.as_of_ms)
}
