//! The words and figures of one queue page, ready for the template.
//!
//! Pure: a page in, texts out. A slot that does not belong to the view stays empty; the script
//! fills it should the visitor get there.

use super::QueuePage;
use crate::{View, words};

/// Longest time between two looks without JavaScript: a turn is held for longer than that.
const LONGEST_REFRESH_S: u64 = 60;

#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one part of the page, seen or not"
)]
pub(super) struct Slots {
    pub(super) position: String,
    pub(super) exact: bool,
    pub(super) next: bool,
    pub(super) wait: String,
    pub(super) odds: String,
    pub(super) sold_out: String,
    pub(super) all_sold: bool,
    pub(super) number: String,
    pub(super) clock: String,
    pub(super) opens: String,
    pub(super) opens_iso: String,
    pub(super) retry: String,
    pub(super) offers_join: bool,
    pub(super) offers_claim: bool,
    pub(super) offers_leave: bool,
    pub(super) asks_again: bool,
    pub(super) refresh_s: Option<u32>,
    pub(super) retry_after_s: Option<u32>,
}

impl Slots {
    pub(super) fn of(page: &QueuePage<'_>) -> Self {
        let view = &page.view;
        let joined = page.number.is_some();
        let mut slots = Self {
            number: page.number.map(words::thousands).unwrap_or_default(),
            exact: true,
            offers_leave: joined && view.keeps_a_place(),
            refresh_s: Some(refresh(page)),
            ..Self::default()
        };
        if let Some(position) = view.position() {
            slots.position = words::thousands(position.value);
            slots.exact = position.exact;
            slots.next = position.value <= 1;
            if let Some(stock) = view.stock() {
                slots.odds = words::odds(position.value.saturating_sub(1), stock);
            }
        }
        match view {
            View::Countdown { opens_at, joinable } => {
                slots.offers_join = *joinable && !joined;
                if let Some(at) = opens_at {
                    slots.clock = words::clock(at.saturating_sub(page.server_time));
                    (slots.opens, slots.opens_iso) = words::moment(*at);
                }
            }
            View::Waiting { estimate, .. } => {
                slots.wait = estimate.map(words::wait).unwrap_or_default();
            }
            View::YourTurn { offer_expires_at } => {
                slots.offers_claim = true;
                slots.clock = words::clock(offer_expires_at.saturating_sub(page.server_time));
            }
            View::SoldOut { stock } => {
                slots.sold_out = words::sold_out(*stock);
                slots.all_sold = stock.held == 0;
                slots.offers_join = !joined && stock.held > 0;
            }
            View::TooMany { retry_after_s } | View::Unavailable { retry_after_s } => {
                slots.retry = words::pause(*retry_after_s);
                slots.retry_after_s = Some(*retry_after_s);
            }
            View::NotJoined | View::Left | View::Expired | View::Ended => {
                slots.offers_join = true;
                slots.refresh_s = None;
            }
            View::Closed => slots.refresh_s = None,
            View::Paused { .. } => slots.offers_join = !joined,
            View::Missed => {}
        }
        // At one's turn there is a button to press, and nothing to ask.
        slots.asks_again = slots.refresh_s.is_some() && !slots.offers_claim;
        slots
    }
}

/// When a browser without JavaScript asks again: by the server's interval, but in time for what
/// is about to happen, and never so often that the limit for one person is near.
fn refresh(page: &QueuePage<'_>) -> u32 {
    let until = |at: u64| at.saturating_sub(page.server_time).div_ceil(1000) + 1;
    let usual = page.poll_after_ms.div_ceil(1000);
    let seconds = match page.view {
        View::Countdown {
            opens_at: Some(at), ..
        } => usual.min(until(at)),
        // A reload in the middle of reading would only disturb: once, when the offer is over.
        View::YourTurn { offer_expires_at } => until(offer_expires_at),
        View::TooMany { retry_after_s } | View::Unavailable { retry_after_s } => {
            return retry_after_s.max(2);
        }
        _ => usual,
    };
    seconds.clamp(2, LONGEST_REFRESH_S) as u32
}
