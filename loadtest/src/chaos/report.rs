//! The report: the verdict, what was done, what was answered, how fast it opened again.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use serde::Serialize;

use super::{
    fault::Toll,
    plan::{Options, Round},
    round::Outcome,
    torn::Torn,
};
use crate::{
    judge::{Check, Verdict},
    report::row,
};

/// A whole run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where the draws began.
    pub seed: u64,
    /// Rounds played.
    pub rounds: u64,
    /// What was done.
    pub toll: Toll,
    /// Answers by what was asked and status; status 0 is no answer.
    pub answers: BTreeMap<String, u64>,
    /// Stock events recorded.
    pub events: u64,
    /// Cuts of the stock log that were tried.
    pub cuts: u64,
    /// From the end of a fault until every service said that the sale is open, ms, ascending.
    pub reopened_ms: Vec<u64>,
    /// How long it took, s.
    pub wall_s: f64,
    /// Rounds whose directory is kept.
    pub broken_rounds: Vec<Round>,
    /// Every promise, over all rounds.
    pub verdict: Verdict,
}

impl Report {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            seed: options.seed,
            rounds: 0,
            toll: Toll::default(),
            answers: BTreeMap::new(),
            events: 0,
            cuts: 0,
            reopened_ms: Vec::new(),
            wall_s: 0.0,
            broken_rounds: Vec::new(),
            verdict: Verdict {
                kept: true,
                checks: Vec::new(),
            },
        }
    }

    pub(super) fn add_torn(&mut self, torn: Torn) {
        self.cuts = torn.cuts;
        self.merge(torn.checks, "torn");
    }

    pub(super) fn add(&mut self, round: &Round, outcome: Outcome) {
        self.rounds += 1;
        self.toll.add(&outcome.toll);
        self.events += outcome.events;
        self.reopened_ms.extend(outcome.reopened_ms);
        for heard in &outcome.heard {
            let answer = format!("{:?} {}", heard.ask, heard.status).to_lowercase();
            *self.answers.entry(answer).or_default() += 1;
        }
        if outcome.checks.iter().any(|check| !check.kept) {
            self.broken_rounds.push(round.clone());
        }
        self.merge(outcome.checks, &format!("round {}", round.number));
    }

    /// Adds up the checks of one part by their names.
    fn merge(&mut self, checks: Vec<Check>, part: &str) {
        for mut check in checks {
            self.verdict.kept &= check.kept;
            for example in &mut check.examples {
                *example = format!("{part}: {example}");
            }
            let all = &mut self.verdict.checks;
            match all.iter_mut().find(|sum| sum.name == check.name) {
                Some(sum) => {
                    sum.found += check.found;
                    sum.kept &= check.kept;
                    sum.examples.append(&mut check.examples);
                    sum.examples.truncate(Check::EXAMPLES);
                }
                None => all.push(check),
            }
        }
    }

    /// The last figures; a run that did not get to what was wanted has not kept its word either.
    pub(super) fn close(&mut self, wall: Duration, options: &Options) {
        self.wall_s = wall.as_secs_f64();
        self.reopened_ms.sort_unstable();
        if options.only != Some(super::Kind::Torn) {
            let missing = options.kills.saturating_sub(self.toll.killed());
            let short = (0..missing.min(1))
                .map(|_| format!("{missing} kills were left when the time was over"))
                .collect();
            let check = Check::none("cut_short", "runs cut short by --seconds", short);
            self.merge(vec![check], "all");
        }
    }

    /// Answers with that status, whatever was asked.
    fn with_status(&self, status: &str) -> u64 {
        let answers = self.answers.iter();
        answers
            .filter(|(answer, _)| answer.ends_with(&format!(" {status}")))
            .map(|(_, count)| count)
            .sum()
    }
}

/// As a table for the terminal: verdict first, offenders under what they broke.
pub fn terminal(report: &Report) -> String {
    let mut out = String::new();
    for check in &report.verdict.checks {
        out += &row(check);
    }
    let counted = |counts: &BTreeMap<&'static str, u64>| {
        let counts: Vec<String> = counts
            .iter()
            .map(|(name, n)| format!("{n} {name}"))
            .collect();
        counts.join(", ")
    };
    let toll = &report.toll;
    let _ = writeln!(out);
    let _ = writeln!(
        out,
        "  {} kills -9: {}",
        toll.killed(),
        counted(&toll.kills)
    );
    let _ = writeln!(out, "  faults: {}", counted(&toll.faults));
    let _ = writeln!(
        out,
        "  {} answers in {} rounds, {:.0} s: {} × 201, {} × 200, {} × 202, {} × 409, {} × 410, \
         {} × 503, {} × none; {} stock events; {} cuts of the log",
        report.answers.values().sum::<u64>(),
        report.rounds,
        report.wall_s,
        report.with_status("201"),
        report.with_status("200"),
        report.with_status("202"),
        report.with_status("409"),
        report.with_status("410"),
        report.with_status("503"),
        report.with_status("0"),
        report.events,
        report.cuts,
    );
    let at = |share: f64| {
        let last = report.reopened_ms.len().saturating_sub(1);
        let place = (last as f64 * share).round() as usize;
        report
            .reopened_ms
            .get(place)
            .map_or(0.0, |ms| *ms as f64 / 1_000.0)
    };
    let _ = writeln!(
        out,
        "  open again after a fault: p50 {:.1} s, p90 {:.1} s, max {:.1} s of {} times",
        at(0.5),
        at(0.9),
        at(1.0),
        report.reopened_ms.len()
    );
    let _ = writeln!(out, "  seed {}", report.seed);
    let broken = report.verdict.broken().count();
    let _ = match broken {
        0 => writeln!(out, "\n  Every promise was kept."),
        1 => writeln!(out, "\n  ONE PROMISE WAS BROKEN."),
        many => writeln!(out, "\n  {many} PROMISES WERE BROKEN."),
    };
    out
}
