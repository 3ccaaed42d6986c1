//! The report as a table for the terminal: verdict first, offenders under what they broke.

use std::fmt::Write;

use super::Report;
use crate::judge::{Allowed, Check};

/// At most 100 columns wide; `✓` kept, `✗` broken, `·` told.
pub fn terminal(report: &Report) -> String {
    let mut out = String::new();
    for check in &report.verdict.checks {
        out += &row(check);
    }
    let totals = &report.totals;
    let _ = writeln!(out);
    let _ = writeln!(
        out,
        "  {} visitors, {} units, {} sold, {:.1} s; {} requests ({:.0}/s), {} cheats tried",
        totals.visitors,
        totals.stock,
        totals.sold,
        totals.wall_s,
        totals.requests,
        totals.requests_per_s,
        totals.cheats
    );
    let _ = writeln!(
        out,
        "  joins {:.0}/s (peak {}), polls {:.0}/s (peak {}), {:.0} % of polls public",
        totals.joins_per_s,
        totals.joins_per_s_peak,
        totals.polls_per_s,
        totals.polls_per_s_peak,
        percent(totals.public_polls, totals.polls)
    );
    for (name, latency) in &report.latency {
        if ["join", "status", "ticket", "reserve", "confirm"].contains(&name.as_str()) {
            let _ = writeln!(
                out,
                "  {name:<8} p50 {:>7.1} ms   p99 {:>7.1} ms   max {:>7.1} ms   {} answers",
                latency.p50_ms, latency.p99_ms, latency.max_ms, latency.count
            );
        }
    }
    if let Some(estimate) = &report.estimate {
        let _ = writeln!(
            out,
            "  waiting time told: off by {:.1} s (median), {:.1} s (p90), of {} let in",
            estimate.error_p50_s, estimate.error_p90_s, estimate.visitors
        );
    }
    let broken = report.verdict.broken().count();
    let _ = match broken {
        0 => writeln!(out, "\n  Every promise was kept."),
        1 => writeln!(out, "\n  ONE PROMISE WAS BROKEN."),
        many => writeln!(out, "\n  {many} PROMISES WERE BROKEN."),
    };
    out
}

/// One check, and its offenders if it is broken.
pub(crate) fn row(check: &Check) -> String {
    let mark = mark(check);
    let allowed = allowed(check.allowed, |bound| bound.to_string());
    let (promise, found) = (&check.promise, check.found);
    let mut row = format!("  {mark} {promise:<58} {found:>9}  {allowed}\n");
    if !check.kept {
        for example in &check.examples {
            let _ = writeln!(row, "      {example}");
        }
    }
    row
}

pub(super) fn mark(check: &Check) -> &'static str {
    match (check.kept, check.allowed) {
        (false, _) => "✗",
        (true, Allowed::Any) => "·",
        (true, _) => "✓",
    }
}

/// `number` writes the bound.
pub(super) fn allowed(allowed: Allowed, number: impl Fn(u64) -> String) -> String {
    match allowed {
        Allowed::Exactly(bound) => format!("= {}", number(bound)),
        Allowed::AtMost(bound) => format!("≤ {}", number(bound)),
        Allowed::AtLeast(bound) => format!("≥ {}", number(bound)),
        Allowed::Any => String::new(),
    }
}

pub(super) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    }
}
