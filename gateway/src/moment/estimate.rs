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
/// before the opening is set, while paused or sold out, beyond what is left to sell, or while the
/// room is full and nobody was let in for a minute.
///
/// The pace is what was seen in the last minute, or the release rate while that minute has not been
/// full yet. Half and nine tenths: the pace of a line swings by how long people stay inside, so the
/// 90 % figure allows for half as long again and one tick.
pub fn estimate(policy: &Policy, moment: &Moment, phase: Phase, position: u64) -> Option<Estimate> {
    let tick_s = policy.tick.as_secs_f64();
    let rate = policy.rate_per_minute().max(1) as f64 / 60.0;
    if moment.outage.is_some() {
        return None;
    }
    if moment
        .stock
        .as_ref()
        .is_some_and(|stock| position > stock.available + stock.held)
    {
        return None;
    }
    let (pace, before) = match phase {
        Phase::Prequeue => {
            let opens = policy.opens_at.map_or(0, unix_ms);
            (rate, opens.saturating_sub(moment.now_ms()) as f64 / 1000.0)
        }
        Phase::Open => {
            let room_left = moment.inside < policy.capacity;
            let seen = moment.released_lately as f64 / 60.0;
            let pace = if room_left { rate } else { seen };
            if pace <= 0.0 {
                return None;
            }
            (pace, 0.0)
        }
        _ => return None,
    };
    let batches = (position as f64 / (pace * tick_s)).ceil().max(1.0);
    let wait = batches * tick_s;
    Some(Estimate {
        p50_s: (before + wait).ceil() as u64,
        p90_s: (before + wait * 1.5 + tick_s).ceil() as u64,
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

    fn moment(inside: u64, released_lately: u64) -> Moment {
        Moment {
            inside,
            released_lately,
            outage: None,
            ..Moment::unknown(0)
        }
    }

    #[test]
    fn with_room_inside_the_wait_is_the_release_rate() {
        let at = |position| estimate(&policy(), &moment(0, 0), Phase::Open, position).unwrap();
        assert_eq!(at(1), Estimate { p50_s: 2, p90_s: 5 });
        assert_eq!(at(10).p50_s, 2);
        assert_eq!(at(11).p50_s, 4);
        assert_eq!(at(300).p50_s, 60);
    }

    #[test]
    fn in_a_full_room_the_wait_is_what_was_seen() {
        let at = |position| estimate(&policy(), &moment(100, 60), Phase::Open, position);
        assert_eq!(at(10).unwrap().p50_s, 10);
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
        assert!(estimate(&policy(), &short, Phase::Open, 5).is_some());
        assert_eq!(estimate(&policy(), &short, Phase::Open, 6), None);
        assert_eq!(estimate(&policy(), &moment(0, 0), Phase::Paused, 1), None);
    }
}
