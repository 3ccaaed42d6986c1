//! What a run shows: the verdict, the numbers, and how it went over time.
//!
//! One [`Report`] is made from the evidence and the verdict, and rendered three ways: a table for
//! the terminal, one HTML file without any external resource, and JSON for programs. Whoever ran
//! the crowd may add figures it alone knows (CPU, store calls) to [`Report::extras`].

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::{
    crowd::Outcome,
    judge::{Evidence, Verdict},
    plan::{Plan, Role},
};

mod estimate;
mod html;
mod latency;
mod plot;
mod series;
mod terminal;

pub use estimate::Estimate;
pub use html::{HtmlError, html};
pub use latency::Latency;
pub use series::{Moment, Series};
pub(crate) use terminal::row;
pub use terminal::terminal;

/// Everything about one run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether every promise was kept.
    pub verdict: Verdict,
    /// Visitors, requests, sales.
    pub totals: Totals,
    /// How many visitors ended how.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// How many played which role.
    pub roles: BTreeMap<Role, u64>,
    /// Time to an answer, by what was asked, as the crowd saw it.
    pub latency: BTreeMap<String, Latency>,
    /// The told waiting time against what happened.
    pub estimate: Option<Estimate>,
    /// Who was where, second by second.
    pub series: Series,
    /// Figures of whoever ran the crowd.
    pub extras: BTreeMap<String, Value>,
    /// The plan that was played.
    pub plan: Plan,
}

/// Visitors, requests, sales.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Visitors that came.
    pub visitors: u64,
    /// Units supplied.
    pub stock: u64,
    /// Units in the ledger's orders.
    pub sold: u64,
    /// First request until the last visitor had gone home, seconds.
    pub wall_s: f64,
    /// All requests.
    pub requests: u64,
    /// Requests that were not answered.
    pub unanswered: u64,
    /// Answers 429 and 503.
    pub put_off: u64,
    /// First answers to a join.
    pub joins: u64,
    /// Answers to polls, public and personal.
    pub polls: u64,
    /// Of these, public ones: a cache in front would have answered them.
    pub public_polls: u64,
    /// Attempts to get around the line.
    pub cheats: u64,
    /// Joins in the busiest second.
    pub joins_per_s_peak: u64,
    /// Joins per second from the first to the last.
    pub joins_per_s: f64,
    /// Polls in the busiest second.
    pub polls_per_s_peak: u64,
    /// Polls per second over the run.
    pub polls_per_s: f64,
    /// Requests per second over the run.
    pub requests_per_s: f64,
    /// Order of arrival against order of release: 1 is first come, first served.
    pub kendall_tau: Option<f64>,
}

/// Sums a run up.
pub fn summarise(evidence: &Evidence<'_>, verdict: Verdict) -> Report {
    let series = series::series(evidence);
    let mut outcomes = BTreeMap::new();
    for end in &evidence.seen.ends {
        *outcomes.entry(end.outcome).or_default() += 1;
    }
    let mut roles = BTreeMap::new();
    for role in evidence.plan.cast() {
        *roles.entry(role).or_default() += 1;
    }
    Report {
        verdict,
        totals: series::totals(evidence, &series),
        outcomes,
        roles,
        latency: latency::by_ask(evidence.seen),
        estimate: estimate::estimate(evidence.seen),
        series,
        extras: BTreeMap::new(),
        plan: evidence.plan.clone(),
    }
}

/// The report as a JSON document.
pub fn json(report: &Report) -> serde_json::Result<String> {
    serde_json::to_string_pretty(report)
}

#[cfg(test)]
mod tests;
