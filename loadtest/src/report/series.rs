//! Who was where, second by second, and the sums of a run, both from the crowd's log alone.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::Totals;
use crate::{
    judge::{Evidence, Stay, in_ledger, stays},
    observation::{Ask, State},
};

/// More points than this make no better picture.
const MOST_MOMENTS: u64 = 600;

/// Where everybody was.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Series {
    /// Seconds between two moments.
    pub step_s: u64,
    /// In order of time.
    pub moments: Vec<Moment>,
}

/// One moment. `joins`, `polls` and `requests` are those of the step that begins here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// Seconds since the first request.
    pub at_s: u64,
    /// Visitors that had come by then.
    pub arrived: u64,
    /// In line.
    pub waiting: u64,
    /// Offered or inside.
    pub inside: u64,
    /// Orders told by then.
    pub sold: u64,
    /// Visitors gone home by then.
    pub ended: u64,
    /// Tickets asked for.
    pub joins: u64,
    /// Public and personal polls.
    pub polls: u64,
    /// All requests.
    pub requests: u64,
}

/// Changes of one figure, by step; summed up, its course.
#[derive(Default)]
struct Course(BTreeMap<u64, i64>);

impl Course {
    fn change(&mut self, at: u64, by: i64) {
        *self.0.entry(at).or_default() += by;
    }

    /// The figure at the end of each step.
    fn run(&self, steps: u64) -> Vec<u64> {
        let mut now = 0;
        (0..steps)
            .map(|at| {
                now += self.0.get(&at).copied().unwrap_or(0);
                u64::try_from(now).unwrap_or(0)
            })
            .collect()
    }

    fn each(&self, at: u64) -> u64 {
        self.0.get(&at).copied().unwrap_or(0).unsigned_abs()
    }
}

/// The first request, and when the last visitor had gone home, Unix ms.
fn span(evidence: &Evidence<'_>) -> Option<(u64, u64)> {
    let first = evidence.seen.answers.first()?.asked;
    let last = evidence.seen.answers.iter().map(|answer| answer.answered);
    let last = last
        .chain(evidence.seen.ends.iter().map(|end| end.at))
        .max()?;
    Some((first, last.max(first)))
}

pub(super) fn series(evidence: &Evidence<'_>) -> Series {
    let Some((first, last)) = span(evidence) else {
        return Series::default();
    };
    let seconds = (last - first) / 1000 + 1;
    let step_s = seconds.div_ceil(MOST_MOMENTS).max(1);
    let count = seconds.div_ceil(step_s);
    let step = |at: u64| at.saturating_sub(first) / 1000 / step_s;
    let [
        mut arrived,
        mut waiting,
        mut inside,
        mut sold,
        mut ended,
        mut joins,
        mut polls,
        mut all,
    ] = <[Course; 8]>::default();
    let mut met = HashSet::new();
    let mut orders = HashSet::new();
    let mut in_line: HashMap<u32, u64> = HashMap::new();
    for answer in &evidence.seen.answers {
        let at = step(answer.asked);
        all.change(at, 1);
        if met.insert(answer.visitor) {
            arrived.change(at, 1);
        }
        match answer.ask {
            Ask::Join => joins.change(at, 1),
            Ask::Status | Ask::Ticket => polls.change(at, 1),
            Ask::Confirm if answer.status == 200 => {
                let order = answer
                    .deal
                    .as_deref()
                    .and_then(|deal| deal.order.as_deref());
                if order.is_some_and(|order| orders.insert(order)) {
                    sold.change(step(answer.answered), 1);
                }
            }
            _ => {}
        }
        if answer.state == Some(State::Waiting) && !in_line.contains_key(&answer.visitor) {
            in_line.insert(answer.visitor, answer.answered);
            waiting.change(step(answer.answered), 1);
        }
    }
    for stay in stays(evidence.seen) {
        let Stay {
            visitor,
            released_at,
            until,
            waited,
        } = stay;
        inside.change(step(released_at), 1);
        inside.change(step(until), -1);
        if waited && in_line.remove(&visitor).is_some() {
            waiting.change(step(released_at), -1);
        }
    }
    for end in &evidence.seen.ends {
        ended.change(step(end.at), 1);
        if in_line.remove(&end.visitor).is_some() {
            waiting.change(step(end.at), -1);
        }
    }
    let (arrived, waiting, inside) = (arrived.run(count), waiting.run(count), inside.run(count));
    let (sold, ended) = (sold.run(count), ended.run(count));
    let moments = (0..count).map(|at| {
        let index = at as usize;
        Moment {
            at_s: at * step_s,
            arrived: arrived[index],
            waiting: waiting[index],
            inside: inside[index],
            sold: sold[index],
            ended: ended[index],
            joins: joins.each(at),
            polls: polls.each(at),
            requests: all.each(at),
        }
    });
    Series {
        step_s,
        moments: moments.collect(),
    }
}

pub(super) fn totals(evidence: &Evidence<'_>, series: &Series) -> Totals {
    let Some((first, last)) = span(evidence) else {
        return Totals::default();
    };
    let answers = &evidence.seen.answers;
    let count = |of: &dyn Fn(&Ask) -> bool| answers.iter().filter(|a| of(&a.ask)).count() as u64;
    let wall_s = ((last - first) as f64 / 1000.0).max(0.001);
    let peak = |of: fn(&Moment) -> u64| {
        let most = series.moments.iter().map(of).max().unwrap_or(0);
        most / series.step_s.max(1)
    };
    let join_times: Vec<u64> = answers
        .iter()
        .filter(|answer| answer.ask == Ask::Join)
        .map(|a| a.asked)
        .collect();
    let joins = join_times.len() as u64;
    let join_span = join_times
        .last()
        .zip(join_times.first())
        .map_or(0, |(b, a)| b - a);
    let polls = count(&|ask| matches!(ask, Ask::Status | Ask::Ticket));
    Totals {
        visitors: u64::from(evidence.plan.visitors),
        stock: evidence.plan.stock,
        sold: in_ledger(evidence),
        wall_s,
        requests: answers.len() as u64,
        unanswered: answers.iter().filter(|answer| answer.status == 0).count() as u64,
        put_off: answers
            .iter()
            .filter(|a| matches!(a.status, 429 | 503))
            .count() as u64,
        joins,
        polls,
        public_polls: count(&|ask| *ask == Ask::Status),
        cheats: answers
            .iter()
            .filter(|answer| answer.attempt.is_some())
            .count() as u64,
        joins_per_s_peak: peak(|moment| moment.joins),
        joins_per_s: joins as f64 / (join_span as f64 / 1000.0).max(1.0),
        polls_per_s_peak: peak(|moment| moment.polls),
        polls_per_s: polls as f64 / wall_s,
        requests_per_s: answers.len() as f64 / wall_s,
        kendall_tau: super::estimate::kendall_tau(evidence.seen),
    }
}
