//! Was the waiting time honest? The median told with the ticket, against the wait that followed;
//! and how closely the order of release followed the order of arrival.

use std::collections::HashMap;

use serde::Serialize;

use crate::{
    judge::stays,
    observation::{Ask, Observations, State},
};

/// Points kept for the plot.
const MOST_POINTS: usize = 800;

/// Pairs grow with the square; this many visitors give tau to a hundredth.
const TAU_SAMPLE: usize = 2000;

/// The told median against what happened, of those who were let in. (Who was told "sold out" never
/// learnt how long it would have been.)
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// Visitors that were told a time with their ticket and let in later.
    pub visitors: u64,
    /// Half of the estimates were closer than this, seconds.
    pub error_p50_s: f64,
    /// Nine of ten were.
    pub error_p90_s: f64,
    /// Median of told minus waited: above 0, the room was pessimistic.
    pub bias_s: f64,
    /// Share of visitors let in within the told median; 0.5 is a perfect median.
    pub within_told: f64,
    /// (waited, told) in seconds, thinned out.
    pub points: Vec<(f64, f64)>,
}

pub(super) fn estimate(seen: &Observations) -> Option<Estimate> {
    let mut told: HashMap<u32, (u64, u64)> = HashMap::new();
    for answer in &seen.answers {
        if let (Ask::Join, Some(State::Waiting), Some(p50)) =
            (answer.ask, answer.state, answer.wait_p50_s)
        {
            told.entry(answer.visitor).or_insert((answer.answered, p50));
        }
    }
    let points: Vec<(f64, f64)> = stays(seen)
        .iter()
        .filter_map(|stay| {
            let (at, p50) = told.remove(&stay.visitor)?;
            Some((
                stay.released_at.saturating_sub(at) as f64 / 1000.0,
                p50 as f64,
            ))
        })
        .collect();
    if points.is_empty() {
        return None;
    }
    let errors = sorted(points.iter().map(|(waited, told)| (told - waited).abs()));
    let biases = sorted(points.iter().map(|(waited, told)| told - waited));
    let within = points
        .iter()
        .filter(|(waited, told)| waited <= told)
        .count();
    Some(Estimate {
        visitors: points.len() as u64,
        error_p50_s: quantile(&errors, 0.5),
        error_p90_s: quantile(&errors, 0.9),
        bias_s: quantile(&biases, 0.5),
        within_told: within as f64 / points.len() as f64,
        points: thinned(points, MOST_POINTS),
    })
}

/// Kendall's tau-a between the order in which tickets were asked for and that of release, over
/// pairs that tell: 1 is first come, first served; 0 is chance. Released in one batch is no order.
pub(super) fn kendall_tau(seen: &Observations) -> Option<f64> {
    let mut asked: HashMap<u32, u64> = HashMap::new();
    for answer in seen.answers.iter().filter(|answer| answer.took_a_place()) {
        asked.entry(answer.visitor).or_insert(answer.asked);
    }
    let released: Vec<(u64, u64)> = stays(seen)
        .iter()
        .filter_map(|stay| Some((asked.remove(&stay.visitor)?, stay.released_at)))
        .collect();
    let sample = thinned(released, TAU_SAMPLE);
    let (mut agree, mut differ) = (0u64, 0u64);
    for (at, a) in sample.iter().enumerate() {
        for b in &sample[at + 1..] {
            match (a.0.cmp(&b.0), a.1.cmp(&b.1)) {
                (by_ask, by_release) if by_ask.is_eq() || by_release.is_eq() => {}
                (by_ask, by_release) if by_ask == by_release => agree += 1,
                _ => differ += 1,
            }
        }
    }
    let pairs = agree + differ;
    (pairs > 0).then(|| (agree as f64 - differ as f64) / pairs as f64)
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn quantile(sorted: &[f64], at: f64) -> f64 {
    let index = ((sorted.len().saturating_sub(1)) as f64 * at).round() as usize;
    sorted.get(index).copied().unwrap_or(0.0)
}

/// Every n-th, so that what is left still spans the whole run.
fn thinned<T: Copy>(all: Vec<T>, most: usize) -> Vec<T> {
    let every = all.len().div_ceil(most).max(1);
    if every == 1 {
        all
    } else {
        all.into_iter().step_by(every).collect()
    }
}
