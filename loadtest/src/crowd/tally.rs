//! Counts for the progress bar: where everybody is right now, and how visits ended.

use std::{
    iter::Sum,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use serde::{Deserialize, Serialize};

use crate::observation::Ask;

/// How a visit ended, from the visitor's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Has an order.
    Bought,
    /// Told "sold out" while waiting.
    SoldOut,
    /// Told "sold out" inside the shop.
    SoldOutInside,
    /// Gave up its place, as planned.
    Left,
    /// Looked and left, as planned.
    Browsed,
    /// Reserved and walked away, as planned.
    WalkedAway,
    /// Was told the room is closed.
    Closed,
    /// Its hold ended before it was confirmed.
    HoldLost,
    /// Its pass was no longer good when it wanted to reserve.
    PassExpired,
    /// Asked again as often as a person would, and nobody answered properly.
    GaveUp,
    /// Was refused something it was entitled to.
    Refused,
    /// Sent home by the plan's deadline or by the crowd's starter.
    SentHome,
}

/// Where the crowd is. One JSON line of it per child and quarter second; all figures are totals
/// since the start but `waiting` and `inside`, which are now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Visitors that have sent their first request.
    pub arrived: u64,
    /// In line now.
    pub waiting: u64,
    /// In the shop now.
    pub inside: u64,
    /// Have an order.
    pub bought: u64,
    /// Have gone home, however.
    pub ended: u64,
    /// Requests without an answer (not reached, cut, timed out).
    pub unanswered: u64,
    /// Answers 429 or 503: told to come back later.
    pub put_off: u64,
    /// Tries to get around the line.
    pub cheats: u64,
    /// Answers to a join.
    pub joins: u64,
    /// Answers to a poll, public or personal.
    pub polls: u64,
    /// All requests.
    pub requests: u64,
}

impl Sum for Progress {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self {
            arrived: a.arrived + b.arrived,
            waiting: a.waiting + b.waiting,
            inside: a.inside + b.inside,
            bought: a.bought + b.bought,
            ended: a.ended + b.ended,
            unanswered: a.unanswered + b.unanswered,
            put_off: a.put_off + b.put_off,
            cheats: a.cheats + b.cheats,
            joins: a.joins + b.joins,
            polls: a.polls + b.polls,
            requests: a.requests + b.requests,
        })
    }
}

/// The same figures while they are counted. One thread counts; relaxed is enough.
#[derive(Debug, Default)]
pub(super) struct Tally {
    arrived: AtomicU64,
    waiting: AtomicU64,
    inside: AtomicU64,
    bought: AtomicU64,
    ended: AtomicU64,
    unanswered: AtomicU64,
    put_off: AtomicU64,
    cheats: AtomicU64,
    joins: AtomicU64,
    polls: AtomicU64,
    requests: AtomicU64,
}

/// Where a visitor is, for the gauges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whereabouts {
    Nowhere,
    Waiting,
    Inside,
}

impl Tally {
    pub(super) fn arrived(&self) {
        self.arrived.fetch_add(1, Relaxed);
    }

    pub(super) fn moved(&self, from: Whereabouts, to: Whereabouts) {
        if let Some(gauge) = self.gauge(from) {
            gauge.fetch_sub(1, Relaxed);
        }
        if let Some(gauge) = self.gauge(to) {
            gauge.fetch_add(1, Relaxed);
        }
    }

    fn gauge(&self, at: Whereabouts) -> Option<&AtomicU64> {
        match at {
            Whereabouts::Nowhere => None,
            Whereabouts::Waiting => Some(&self.waiting),
            Whereabouts::Inside => Some(&self.inside),
        }
    }

    pub(super) fn answered(&self, ask: Ask, status: u16) {
        self.requests.fetch_add(1, Relaxed);
        match ask {
            Ask::Join => self.joins.fetch_add(1, Relaxed),
            Ask::Status | Ask::Ticket => self.polls.fetch_add(1, Relaxed),
            Ask::Cheat => self.cheats.fetch_add(1, Relaxed),
            _ => 0,
        };
        match status {
            0 => self.unanswered.fetch_add(1, Relaxed),
            429 | 503 => self.put_off.fetch_add(1, Relaxed),
            _ => 0,
        };
    }

    pub(super) fn ended(&self, bought: bool) {
        self.ended.fetch_add(1, Relaxed);
        self.bought.fetch_add(u64::from(bought), Relaxed);
    }

    pub(super) fn progress(&self) -> Progress {
        Progress {
            arrived: self.arrived.load(Relaxed),
            waiting: self.waiting.load(Relaxed),
            inside: self.inside.load(Relaxed),
            bought: self.bought.load(Relaxed),
            ended: self.ended.load(Relaxed),
            unanswered: self.unanswered.load(Relaxed),
            put_off: self.put_off.load(Relaxed),
            cheats: self.cheats.load(Relaxed),
            joins: self.joins.load(Relaxed),
            polls: self.polls.load(Relaxed),
            requests: self.requests.load(Relaxed),
        }
    }
}
