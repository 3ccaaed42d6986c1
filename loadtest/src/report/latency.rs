//! Time to an answer, from the request's first byte sent to the answer's last byte read, as the
//! crowd saw it. The crowd shares the machine with what it measures, so this is an upper bound.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::observation::Observations;

/// Longest time told apart; a visitor gives up before.
const MOST_US: u64 = 60_000_000;

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Answers counted.
    pub count: u64,
    /// Half were faster.
    pub p50_ms: f64,
    /// Nine of ten.
    pub p90_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
    /// 999 of 1000.
    pub p999_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

/// By what was asked, in the contract's words. Requests without an answer are not in it.
pub(super) fn by_ask(seen: &Observations) -> BTreeMap<String, Latency> {
    let mut histograms = BTreeMap::new();
    for answer in seen.answers.iter().filter(|answer| answer.status != 0) {
        let histogram = histograms.entry(answer.ask).or_insert_with(|| {
            Histogram::<u64>::new_with_bounds(1, MOST_US, 3).expect("valid bounds")
        });
        histogram.saturating_record(u64::from(answer.took_us).max(1));
    }
    let name = |ask| serde_json::to_value(ask).ok()?.as_str().map(str::to_owned);
    histograms
        .into_iter()
        .filter_map(|(ask, histogram)| Some((name(ask)?, Latency::of(&histogram))))
        .collect()
}

impl Latency {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        Self {
            count: histogram.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: histogram.max() as f64 / 1000.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Answer, Ask};

    #[test]
    fn percentiles_are_of_answers_and_not_of_silence() {
        let mut seen = Observations::default();
        for took_us in 1..=1000 {
            let mut answer = Answer::new(1, Ask::Join, 0);
            (answer.status, answer.took_us) = (201, took_us * 1000);
            seen.answers.push(answer);
        }
        seen.answers.push(Answer::new(1, Ask::Status, 0));
        let latency = by_ask(&seen);
        assert_eq!(latency.len(), 1);
        let join = latency["join"];
        assert_eq!(join.count, 1000);
        assert!(
            (join.p50_ms - 500.0).abs() < 1.0 && (join.p99_ms - 990.0).abs() < 2.0,
            "{join:?}"
        );
    }
}
