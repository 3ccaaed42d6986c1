//! The report as one HTML file: no script, no external resource, light and dark.

use askama::Template;

use super::{
    Report,
    plot::{self, Level, Line},
    series::Moment,
    terminal::percent,
};

mod rows;

use rows::{Bar, LatencyRow, Row, Tile, bars, grouped, plain};

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
            "first to last visitor",
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
