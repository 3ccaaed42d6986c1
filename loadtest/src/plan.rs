//! What a crowd is to do, written to a file for its child processes and kept for the judge.
//!
//! A plan is complete: with the same plan, every visitor plays the same role, arrives at the same
//! moment and makes the same choices (only the server's answers differ). It holds the room's policy
//! too, not because visitors need it but because the judge measures what they saw against it.

use std::{path::PathBuf, time::Duration};

use entry_pass::{RoomId, SaleId, Sku};
use serde::{Deserialize, Serialize};

use crate::clock::millis;

mod cast;

pub use cast::{Role, Shares};

/// What the crowd does, against whom, and what the judge may expect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// How many visitors come.
    pub visitors: u32,
    /// The gateway as visitors see it, such as `http://127.0.0.1:8080`; plain http only.
    pub base_url: String,
    /// The room they wait in.
    pub room: RoomId,
    /// Its sale.
    pub sale: SaleId,
    /// What they want.
    pub sku: Sku,
    /// Units supplied before the crowd came.
    pub stock: u64,
    /// The protected page they go for.
    pub shop_path: String,
    /// A response header only the shop sends: how a visitor knows the shop from the queue page.
    pub shop_header: String,
    /// Every choice of every visitor follows from this.
    pub seed: u64,
    /// When the first may arrive, Unix ms; 0: shortly after [`crate::Crowd::spawn`].
    pub start_at_ms: u64,
    /// Arrivals are spread evenly over this.
    #[serde(with = "millis", rename = "arrive_within_ms")]
    pub arrive_within: Duration,
    /// Everybody goes home this long after the start, whatever they were doing.
    #[serde(with = "millis", rename = "deadline_ms")]
    pub deadline: Duration,
    /// Longest a visitor looks at a page before the next step.
    #[serde(with = "millis", rename = "think_ms")]
    pub think: Duration,
    /// Longest silence of a visitor who is away at its turn.
    #[serde(with = "millis", rename = "absent_for_ms")]
    pub absent_for: Duration,
    /// Most connections a child process holds open at once.
    pub open_connections: usize,
    /// Who comes.
    pub shares: Shares,
    /// What was promised.
    pub policy: Policy,
    /// Where plans and logs are written; created if missing.
    pub dir: PathBuf,
}

/// The room's and the sale's settings that the judge measures against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Most visitors inside or offered at once.
    pub capacity: u64,
    /// Most visitors released per tick.
    pub batch: u64,
    /// Time between two releases.
    #[serde(with = "millis", rename = "tick_ms")]
    pub tick: Duration,
    /// Units one person may hold or buy.
    pub limit_per_person: u64,
    /// A visitor silent for longer than this at its turn may be taken as away.
    #[serde(with = "millis", rename = "away_after_ms")]
    pub away_after: Duration,
    /// How old what a gateway knows of a room may be: the time after which an answer that
    /// contradicts an earlier release counts as wrong and no longer as late.
    #[serde(with = "millis", rename = "stale_after_ms")]
    pub stale_after: Duration,
}

impl Policy {
    /// Most releases in any rolling minute. At least one batch: a tick may be longer than a minute.
    pub fn rate_per_minute(&self) -> u64 {
        let tick_ms = (self.tick.as_millis() as u64).max(1);
        (self.batch * 60_000 / tick_ms).max(self.batch)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            capacity: 100,
            batch: 50,
            tick: Duration::from_secs(1),
            limit_per_person: 1,
            away_after: Duration::from_mins(1),
            stale_after: Duration::from_secs(3),
        }
    }
}

impl Plan {
    /// The demo's crowd: room and sale `demo`, sku `demo-unit`, everybody within ten seconds.
    pub fn demo(visitors: u32, stock: u64, base_url: &str, dir: PathBuf) -> Self {
        let name = "demo";
        Self {
            visitors,
            base_url: base_url.to_owned(),
            room: name.parse().expect("a valid room"),
            sale: name.parse().expect("a valid sale"),
            sku: "demo-unit".parse().expect("a valid sku"),
            stock,
            shop_path: "/".to_owned(),
            shop_header: "x-demo-shop".to_owned(),
            seed: 1,
            start_at_ms: 0,
            arrive_within: Duration::from_secs(10),
            deadline: Duration::from_mins(5),
            think: Duration::from_millis(1500),
            absent_for: Duration::from_secs(12),
            open_connections: 1500,
            shares: Shares::default(),
            policy: Policy::default(),
            dir,
        }
    }

    /// The role of every visitor, by index. The same plan gives the same cast, in every process.
    pub fn cast(&self) -> Vec<Role> {
        cast::cast(self.visitors, &self.shares, self.seed)
    }

    /// How many of the crowd mean to pay. With at least as many as units, everything must be sold.
    pub fn payers(&self) -> u64 {
        self.cast().iter().filter(|role| role.pays()).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_its_file() {
        let plan = Plan::demo(500, 200, "http://127.0.0.1:8080", "/tmp/x".into());
        let text = serde_json::to_string(&plan).unwrap();
        assert!(text.contains("\"arrive_within_ms\":10000"), "{text}");
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }

    #[test]
    fn the_rate_is_a_batch_every_tick() {
        let policy = |batch, tick_ms| Policy {
            batch,
            tick: Duration::from_millis(tick_ms),
            ..Policy::default()
        };
        assert_eq!(policy(50, 1000).rate_per_minute(), 3000);
        assert_eq!(policy(10, 90_000).rate_per_minute(), 10);
    }
}
