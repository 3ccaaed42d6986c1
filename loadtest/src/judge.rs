//! The judge: compares what the visitors were told with the ledger and the stock.
//!
//! A pure function. It takes the crowd's log, the ledger's orders, the final counts and the shop's
//! own counters, and returns one named check per promise, each with what was found, what is
//! allowed, and examples. Where the log cannot prove a breach (a request without an answer, a
//! deadline that may have been moved on) it rules for the system: a red check is a broken promise,
//! never a guess. Every check has a test that turns it red.

use serde::{Deserialize, Serialize};

use crate::{observation::Observations, plan::Plan};

mod conduct;
mod holds;
mod ledger;
mod order;
mod room;
mod sold;

pub use ledger::{LedgerError, LedgerOrder, read_orders};
pub use room::{Stay, stays};
pub(crate) use sold::in_ledger;

/// What the judge works from.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// What was promised.
    pub plan: &'a Plan,
    /// What the visitors saw.
    pub seen: &'a Observations,
    /// The sale's orders; [`read_orders`] reads them.
    pub orders: &'a [LedgerOrder],
    /// The stock after the crowd went home.
    pub counts: SaleCounts,
    /// What the shop counted itself.
    pub shop: ShopCounts,
}

/// The stock of a sale, and when it was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words of the contract")]
pub struct SaleCounts {
    pub available: u64,
    pub held: u64,
    pub sold: u64,
    pub supplied: u64,
    /// Unix ms.
    pub as_of: u64,
}

/// What the upstream saw arriving.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopCounts {
    /// Requests of any kind.
    pub requests: u64,
    /// Of these, without an entry pass that it could verify itself.
    pub without_pass: u64,
}

/// What a check allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowed {
    /// This and nothing else.
    Exactly(u64),
    /// This or less.
    AtMost(u64),
    /// This or more.
    AtLeast(u64),
    /// Told, not judged.
    Any,
}

/// One promise, measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Stable name for programs, such as `oversold`.
    pub name: String,
    /// What it is about, for people.
    pub promise: String,
    /// What was found.
    pub found: u64,
    /// What is allowed.
    pub allowed: Allowed,
    /// Whether the promise was kept.
    pub kept: bool,
    /// At most [`Check::EXAMPLES`] offenders, in words.
    pub examples: Vec<String>,
}

/// All checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether every promise was kept.
    pub kept: bool,
    /// One per promise.
    pub checks: Vec<Check>,
}

/// Judges a run.
pub fn judge(evidence: &Evidence<'_>) -> Verdict {
    let mut checks = Vec::new();
    sold::checks(evidence, &mut checks);
    order::checks(evidence, &mut checks);
    room::checks(evidence, &mut checks);
    conduct::checks(evidence, &mut checks);
    Verdict {
        kept: checks.iter().all(|check| check.kept),
        checks,
    }
}

impl Verdict {
    /// The check of that name.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }

    /// Promises that were broken.
    pub fn broken(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.kept)
    }
}

impl Check {
    /// Most examples kept per check.
    pub const EXAMPLES: usize = 5;

    fn new(name: &str, promise: &str, found: u64, allowed: Allowed) -> Self {
        let kept = match allowed {
            Allowed::Exactly(bound) => found == bound,
            Allowed::AtMost(bound) => found <= bound,
            Allowed::AtLeast(bound) => found >= bound,
            Allowed::Any => true,
        };
        Self {
            name: name.to_owned(),
            promise: promise.to_owned(),
            found,
            allowed,
            kept,
            examples: Vec::new(),
        }
    }

    /// A check that counts offenders and allows none.
    pub(crate) fn none(name: &str, promise: &str, offenders: Vec<String>) -> Self {
        Self::new(name, promise, offenders.len() as u64, Allowed::Exactly(0)).with(offenders)
    }

    fn with(mut self, mut examples: Vec<String>) -> Self {
        examples.truncate(Self::EXAMPLES);
        self.examples = examples;
        self
    }
}

/// The operator's answer to `GET /v1/sales/{sale}` is not understood.
#[derive(Debug, thiserror::Error)]
#[error("the sale's counts have no number `{0}`")]
pub struct CountsError(&'static str);

impl SaleCounts {
    /// Reads the operator's answer to `GET /v1/sales/{sale}`: counts at the top, or summed over
    /// `skus`, a list or an object. `now` stands in where the answer says no `as_of`.
    pub fn from_json(answer: &serde_json::Value, now: u64) -> Result<Self, CountsError> {
        use serde_json::Value;
        let skus: Vec<&Value> = match &answer["skus"] {
            Value::Array(skus) => skus.iter().collect(),
            Value::Object(skus) => skus.values().collect(),
            _ => Vec::new(),
        };
        let count = |name: &'static str| {
            if let Some(total) = answer[name].as_u64() {
                return Ok(total);
            }
            if skus.is_empty() {
                return Err(CountsError(name));
            }
            skus.iter()
                .map(|sku| sku[name].as_u64().ok_or(CountsError(name)))
                .sum()
        };
        Ok(Self {
            available: count("available")?,
            held: count("held")?,
            sold: count("sold")?,
            supplied: count("supplied")?,
            as_of: answer["as_of"].as_u64().unwrap_or(now),
        })
    }
}

#[cfg(test)]
mod tests;
