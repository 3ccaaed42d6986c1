//! Reservations and orders as the visitors were told of them.

use std::collections::{BTreeSet, HashSet};

use super::Evidence;
use crate::observation::{Answer, Ask, Trick};

/// A reservation as its owner knows it. `until` is the last moment in which it surely stands:
/// its deadline, or for ever once it was confirmed.
pub(super) struct Hold<'a> {
    pub(super) visitor: u32,
    pub(super) id: &'a str,
    pub(super) units: &'a [u64],
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) confirmed: bool,
    pub(super) expires_at: u64,
}

/// Every reservation that was given to anybody, tricks included.
pub(super) fn holds<'a>(evidence: &Evidence<'a>) -> Vec<Hold<'a>> {
    let sold: BTreeSet<&str> = evidence
        .seen
        .answers
        .iter()
        .filter(|answer| confirms(answer))
        .filter_map(|answer| answer.deal.as_deref()?.reservation.as_deref())
        .collect();
    let mut known = HashSet::new();
    let mut holds = Vec::new();
    for answer in &evidence.seen.answers {
        let given = answer.is_success()
            && (answer.ask == Ask::Reserve
                || answer
                    .attempt
                    .as_ref()
                    .is_some_and(|tried| tried.trick.reserves()));
        let Some(deal) = answer.deal.as_deref().filter(|_| given) else {
            continue;
        };
        let Some(id) = deal.reservation.as_deref().filter(|id| known.insert(*id)) else {
            continue;
        };
        let confirmed = sold.contains(id);
        let expires_at = answer.expires_at.unwrap_or(answer.answered);
        holds.push(Hold {
            visitor: answer.visitor,
            id,
            units: &deal.units,
            from: answer.answered,
            until: if confirmed { u64::MAX } else { expires_at },
            confirmed,
            expires_at,
        });
    }
    holds
}

/// Orders told by a confirm answered 200.
pub(super) fn confirmed<'a>(
    evidence: &Evidence<'a>,
) -> impl Iterator<Item = (&'a Answer, &'a str)> {
    evidence
        .seen
        .answers
        .iter()
        .filter(|answer| confirms(answer))
        .filter_map(|answer| {
            answer
                .deal
                .as_deref()?
                .order
                .as_deref()
                .map(|order| (answer, order))
        })
}

fn confirms(answer: &Answer) -> bool {
    let stolen = || {
        answer
            .attempt
            .as_ref()
            .is_some_and(|tried| tried.trick == Trick::AnothersReservation)
    };
    answer.status == 200 && (answer.ask == Ask::Confirm || stolen())
}

impl Trick {
    /// Whether the trick asks for a reservation.
    fn reserves(self) -> bool {
        matches!(
            self,
            Self::AnothersPass | Self::ReserveWithoutPass | Self::ReserveTwice
        )
    }
}
