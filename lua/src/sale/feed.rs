//! What the line must know about the stock: counts, and who holds something or let go.
//!
//! Read a few times a second by each gateway; when nothing changed it costs one small script.

use std::collections::BTreeMap;

use entry_pass::{PersonId, Sku};

use super::{Sale, scripts};
use crate::ScriptError;

/// Most events in one answer.
const MOST: &str = "1000";

/// The counts of one sku. Their sum, without `supplied`, is `supplied`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkuCounts {
    /// Which.
    pub sku: Sku,
    /// Can be reserved now.
    pub available: u64,
    /// Reserved and not confirmed.
    pub held: u64,
    /// Confirmed.
    pub sold: u64,
    /// Units in all.
    pub supplied: u64,
    /// Most per person.
    pub limit: u32,
}

/// One person's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Now holds or bought.
    Reserved(PersonId),
    /// Cancelled: may want a unit again. Who let a hold run out or was paid back has had the turn.
    Freed(PersonId),
}

/// Counts of one moment and the events up to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Whether the sale is open. If not (the store restarted, or lost the sale), the counts are the
    /// last known ones and nothing can be sold; that is never "sold out".
    pub open: bool,
    /// The last event covered; pass it next time, `0-0` at first.
    pub cursor: String,
    /// More events are there already.
    pub more: bool,
    /// The store's time, ms.
    pub as_of_ms: u64,
    /// By sku, in the order of their names.
    pub skus: Vec<SkuCounts>,
    /// In the order of the stream, at most 1000.
    pub marks: Vec<Mark>,
}

impl Sale {
    /// Counts and the events after `cursor`.
    pub async fn feed(&self, cursor: &str) -> Result<Feed, ScriptError> {
        // The script would take anything for a stream id and fail on it.
        let known = cursor.parse::<super::EventId>().is_ok();
        self.read_feed(if known { cursor } else { "0-0" }).await
    }

    /// Counts without events.
    pub async fn counts(&self) -> Result<Feed, ScriptError> {
        self.read_feed("-").await
    }

    async fn read_feed(&self, cursor: &str) -> Result<Feed, ScriptError> {
        let script = &*scripts::FEED;
        let value = self
            .shared(script, &self.keys.whole(), &[cursor, MOST])
            .await?;
        let (word, as_of_ms, stock, cursor, more, marks): Answer =
            redis::from_redis_value(value).map_err(|error| script.unexpected(error))?;
        Ok(Feed {
            open: word == "open",
            cursor,
            more,
            as_of_ms,
            skus: counts(&stock),
            marks: marks
                .chunks_exact(2)
                .filter_map(|mark| {
                    let person = mark[1].parse().ok()?;
                    Some(if mark[0] == "r" {
                        Mark::Reserved(person)
                    } else {
                        Mark::Freed(person)
                    })
                })
                .collect(),
        })
    }
}

type Answer = (
    String,
    u64,
    Vec<(String, String)>,
    String,
    bool,
    Vec<String>,
);

/// `{sku}:{figure}` fields as counts. A sku with a figure missing is left out: it is not sellable.
fn counts(stock: &[(String, String)]) -> Vec<SkuCounts> {
    let mut figures: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for (field, value) in stock {
        if let (Some((sku, figure)), Ok(value)) = (field.rsplit_once(':'), value.parse()) {
            figures.entry(sku).or_default().insert(figure, value);
        }
    }
    figures
        .into_iter()
        .filter_map(|(sku, figures)| {
            Some(SkuCounts {
                sku: sku.parse().ok()?,
                available: *figures.get("available")?,
                held: *figures.get("held")?,
                sold: *figures.get("sold")?,
                supplied: *figures.get("supplied")?,
                limit: u32::try_from(*figures.get("limit")?).ok()?,
            })
        })
        .collect()
}
