//! Order: who had a ticket first is let in first, and nobody loses a place.
//!
//! "First" is what can be proven from outside: A's ticket was answered before B asked for one. Then
//! A must have the smaller number and be released no later than B. A is excused when it was away at
//! its turn (by its role, or silent for longer than the room promises to wait); but back again, it
//! must be next.

use std::collections::HashMap;

use super::{Check, Evidence};
use crate::{
    observation::{Answer, Ask, State},
    plan::Role,
};

/// One stay in line of one visitor.
#[derive(Debug, Clone)]
struct Place {
    visitor: u32,
    number: u64,
    /// The first request that can have taken the number.
    asked: u64,
    /// The first answer that told it.
    answered: u64,
    /// When it was released, as first told.
    released: Option<u64>,
    /// The last moment at which it was surely still waiting, when no release was ever told.
    still_waiting: Option<u64>,
    /// Its longest silence while it waited: from one request to the next.
    silence: (u64, u64),
    excused: bool,
    last_asked: u64,
}

pub(super) fn checks(evidence: &Evidence<'_>, checks: &mut Vec<Check>) {
    let (places, lost) = places(evidence);
    checks.push(numbers(&places));
    checks.push(inversions(&places));
    checks.push(returned(evidence, &places));
    checks.push(Check::none(
        "places_lost",
        "places lost while waiting",
        lost,
    ));
}

/// Every stay in line, in the order asked, and every place that was lost.
fn places(evidence: &Evidence<'_>) -> (Vec<Place>, Vec<String>) {
    let cast = evidence.plan.cast();
    let role = |visitor: u32| cast.get(visitor as usize).copied().unwrap_or(Role::Buyer);
    let mut now: HashMap<u32, Place> = HashMap::new();
    // Who has asked for a ticket and does not know of one yet.
    let mut asking: HashMap<u32, u64> = HashMap::new();
    let mut done = Vec::new();
    let mut lost = Vec::new();
    for answer in &evidence.seen.answers {
        let visitor = answer.visitor;
        if answer.took_a_place() {
            asking.entry(visitor).or_insert(answer.asked);
        }
        if let Some(place) = now.get_mut(&visitor) {
            place.heard(answer, evidence);
            if let Some(how) = place.lost(answer, role(visitor), evidence) {
                lost.push(how);
            }
            if over(answer) {
                done.extend(now.remove(&visitor));
                asking.remove(&visitor);
                continue;
            }
        }
        let told = answer.number.filter(|_| {
            matches!(answer.ask, Ask::Join | Ask::Ticket | Ask::Claim) && answer.state.is_some()
        });
        let Some(number) = told else { continue };
        if now
            .get(&visitor)
            .is_some_and(|place| place.number == number)
        {
            continue;
        }
        let mut place = Place {
            visitor,
            number,
            asked: asking.get(&visitor).copied().unwrap_or(answer.asked),
            answered: answer.answered,
            released: None,
            still_waiting: None,
            silence: (answer.asked, answer.asked),
            excused: role(visitor) == Role::Absent,
            last_asked: answer.asked,
        };
        place.heard(answer, evidence);
        done.extend(now.insert(visitor, place));
    }
    done.extend(now.into_values());
    done.sort_by_key(|place| (place.asked, place.visitor, place.number));
    (done, lost)
}

impl Place {
    /// Takes in what an answer says about this place.
    fn heard(&mut self, answer: &Answer, evidence: &Evidence<'_>) {
        let policy = &evidence.plan.policy;
        let present = matches!(
            answer.ask,
            Ask::Join | Ask::Ticket | Ask::Status | Ask::Claim
        );
        if present && self.released.is_none() {
            if answer.asked - self.last_asked > self.silence.1 - self.silence.0 {
                self.silence = (self.last_asked, answer.asked);
            }
            let longest = self.silence.1 - self.silence.0;
            self.excused |= longest > policy.away_after.as_millis() as u64;
            self.last_asked = answer.asked;
        }
        if self.released.is_none() && answer.number.is_none_or(|told| told == self.number) {
            self.released = answer.released_at.filter(|_| present);
        }
        let stale = policy.stale_after.as_millis() as u64;
        let waits = answer.state == Some(State::Waiting)
            || answer.serving.is_some_and(|serving| serving < self.number);
        if self.released.is_some() {
            self.still_waiting = None;
        } else if waits {
            self.still_waiting = Some(answer.asked.saturating_sub(stale));
        }
    }

    /// Whether an answer shows that this place was taken from its owner, and how.
    fn lost(&self, answer: &Answer, role: Role, evidence: &Evidence<'_>) -> Option<String> {
        let (visitor, number) = (self.visitor, self.number);
        let own = matches!(answer.ask, Ask::Join | Ask::Ticket | Ask::Claim);
        if !own
            || self
                .released
                .is_some_and(|_| answer.state != Some(State::Waiting))
        {
            return None;
        }
        if let Some(other) = answer.number.filter(|other| *other != number) {
            return Some(format!(
                "visitor {visitor} waited with {number} and was given {other}"
            ));
        }
        if answer.status == 404 {
            return Some(format!(
                "visitor {visitor} waited with {number}; the room knew no ticket"
            ));
        }
        let away = role == Role::Absent
            || self.silence.1 - self.silence.0 > evidence.plan.policy.away_after.as_millis() as u64;
        let gone = matches!(
            answer.state,
            Some(State::Expired | State::Ended | State::Left)
        );
        (gone && !away).then(|| {
            format!(
                "visitor {visitor} waited with {number} and was told {:?}",
                answer.state
            )
        })
    }

    /// When it was released, or until when it surely was not.
    fn release(&self) -> Option<u64> {
        self.released.or(self.still_waiting)
    }
}

/// Whether the stay is over by this answer: left, finished, or run out.
fn over(answer: &Answer) -> bool {
    matches!(answer.ask, Ask::Leave | Ask::ThankYou)
        || matches!(
            answer.state,
            Some(State::Left | State::Ended | State::Expired)
        )
        || (answer.status == 404 && matches!(answer.ask, Ask::Ticket | Ask::Claim))
}

/// For every place, the one among those answered before it asked that is worst by `key`; a sweep,
/// so that twenty thousand places cost a sort and not two hundred million comparisons.
fn overtaken(
    places: &[Place],
    eligible: impl Fn(&Place) -> bool,
    key: impl Fn(&Place) -> u64,
) -> Vec<(&Place, &Place)> {
    let mut answered: Vec<&Place> = places.iter().filter(|place| eligible(place)).collect();
    answered.sort_by_key(|place| place.answered);
    let mut earlier = answered.into_iter().peekable();
    let mut worst: Option<&Place> = None;
    let mut pairs = Vec::new();
    for place in places {
        while let Some(before) = earlier.next_if(|before| before.answered < place.asked) {
            if worst.is_none_or(|worst| key(before) > key(worst)) {
                worst = Some(before);
            }
        }
        pairs.extend(worst.map(|worst| (worst, place)));
    }
    pairs
}

fn numbers(places: &[Place]) -> Check {
    let inverted = overtaken(places, |_| true, |place| place.number)
        .into_iter()
        .filter(|(before, place)| before.number >= place.number)
        .map(|(before, place)| {
            format!(
                "visitor {} had number {} before visitor {} asked and got {}",
                before.visitor, before.number, place.visitor, place.number
            )
        });
    let promise = "tickets numbered against the order of arrival";
    Check::none("number_inversions", promise, inverted.collect())
}

fn inversions(places: &[Place]) -> Check {
    let eligible = |place: &Place| !place.excused && place.release().is_some();
    let inverted =
        overtaken(places, eligible, |place| place.release().unwrap_or(0))
            .into_iter()
            .filter_map(|(before, place)| {
                let (theirs, own) = (before.release()?, place.released?);
                (theirs > own).then(|| {
                format!(
                    "visitor {} (number {}) was let in {} ms before visitor {} (number {}), who \
                     had a ticket first",
                    place.visitor, place.number, theirs - own, before.visitor, before.number
                )
            })
            });
    Check::none(
        "order_inversions",
        "visitors let in before one who came first",
        inverted.collect(),
    )
}

/// Who was away at its turn and is back must be next: nobody who came later may be let in between
/// its return and its own release.
fn returned(evidence: &Evidence<'_>, places: &[Place]) -> Check {
    let policy = &evidence.plan.policy;
    let slack = (policy.stale_after + policy.tick).as_millis() as u64;
    let mut passed_over = Vec::new();
    for away in places.iter().filter(|place| place.excused) {
        let Some(release) = away.release() else {
            continue;
        };
        let back = away.silence.1 + slack;
        // Only if its turn had come while it was away: else it has its place in line as before.
        let later = || places.iter().filter(|place| place.asked > away.answered);
        let missed = later().any(|place| place.released.is_some_and(|at| at < away.silence.1));
        let by = later().find(|place| place.released.is_some_and(|at| at > back && at < release));
        if let Some(by) = by.filter(|_| missed) {
            passed_over.push(format!(
                "visitor {} (number {}) was back, and visitor {} (number {}) was let in first",
                away.visitor, away.number, by.visitor, by.number
            ));
        }
    }
    Check::none(
        "returned_passed_over",
        "returned visitors who were passed over",
        passed_over,
    )
}
