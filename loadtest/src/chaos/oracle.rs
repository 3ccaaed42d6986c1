//! The oracle: what the buyers were told, against what is true at the rest.
//!
//! A pure function, as the demo's judge is one. Where the log cannot prove a breach it rules for the
//! system. Only a wiped stock store excuses anything: what it had and the ledger had not may be gone,
//! and then nobody was told that it is in the ledger.

use std::collections::HashMap;

use super::{
    heard::{Ask, Heard},
    plan::Round,
    rest::Rest,
    watch::Spans,
};
use crate::judge::Check;

mod answers;
mod holds;
mod kept;
mod replay;
mod stock;

use replay::Replay;

/// One round, as it is judged.
pub(super) struct Case<'a> {
    /// What was set up.
    pub(super) round: &'a Round,
    /// What buyers were told.
    pub(super) heard: &'a [Heard],
    /// What is true now.
    pub(super) rest: &'a Rest,
    /// When the sale was disturbed: faults, and until it was open again.
    pub(super) disturbed: &'a Spans,
    /// When the stock store was wiped, ms.
    pub(super) wiped: &'a [u64],
    /// Faults after which the sale did not open again in time.
    pub(super) not_reopened: &'a [String],
    /// Processes that ended without being told to.
    pub(super) fallen: &'a [String],
}

impl Case<'_> {
    /// Whether what was answered to a question asked at `from` may have been lost by a wipe.
    fn may_be_lost(&self, from: u64) -> bool {
        self.wiped.iter().any(|wiped| *wiped >= from)
    }

    /// Whether there was a wipe between the two.
    fn wiped_between(&self, from: u64, to: u64) -> bool {
        self.wiped.iter().any(|wiped| (from..=to).contains(wiped))
    }

    fn asked(&self, ask: Ask) -> impl Iterator<Item = &Heard> {
        self.heard.iter().filter(move |heard| heard.ask == ask)
    }

    /// The first 201 of each reservation, by its id.
    fn held(&self) -> HashMap<String, Held<'_>> {
        let mut held = HashMap::new();
        for heard in self.asked(Ask::Reserve).filter(|heard| heard.status == 201) {
            let body: serde_json::Value = serde_json::from_str(&heard.body).unwrap_or_default();
            let id = body["id"].as_str().unwrap_or_default().to_owned();
            held.entry(id).or_insert_with(|| Held {
                heard,
                expires_at: body["expires_at"].as_u64().unwrap_or(0),
                units: body["units"]
                    .as_array()
                    .map(|units| units.iter().filter_map(serde_json::Value::as_u64).collect())
                    .unwrap_or_default(),
            });
        }
        held
    }
}

/// A reservation as its owner was told.
struct Held<'a> {
    heard: &'a Heard,
    expires_at: u64,
    units: Vec<u64>,
}

/// All checks of one round.
pub(super) fn judge(case: &Case<'_>) -> Vec<Check> {
    let (held, replay) = (case.held(), Replay::of(case));
    let mut checks = Vec::new();
    stock::checks(case, &replay, &mut checks);
    kept::checks(case, &held, &mut checks);
    holds::checks(case, &held, &mut checks);
    answers::checks(case, &held, &replay, &mut checks);
    checks.push(Check::none(
        "not_reopened",
        "sales that did not open again by themselves",
        case.not_reopened.to_vec(),
    ));
    checks.push(Check::none(
        "fallen",
        "processes that ended by themselves",
        case.fallen.to_vec(),
    ));
    checks
}

#[cfg(test)]
mod tests;
