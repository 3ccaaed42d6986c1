//! The phase of a room: a pure function of its policy, the time and the stock.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::StockFigures;
use crate::config::Room as Policy;

/// Where a room is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Too early to join.
    Scheduled,
    /// People may join; nobody is let in yet.
    Prequeue,
    /// People are let in.
    Open,
    /// The operator lets nobody in for now.
    Paused,
    /// All is sold: nothing held that could come back.
    SoldOut,
    /// Over.
    Closed,
}

impl Phase {
    /// Whether batches are released in it.
    pub fn releases(self) -> bool {
        self == Self::Open
    }

    /// Whether people may join in it. A sold-out room goes on taking people: a refund would be
    /// offered to the next in line, and the page says plainly that nothing is left.
    pub fn takes_joins(self) -> bool {
        !matches!(self, Self::Scheduled | Self::Closed)
    }
}

/// The phase at `now_ms`, Unix milliseconds of the store's clock.
pub fn phase(policy: &Policy, now_ms: u64, stock: Option<&StockFigures>) -> Phase {
    let reached = |at: Option<SystemTime>| at.is_some_and(|at| now_ms >= unix_ms(at));
    if reached(policy.closes_at) {
        return Phase::Closed;
    }
    if policy.opens_at.is_some() && !reached(policy.opens_at) {
        return if policy.prequeue_from.is_some() && !reached(policy.prequeue_from) {
            Phase::Scheduled
        } else {
            Phase::Prequeue
        };
    }
    if stock.is_some_and(StockFigures::all_sold) {
        return Phase::SoldOut;
    }
    if policy.paused {
        Phase::Paused
    } else {
        Phase::Open
    }
}

/// Unix milliseconds of a configured instant.
pub(crate) fn unix_ms(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn policy(extra: &str) -> Policy {
        toml::from_str(&format!(
            "id = \"r\"\nupstream = \"http://127.0.0.1:1\"\n{extra}"
        ))
        .unwrap()
    }

    fn stock(available: u64, held: u64, sold: u64) -> StockFigures {
        StockFigures {
            available,
            held,
            sold,
            supplied: available + held + sold,
            as_of: 0,
            skus: Vec::new(),
        }
    }

    #[test]
    fn a_room_goes_through_its_phases_by_the_clock() {
        let mut policy = policy("");
        let at = |s| Some(UNIX_EPOCH + Duration::from_secs(s));
        (policy.prequeue_from, policy.opens_at, policy.closes_at) = (at(10), at(20), at(30));
        let phases = [
            (9_999, Phase::Scheduled),
            (10_000, Phase::Prequeue),
            (19_999, Phase::Prequeue),
            (20_000, Phase::Open),
            (29_999, Phase::Open),
            (30_000, Phase::Closed),
        ];
        for (now, expected) in phases {
            assert_eq!(phase(&policy, now, None), expected, "at {now}");
        }
    }

    #[test]
    fn sold_out_is_only_said_when_nothing_can_come_back() {
        let policy = policy("");
        assert_eq!(phase(&policy, 0, Some(&stock(0, 1, 9))), Phase::Open);
        assert_eq!(phase(&policy, 0, Some(&stock(0, 0, 10))), Phase::SoldOut);
        assert_eq!(
            phase(&policy, 0, None),
            Phase::Open,
            "an unknown stock is not a sold one"
        );
        assert_eq!(
            phase(&policy, 0, Some(&stock(0, 0, 0))),
            Phase::Open,
            "nothing supplied yet"
        );
    }

    #[test]
    fn a_paused_room_takes_people_and_lets_none_in() {
        let paused = phase(&policy("paused = true"), 0, None);
        assert_eq!(
            (paused, paused.takes_joins(), paused.releases()),
            (Phase::Paused, true, false)
        );
    }
}
