//! How long the wait may be: a pure function, used by the answers and by their tests.

use crate::config::Room as Policy;

use super::{Moment, Phase, phase::unix_ms};

/// Estimated wait in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Half of the people in this place wait no longer.
    pub p50_s: u64,
    /// Nine in ten wait no longer.
    pub p90_s: u64,
}

/// The wait of the visitor at `position` (1 is next), or `None` while nobody can honestly tell:
/// before the opening is set, while paused or sold out, beyond what can be bought now, or while the
/// room is full and nobody was let in for a minute.
///
/// Until the next tick, then a tick for every further batch. In a full room a batch is what was let
/// in per tick in the last minute. The pace of a line swings by how long people stay inside, so the
/// 90 % figure allows for half as long again and one tick.
pub fn estimate(policy: &Policy, moment: &Moment, phase: Phase, position: u64) -> Option<Estimate> {
    if moment.outage.is_some() {
        return None;
    }
    if moment
        .stock
        .as_ref()
        .is_some_and(|stock| position > stock.available)
    {
        return None;
    }
    let tick_s = policy.tick.as_secs_f64();
    let now = moment.now_ms();
    let (batch, before) = match phase {
        Phase::Prequeue => {
            let opens = policy.opens_at.map_or(0, unix_ms);
            (
                policy.batch as f64,
                opens.saturating_sub(now) as f64 / 1000.0,
            )
        }
        Phase::Open => {
            let room_left = moment.inside < policy.capacity;
            let seen = moment.released_lately as f64 * tick_s / 60.0;
            let next = (moment.released_at + policy.tick_ms()).saturating_sub(now);
            let hold = moment.hold_until.saturating_sub(now) as f64 / 1000.0;
            let next = (next as f64 / 1000.0).min(tick_s).max(hold);
            (if room_left { policy.batch as f64 } else { seen }, next)
        }
        _ => return None,
    };
    if batch <= 0.0 {
        return None;
    }
    let further = (position as f64 / batch).ceil().max(1.0) - 1.0;
    let wait = before + further * tick_s;
    Some(Estimate {
        p50_s: (wait.round() as u64).max(1),
        p90_s: (before + further * tick_s * 1.5 + tick_s).ceil() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::StockFigures;

    fn policy() -> Policy {
        toml::from_str(
            "id = \"r\"\nupstream = \"http://127.0.0.1:1\"\nbatch = 10\ntick = \"2s\"\n\
             capacity = 100",
        )
        .unwrap()
    }

    /// Half a tick after the last release.
    fn moment(inside: u64, released_lately: u64) -> Moment {
        Moment {
            inside,
            released_lately,
            released_at: 9_000,
            outage: None,
            ..Moment::unknown(10_000)
        }
    }

    #[test]
    fn with_room_inside_the_wait_is_the_release_rate() {
        let at = |position| estimate(&policy(), &moment(0, 0), Phase::Open, position).unwrap();
        assert_eq!(at(1), Estimate { p50_s: 1, p90_s: 3 });
        assert_eq!(at(10).p50_s, 1);
        assert_eq!(at(11).p50_s, 3);
        assert_eq!(at(300).p50_s, 59);
    }

    #[test]
    fn in_a_full_room_the_wait_is_what_was_seen() {
        let at = |position| estimate(&policy(), &moment(100, 60), Phase::Open, position);
        assert_eq!(at(10).unwrap().p50_s, 9);
        assert_eq!(estimate(&policy(), &moment(100, 0), Phase::Open, 1), None);
    }

    #[test]
    fn nobody_is_promised_a_turn_that_the_stock_cannot_keep() {
        let mut short = moment(0, 0);
        short.stock = Some(StockFigures {
            available: 3,
            held: 2,
            sold: 0,
            supplied: 5,
            as_of: 0,
            skus: Vec::new(),
        });
        assert!(estimate(&policy(), &short, Phase::Open, 3).is_some());
        assert_eq!(estimate(&policy(), &short, Phase::Open, 4), None);
        assert_eq!(estimate(&policy(), &moment(0, 0), Phase::Paused, 1), None);
    }
}
