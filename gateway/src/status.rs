//! The public status document: one per room, the same bytes for everybody.
//!
//! A CDN or a proxy in front may keep it for a second and so answers nearly every poll of nearly
//! everybody. It carries what a page needs to compute its own position and to know when to ask
//! again. It is written once per refresh, not per request, and names nobody.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;

use crate::{
    config::Room as Policy,
    moment::{Moment, Phase, StockFigures, phase},
};

/// Most ranges of leavers in the document.
const RANGES: usize = 64;
/// How many minutes of releases count as near the front: longer than a background tab's silence.
const NEAR_MINUTES: u64 = 3;

/// Numbers this close to the watermark belong to visitors who ask personally.
pub(crate) fn personal_within(policy: &Policy) -> u64 {
    policy
        .rate_per_minute()
        .saturating_mul(NEAR_MINUTES)
        .max(policy.batch)
}

/// The document. All instants are Unix milliseconds.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StatusDocument {
    /// The room.
    #[schema(value_type = String, pattern = "^[a-z0-9-]{1,32}$", example = "main")]
    pub room: entry_pass::RoomId,
    /// Rises when the room's store was rebuilt: pages then show their ticket.
    pub epoch: u64,
    /// Where the room is in its life.
    pub phase: Phase,
    /// False while a store is away; the figures are then the last known ones.
    pub available: bool,
    /// Which, then. `reopening` while available: a store came back, people may join, and nobody new
    /// is let in until everybody from before had the time to come back.
    pub reason: Option<&'static str>,
    /// The watermark: the highest number released so far.
    pub serving: u64,
    /// How many wait.
    pub waiting: u64,
    /// The newest number given.
    pub issued: u64,
    /// Leavers beyond the watermark: up to which number, how many since the range before.
    pub gone: Vec<(u64, u64)>,
    /// Most let in per minute.
    pub rate_per_minute: u64,
    /// With at most this many ahead, ask again after this many milliseconds.
    pub poll_steps: Vec<(u64, u64)>,
    /// At or below this position, ask for the own ticket.
    pub personal_within: u64,
    /// The stock, or null when the room sells none.
    pub stock: Option<StockDocument>,
    /// When it opens.
    pub opens_at: Option<u64>,
    /// When it closes.
    pub closes_at: Option<u64>,
    /// The operator's sentence.
    pub message: Option<String>,
    /// The store's clock.
    pub server_time: u64,
}

/// Counts of units: `available + held + sold = supplied`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Counts {
    /// Can be reserved now.
    pub available: u64,
    /// Reserved and not confirmed: may come back.
    pub held: u64,
    /// Confirmed.
    pub sold: u64,
    /// All units there are.
    pub supplied: u64,
}

/// The stock of the room's sale.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StockDocument {
    /// Of all skus together.
    #[serde(flatten)]
    pub total: Counts,
    /// When it was so, Unix ms of the stock store's clock.
    pub as_of: u64,
    /// Of each sku, by its name.
    pub skus: BTreeMap<String, Counts>,
}

/// The document's bytes.
pub(crate) fn document(policy: &Policy, moment: &Moment) -> Bytes {
    let instant = |at: Option<std::time::SystemTime>| at.map(crate::moment::unix_ms);
    let document = StatusDocument {
        room: policy.id.clone(),
        epoch: moment.epoch,
        phase: phase(policy, moment.now_ms(), moment.stock.as_ref()),
        available: moment.outage.is_none(),
        reason: match moment.outage {
            Some(outage) => Some(outage.reason()),
            None => (moment.hold_until > moment.now_ms()).then_some("reopening"),
        },
        serving: moment.serving,
        waiting: moment.waiting,
        issued: moment.issued,
        gone: moment.gone.buckets(RANGES),
        rate_per_minute: policy.rate_per_minute(),
        poll_steps: policy.poll.pairs().collect(),
        personal_within: personal_within(policy),
        stock: moment.stock.as_ref().map(stock),
        opens_at: instant(policy.opens_at),
        closes_at: instant(policy.closes_at),
        message: policy.message.clone(),
        server_time: moment.now_ms(),
    };
    serde_json::to_vec(&document).unwrap_or_default().into()
}

fn stock(figures: &StockFigures) -> StockDocument {
    let skus = figures.skus.iter().map(|sku| {
        let counts = Counts {
            available: sku.available,
            held: sku.held,
            sold: sku.sold,
            supplied: sku.supplied,
        };
        (sku.sku.to_string(), counts)
    });
    StockDocument {
        total: Counts {
            available: figures.available,
            held: figures.held,
            sold: figures.sold,
            supplied: figures.supplied,
        },
        as_of: figures.as_of,
        skus: skus.collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_document_says_what_is_away_and_keeps_the_last_figures() {
        let policy: Policy =
            toml::from_str("id = \"r\"\nupstream = \"http://127.0.0.1:1\"").unwrap();
        let moment = Moment {
            serving: 7,
            issued: 20,
            waiting: 13,
            outage: Some(crate::moment::Outage::Waitlist),
            ..Moment::unknown(1000)
        };
        let document: Value = serde_json::from_slice(&document(&policy, &moment)).unwrap();
        assert_eq!(document["available"], false);
        assert_eq!(document["reason"], "waitlist-store-away");
        assert_eq!(
            (&document["serving"], &document["phase"]),
            (&json!(7), &json!("open"))
        );
        assert_eq!(document["stock"], Value::Null);
        assert_eq!(document["personal_within"], 3000);
    }
}
