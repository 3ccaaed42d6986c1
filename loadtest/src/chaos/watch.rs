//! Watches from outside whether the sale is open, and when it was disturbed.
//!
//! A hold's time counts only while the sale is open, so what the oracle says about time needs to
//! know when it was not: from the beginning of a fault until every service said again, and soon,
//! that the sale is open.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::shop::Shop;
use crate::clock::now_ms;

/// How often to look.
const EVERY: Duration = Duration::from_millis(50);
/// A look that takes longer found the sale disturbed, if only by a slow disk: what sweeps it waits
/// as long.
const SOON_MS: u64 = 500;

/// What was seen so far.
#[derive(Debug, Default)]
struct Seen {
    /// When the sale was seen open last, ms; the look began then.
    open_at: u64,
    /// When it was seen open, and soon, last.
    well_at: u64,
    /// From one such moment to the next, if a look in between was another.
    disturbed: Vec<(u64, u64)>,
    unwell: bool,
}

/// The watch. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Watch(Arc<Mutex<Seen>>);

impl Watch {
    /// Looks until `stop`.
    pub(super) async fn run(self, sale: Arc<Shop>, stop: CancellationToken) {
        self.0.lock().well_at = now_ms();
        while !stop.is_cancelled() {
            let began = now_ms();
            let open = sale.is_open().await;
            let ended = now_ms();
            {
                let mut seen = self.0.lock();
                if open {
                    seen.open_at = began;
                }
                let well = open && ended - began <= SOON_MS;
                if well {
                    if seen.unwell {
                        let disturbed = (seen.well_at, ended);
                        seen.disturbed.push(disturbed);
                    }
                    seen.well_at = began;
                }
                seen.unwell = !well;
            }
            stop.run_until_cancelled(tokio::time::sleep(EVERY)).await;
        }
    }

    /// Waits until a look that began after `from` found the sale open; how long that took, or
    /// nothing after `most`.
    pub(super) async fn reopened(&self, from: u64, most: Duration) -> Option<Duration> {
        let waiting = async {
            while self.0.lock().open_at < from {
                tokio::time::sleep(EVERY / 2).await;
            }
        };
        tokio::time::timeout(most, waiting).await.ok()?;
        Some(Duration::from_millis(self.0.lock().open_at - from))
    }

    /// When it was not open, or answered late.
    pub(super) fn disturbed(&self) -> Vec<(u64, u64)> {
        let seen = self.0.lock();
        let mut disturbed = seen.disturbed.clone();
        if seen.unwell {
            disturbed.push((seen.well_at, now_ms()));
        }
        disturbed
    }
}

/// Spans of time, joined where they overlap.
#[derive(Debug, Clone, Default)]
pub(super) struct Spans(Vec<(u64, u64)>);

impl Spans {
    /// From spans in any order.
    pub(super) fn new(mut spans: Vec<(u64, u64)>) -> Self {
        spans.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::new();
        for (from, to) in spans {
            match joined.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        Self(joined)
    }

    /// How much of them lies between `from` and `to`, ms.
    pub(super) fn within(&self, from: u64, to: u64) -> u64 {
        self.0
            .iter()
            .map(|(begin, end)| end.min(&to).saturating_sub(*begin.max(&from)))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_spans_count_once() {
        let spans = Spans::new(vec![(30, 40), (0, 10), (5, 20)]);
        assert_eq!(spans.within(0, 100), 30);
        assert_eq!(spans.within(15, 35), 10);
        assert_eq!(spans.within(21, 29), 0);
    }
}
