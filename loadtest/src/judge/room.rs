//! The room: never more inside than its capacity, never more let in than its rate.

use std::collections::HashMap;

use super::{Allowed, Check, Evidence};
use crate::observation::{Answer, Ask, Observations, State};

/// A time in which one visitor surely occupied capacity, offered or inside. Unix ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// Index of the visitor.
    pub visitor: u32,
    /// By the server's word.
    pub released_at: u64,
    /// The moment the visitor asked to leave, or the last deadline it was told, whichever is first.
    /// Sessions slide, so the true end may be later: this proves an overlap and never invents one.
    pub until: u64,
    /// It had waited before: it was let in by a release and not straight at the door.
    pub waited: bool,
}

/// Every stay the visitors know of, by release.
pub fn stays(seen: &Observations) -> Vec<Stay> {
    let mut open: HashMap<u32, Stay> = HashMap::new();
    let mut waited: HashMap<u32, bool> = HashMap::new();
    let mut stays = Vec::new();
    for answer in &seen.answers {
        if answer.state == Some(State::Waiting) {
            waited.insert(answer.visitor, true);
        }
        if let Some(stay) = open.get_mut(&answer.visitor) {
            stay.heard(answer);
        }
        let told = matches!(answer.ask, Ask::Join | Ask::Ticket | Ask::Claim);
        let Some(released_at) = answer.released_at.filter(|_| told) else {
            continue;
        };
        if open
            .get(&answer.visitor)
            .is_some_and(|stay| stay.released_at == released_at)
        {
            continue;
        }
        let stay = Stay {
            visitor: answer.visitor,
            released_at,
            until: deadline(answer).unwrap_or(released_at),
            waited: waited.get(&answer.visitor).copied().unwrap_or(false),
        };
        if let Some(mut before) = open.insert(answer.visitor, stay) {
            before.until = before.until.min(released_at);
            stays.push(before);
        }
    }
    stays.extend(open.into_values());
    stays.sort_by_key(|stay| (stay.released_at, stay.visitor));
    stays
}

fn deadline(answer: &Answer) -> Option<u64> {
    match answer.state {
        Some(State::Offered) => answer.offer_expires_at,
        Some(State::Admitted) => answer.expires_at,
        _ => None,
    }
}

impl Stay {
    fn heard(&mut self, answer: &Answer) {
        match answer.ask {
            // Heard or not: the server may have acted on it from the moment it was sent.
            Ask::Leave | Ask::ThankYou => self.until = self.until.min(answer.asked),
            _ if answer.released_at == Some(self.released_at) => {
                self.until = deadline(answer).unwrap_or(self.until);
            }
            _ => {}
        }
    }
}

pub(super) fn checks(evidence: &Evidence<'_>, checks: &mut Vec<Check>) {
    let policy = &evidence.plan.policy;
    let stays = stays(evidence.seen);
    let (most, at) = most_inside(&stays);
    checks.push(
        Check::new(
            "capacity",
            "most inside at once",
            most,
            Allowed::AtMost(policy.capacity),
        )
        .with(
            (most > policy.capacity)
                .then(|| format!("at {at}"))
                .into_iter()
                .collect(),
        ),
    );
    let minute = densest(stays.iter().map(|stay| stay.released_at), 60_000);
    let rate = policy.rate_per_minute();
    checks.push(window(
        "rate",
        "most let in within any minute",
        minute,
        rate,
    ));
    // A tenth off: a release may come that much early by rounding, two per tick may not.
    let tick = (policy.tick.as_millis() as u64 * 9 / 10).max(1);
    let released = stays
        .iter()
        .filter(|stay| stay.waited)
        .map(|stay| stay.released_at);
    checks.push(window(
        "batch",
        "most released in one tick",
        densest(released, tick),
        policy.batch,
    ));
}

fn window(name: &str, promise: &str, (most, until): (u64, u64), allowed: u64) -> Check {
    let example = (most > allowed).then(|| format!("{most} up to {until}"));
    Check::new(name, promise, most, Allowed::AtMost(allowed)).with(example.into_iter().collect())
}

/// The most stays that overlap, and when. One that ends in the millisecond in which another begins
/// has made room for it.
fn most_inside(stays: &[Stay]) -> (u64, u64) {
    let mut steps: Vec<(u64, i64)> = stays
        .iter()
        .filter(|stay| stay.until > stay.released_at)
        .flat_map(|stay| [(stay.released_at, 1), (stay.until, -1)])
        .collect();
    steps.sort_unstable();
    let (mut inside, mut most, mut when) = (0, 0, 0);
    for (at, step) in steps {
        inside += step;
        if inside > most {
            (most, when) = (inside, at);
        }
    }
    (most.unsigned_abs(), when)
}

/// The most moments within any window of this length (its far end excluded), and its last one.
fn densest(moments: impl Iterator<Item = u64>, window_ms: u64) -> (u64, u64) {
    let mut moments: Vec<u64> = moments.collect();
    moments.sort_unstable();
    let (mut first, mut most, mut until) = (0, 0, 0);
    for (at, moment) in moments.iter().enumerate() {
        while moments[first] + window_ms <= *moment {
            first += 1;
        }
        let within = (at - first + 1) as u64;
        if within > most {
            (most, until) = (within, *moment);
        }
    }
    (most, until)
}
