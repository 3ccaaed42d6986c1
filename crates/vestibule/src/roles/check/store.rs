//! A Redis server that somebody else runs: does it keep what this store must keep?

use lua::{
    Store, StoreError,
    server::{self, Purpose, ServerFacts},
};

use super::{Findings, Weight};
use crate::{clock, config::Secret, redis_child::Program};

/// Clocks further apart than this make passes start late or end early.
const CLOCKS_APART_MS: u64 = 500;

pub(super) async fn check(purpose: Purpose, url: Option<&Secret>, findings: &mut Findings) {
    let name = match purpose {
        Purpose::Waitlist => "waitlist store",
        Purpose::Stock => "stock store",
    };
    let Some(url) = url else {
        return match Program::find() {
            Ok(program) => findings.add(
                Weight::Ok,
                format!(
                    "{name}: none configured; serve starts a private {}",
                    program.describe()
                ),
            ),
            Err(error) => findings.add(Weight::Fail, format!("{name}: {error}")),
        };
    };
    let Ok(store) = Store::connect(url.reveal()).await else {
        return findings.add(Weight::Fail, format!("{name}: its URL is not a Redis URL"));
    };
    let facts = match ServerFacts::ask(&store).await {
        Ok(facts) => facts,
        Err(error) => {
            let why = match error {
                StoreError::Away { .. } => "no answer",
                StoreError::Refused { .. } => "it lets us read neither INFO nor TIME",
            };
            return findings.add(Weight::Fail, format!("{name}: {why}"));
        }
    };
    let found = facts.findings(purpose);
    let well = if found.is_empty() {
        ", set as it must be"
    } else {
        ""
    };
    findings.add(
        Weight::Ok,
        format!("{name} answers, version {}{well}", facts.version()),
    );
    for finding in found {
        let weight = match finding.weight {
            server::Weight::Warn => Weight::Warn,
            server::Weight::Fail => Weight::Fail,
        };
        findings.add(weight, format!("{name}: {}", finding.text));
    }
    let apart = facts.now_ms.abs_diff(clock::now_ms());
    findings.judge(
        apart <= CLOCKS_APART_MS,
        Weight::Fail,
        format!("{name}: its clock and ours are {apart} ms apart"),
    );
}
