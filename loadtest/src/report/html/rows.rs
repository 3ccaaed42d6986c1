//! Rows and bars of the page: figures as they are written.

use std::{cmp::Reverse, collections::BTreeMap};

use serde::Serialize;
use serde_json::Value;

use crate::{
    judge::Check,
    report::{
        Latency,
        terminal::{allowed, mark, percent},
    },
};

pub(super) struct Row<'a> {
    pub(super) class: &'static str,
    pub(super) mark: &'static str,
    pub(super) name: &'a str,
    pub(super) promise: &'a str,
    pub(super) found: String,
    pub(super) allowed: String,
    pub(super) examples: &'a [String],
}

pub(super) struct Tile {
    pub(super) figure: String,
    pub(super) of: String,
    pub(super) what: &'static str,
}

pub(super) struct LatencyRow<'a> {
    pub(super) name: &'a str,
    pub(super) count: String,
    pub(super) times: [String; 5],
    /// p50 and p99 on a logarithmic scale from 0.1 ms to 10 s, per cent of the width.
    pub(super) from: f64,
    pub(super) to: f64,
}

pub(super) struct Bar {
    pub(super) name: String,
    pub(super) count: String,
    pub(super) share: f64,
}

impl<'a> Row<'a> {
    pub(super) fn of(check: &'a Check) -> Self {
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
            allowed: allowed(check.allowed, grouped),
            examples: &check.examples,
        }
    }
}

impl<'a> LatencyRow<'a> {
    pub(super) fn of(name: &'a str, latency: &Latency) -> Self {
        let at = |ms: f64| ((ms.max(0.1) / 0.1).log10() / 5.0 * 100.0).clamp(0.0, 100.0);
        let Latency {
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

pub(super) fn bars<K: Serialize>(counts: &BTreeMap<K, u64>) -> Vec<Bar> {
    let all: u64 = counts.values().sum();
    let mut bars: Vec<(&K, u64)> = counts.iter().map(|(key, count)| (key, *count)).collect();
    bars.sort_by_key(|(_, count)| Reverse(*count));
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

pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_u64() {
            Some(whole) => grouped(whole),
            None => number
                .as_f64()
                .map_or(number.to_string(), |number| format!("{number:.2}")),
        },
        other => other.to_string(),
    }
}

/// 20 000, with thin spaces.
pub(super) fn grouped(number: u64) -> String {
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
