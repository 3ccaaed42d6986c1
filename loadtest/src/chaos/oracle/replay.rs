//! The ledger's events, played again in order: how many units were out at any moment, and in whose
//! hands each was.

use std::collections::{HashMap, HashSet};

use super::Case;

/// How far two clocks' readings of one moment may lie apart, ms.
const SLACK: u64 = 5;

/// A count over time.
#[derive(Default)]
struct Course(Vec<(u64, u64)>);

/// What the replay found.
#[derive(Default)]
pub(super) struct Replay {
    by_sku: HashMap<String, Course>,
    by_person: HashMap<(String, String), Course>,
    /// Units given to somebody while somebody else had them.
    pub(super) twice: Vec<String>,
    /// Persons beyond their limit.
    pub(super) beyond: Vec<String>,
    /// Moments with more units out than supplied.
    pub(super) oversold: Vec<String>,
}

impl Course {
    fn now(&self) -> u64 {
        self.0.last().map_or(0, |(_, count)| *count)
    }

    fn set(&mut self, at: u64, count: u64) {
        let at = self.0.last().map_or(at, |(last, _)| at.max(*last));
        self.0.push((at, count));
    }

    /// The most there was at any moment between the two.
    fn most(&self, from: u64, to: u64) -> u64 {
        let first = self.0.partition_point(|(at, _)| *at < from);
        let before = first.checked_sub(1).map_or(0, |at| self.0[at].1);
        let within = self.0[first..].iter().take_while(|(at, _)| *at <= to);
        within.map(|(_, count)| *count).fold(before, u64::max)
    }
}

impl Replay {
    pub(super) fn of(case: &Case<'_>) -> Self {
        let mut replay = Self::default();
        let mut owners: HashMap<(&str, u64), &str> = HashMap::new();
        let mut out: HashSet<&str> = HashSet::new();
        for event in &case.rest.events {
            let Some(hold) = case.rest.holds.get(&event.reservation) else {
                continue;
            };
            let id = hold.reservation.as_str();
            let takes = match event.kind.as_str() {
                "reserved" => out.insert(id),
                "cancelled" | "expired" | "refunded" if out.remove(id) => false,
                _ => continue,
            };
            let count = hold.units.len() as u64;
            let of_sku = replay.by_sku.entry(hold.sku.clone()).or_default();
            let person = (hold.sku.clone(), hold.person.clone());
            let of_person = replay.by_person.entry(person).or_default();
            if !takes {
                of_sku.set(event.at, of_sku.now().saturating_sub(count));
                of_person.set(event.at, of_person.now().saturating_sub(count));
                for unit in &hold.units {
                    owners.remove(&(hold.sku.as_str(), *unit));
                }
                continue;
            }
            of_sku.set(event.at, of_sku.now() + count);
            of_person.set(event.at, of_person.now() + count);
            let ware = case.round.wares.iter().find(|ware| ware.sku == hold.sku);
            if ware.is_some_and(|ware| of_sku.now() > ware.supplied) {
                replay
                    .oversold
                    .push(format!("{id} took unit {} of {}", of_sku.now(), hold.sku));
            }
            if ware.is_some_and(|ware| of_person.now() > ware.limit) {
                let (person, sku, now) = (&hold.person, &hold.sku, of_person.now());
                replay
                    .beyond
                    .push(format!("{person} had {now} of {sku} with {id}"));
            }
            for unit in &hold.units {
                if let Some(other) = owners.insert((hold.sku.as_str(), *unit), id) {
                    let sku = &hold.sku;
                    replay.twice.push(format!(
                        "unit {unit} of {sku}: {other} had it and {id} got it"
                    ));
                }
            }
        }
        replay
    }

    /// Most units of `sku` that were out at any moment between the two.
    pub(super) fn most_out(&self, sku: &str, from: u64, to: u64) -> u64 {
        let course = self.by_sku.get(sku);
        course.map_or(0, |course| {
            course.most(from.saturating_sub(SLACK), to + SLACK)
        })
    }

    /// Most units of `sku` that `person` had at any moment between the two.
    pub(super) fn most_had(&self, sku: &str, person: &str, from: u64, to: u64) -> u64 {
        let course = self.by_person.get(&(sku.to_owned(), person.to_owned()));
        course.map_or(0, |course| {
            course.most(from.saturating_sub(SLACK), to + SLACK)
        })
    }
}
