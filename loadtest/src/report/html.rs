//! The report as one HTML file: no script, no external resource, light and dark.

use askama::Template;

use super::{
    Report,
    plot::{self, Level, Line},
    series::Moment,
    terminal::{allowed, mark, percent},
};

/// The page could not be rendered.
#[derive(Debug, thiserror::Error)]
#[error("the report cannot be rendered: {0}")]
pub struct HtmlError(#[from] askama::Error);

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    broken: usize,
    checks: Vec<Row<'a>>,
    tiles: Vec<Tile>,
    line: String,
    shop: String,
    traffic: String,
    estimate: String,
    latency: Vec<LatencyRow<'a>>,
    outcomes: Vec<Bar>,
    roles: Vec<Bar>,
    extras: Vec<(String, String)>,
}

struct Row<'a> {
    class: &'static str,
    mark: &'static str,
    name: &'a str,
    promise: &'a str,
    found: String,
    allowed: String,
    examples: &'a [String],
}

struct Tile {
    figure: String,
    of: String,
    what: &'static str,
}

struct LatencyRow<'a> {
    name: &'a str,
    count: String,
    times: [String; 5],
    /// p50 and p99 on a logarithmic scale from 0.1 ms to 10 s, per cent of the width.
    from: f64,
    to: f64,
}

struct Bar {
    name: String,
    count: String,
    share: f64,
}

/// Renders the report.
pub fn html(report: &Report) -> Result<String, HtmlError> {
    let totals = &report.totals;
    let tile = |figure: String, of: String, what| Tile { figure, of, what };
    let tiles = vec![
        tile(
            grouped(totals.sold),
            format!("of {}", grouped(totals.stock)),
            "units sold",
        ),
        tile(grouped(totals.visitors), String::new(), "visitors"),
        tile(
            format!("{:.1} s", totals.wall_s),
            String::new(),
            "first to last answer",
        ),
        tile(
            grouped(totals.joins_per_s_peak),
            format!("mean {}", grouped(totals.joins_per_s as u64)),
            "joins/s, busiest second",
        ),
        tile(
            grouped(totals.polls_per_s_peak),
            format!("{:.0} % public", percent(totals.public_polls, totals.polls)),
            "polls/s, busiest second",
        ),
        tile(
            grouped(totals.cheats),
            String::new(),
            "ways around the line tried",
        ),
        tile(
            totals
                .kendall_tau
                .map_or("–".to_owned(), |tau| format!("{tau:.3}")),
            "1 is first come, first served".to_owned(),
            "fairness (Kendall tau)",
        ),
    ];
    let page = Page {
        report,
        broken: report.verdict.broken().count(),
        checks: report.verdict.checks.iter().map(Row::of).collect(),
        tiles,
        line: line_plot(report),
        shop: shop_plot(report),
        traffic: traffic_plot(report),
        estimate: report
            .estimate
            .as_ref()
            .map_or_else(String::new, |estimate| {
                plot::scatter("Waiting time told against waiting time", &estimate.points)
            }),
        latency: report
            .latency
            .iter()
            .map(|(name, latency)| LatencyRow::of(name, latency))
            .collect(),
        outcomes: bars(&report.outcomes),
        roles: bars(&report.roles),
        extras: report
            .extras
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
    };
    Ok(page.render()?)
}

fn course(report: &Report, of: fn(&Moment) -> u64) -> Vec<f64> {
    report
        .series
        .moments
        .iter()
        .map(|moment| of(moment) as f64)
        .collect()
}

fn line_plot(report: &Report) -> String {
    let line = |name, class, filled, of| Line {
        name,
        class,
        filled,
        values: course(report, of),
    };
    let lines = [
        line("waiting", "c1", true, |moment| moment.waiting),
        line("arrived", "c2", false, |moment| moment.arrived),
        line("gone home", "c4", false, |moment| moment.ended),
    ];
    plot::courses(
        "Arrived, waiting and gone home over time",
        report.series.step_s,
        &lines,
        &[],
    )
}

fn shop_plot(report: &Report) -> String {
    let line = |name, class, filled, of| Line {
        name,
        class,
        filled,
        values: course(report, of),
    };
    let lines = [
        line("offered or inside", "c3", true, |moment| moment.inside),
        line("sold", "c2", false, |moment| moment.sold),
    ];
    let stock = report.totals.stock as f64;
    let capacity = report.plan.policy.capacity as f64;
    let reached = lines[0].values.iter().copied().fold(0.0, f64::max);
    let mut levels = vec![Level {
        name: "stock",
        value: stock,
    }];
    // A capacity far above what ever came in would press everything else against the floor.
    if capacity <= reached.max(stock) * 3.0 {
        levels.push(Level {
            name: "capacity",
            value: capacity,
        });
    }
    plot::courses(
        "Inside and sold over time",
        report.series.step_s,
        &lines,
        &levels,
    )
}

fn traffic_plot(report: &Report) -> String {
    let step = report.series.step_s.max(1) as f64;
    let line = |name, class, filled, of| Line {
        name,
        class,
        filled,
        values: course(report, of)
            .into_iter()
            .map(|value| value / step)
            .collect(),
    };
    let lines = [
        line("all requests", "c4", true, |moment| moment.requests),
        line("polls", "c1", false, |moment| moment.polls),
        line("joins", "c2", false, |moment| moment.joins),
    ];
    plot::courses("Requests per second", report.series.step_s, &lines, &[])
}

impl<'a> Row<'a> {
    fn of(check: &'a crate::judge::Check) -> Self {
        let mark = mark(check);
        Self {
            class: match mark {
                "✗" => "broken",
                "✓" => "kept",
                _ => "told",
            },
            mark,
            name: &check.name,
            promise: &check.promise,
            found: grouped(check.found),
            allowed: allowed(check.allowed),
            examples: &check.examples,
        }
    }
}

impl<'a> LatencyRow<'a> {
    fn of(name: &'a str, latency: &super::Latency) -> Self {
        let at = |ms: f64| ((ms.max(0.1) / 0.1).log10() / 5.0 * 100.0).clamp(0.0, 100.0);
        let super::Latency {
            p50_ms,
            p90_ms,
            p99_ms,
            p999_ms,
            max_ms,
            count,
        } = *latency;
        let times = [p50_ms, p90_ms, p99_ms, p999_ms, max_ms];
        Self {
            name,
            count: grouped(count),
            times: times.map(|ms| {
                if ms < 100.0 {
                    format!("{ms:.1}")
                } else {
                    format!("{ms:.0}")
                }
            }),
            from: at(p50_ms),
            to: (at(p99_ms) - at(p50_ms)).max(0.6),
        }
    }
}

fn bars<K: serde::Serialize>(counts: &std::collections::BTreeMap<K, u64>) -> Vec<Bar> {
    let all: u64 = counts.values().sum();
    let mut bars: Vec<(&K, u64)> = counts.iter().map(|(key, count)| (key, *count)).collect();
    bars.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    bars.into_iter()
        .map(|(key, count)| Bar {
            name: serde_json::to_value(key)
                .map_or(String::new(), |key| plain(&key))
                .replace('-', " "),
            count: grouped(count),
            share: percent(count, all),
        })
        .collect()
}

fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) => match number.as_u64() {
            Some(whole) => grouped(whole),
            None => number
                .as_f64()
                .map_or(number.to_string(), |number| format!("{number:.2}")),
        },
        other => other.to_string(),
    }
}

/// 20 000, with thin spaces.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}
