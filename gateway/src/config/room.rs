//! The policy of one waiting room.

use std::time::{Duration, SystemTime};

use entry_pass::{RoomId, SaleId};
use serde::{Deserialize, Serialize};
use url::Url;

/// One waiting room: what it protects, how it lets people in, when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Room {
    /// Its name, in URLs, cookies, keys and logs.
    pub id: RoomId,
    /// What it protects. Default: every path of every host.
    #[serde(default = "everything")]
    pub routes: Vec<Route>,
    /// The shop behind it, such as `http://127.0.0.1:3000`.
    pub upstream: Url,
    /// Who goes first. Default: `fifo`.
    #[serde(default)]
    pub order: Order,
    /// When it starts letting people in, RFC 3339 (`2026-11-27T20:00:00Z`). Default: at once.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Option::is_none"
    )]
    pub opens_at: Option<SystemTime>,
    /// From when people may join before it opens. Default: any time before.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Option::is_none"
    )]
    pub prequeue_from: Option<SystemTime>,
    /// When it lets nobody in any more. Default: never.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Option::is_none"
    )]
    pub closes_at: Option<SystemTime>,
    /// Most visitors inside at once, offers included. Default: 500.
    #[serde(default = "capacity")]
    pub capacity: u64,
    /// Most visitors let in per tick. Default: 50.
    #[serde(default = "batch")]
    pub batch: u64,
    /// The time between two releases. With `batch` it makes the release rate. Default: 3 s.
    #[serde(default = "tick", with = "humantime_serde")]
    pub tick: Duration,
    /// How long an admitted visitor may be idle. Default: 10 min.
    #[serde(default = "session", with = "humantime_serde")]
    pub session: Duration,
    /// How long an admitted visitor may stay at all. Default: 1 h.
    #[serde(default = "session_max", with = "humantime_serde")]
    pub session_max: Duration,
    /// How long a visitor whose turn has come has to take it up. Background tabs ask once a minute,
    /// so less than two minutes loses people who are there. Default: 3 min.
    #[serde(default = "offer_ttl", with = "humantime_serde")]
    pub offer_ttl: Duration,
    /// How long the place of someone who was away at their turn is kept. Default: 30 min.
    #[serde(default = "place_kept_for", with = "humantime_serde")]
    pub place_kept_for: Duration,
    /// Send everybody through the line, even when there is room. Default: no.
    #[serde(default)]
    pub queue_all: bool,
    /// Let nobody in for now. Default: no.
    #[serde(default)]
    pub paused: bool,
    /// A sentence for those who wait. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Status of the queue page on a protected path: 200, 202, 429 or 503. Default: 200.
    #[serde(default = "page_status")]
    pub page_status: u16,
    /// The sale it leads to. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<SaleId>,
    /// What the queue page calls the shop or the drop. Default: the room's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How often a page asks again, by how many are ahead.
    #[serde(default)]
    pub poll: PollSteps,
}

/// A host and a path prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The host name, without a port. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The path and everything below it: `/shop` covers `/shop` and `/shop/cart`, not `/shopping`.
    /// Default: `/`.
    #[serde(default = "root")]
    pub path: String,
}

/// Who goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// In the order of arrival.
    #[default]
    Fifo,
    /// By lot.
    Random,
    /// Nobody waits.
    Passthrough,
    /// Nobody is let in.
    Reject,
}

/// How long a page waits before it asks again, by distance; steps in rising order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PollSteps(pub Vec<PollStep>);

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollStep {
    /// With at most this many ahead …
    pub ahead: u64,
    /// … ask again after this long.
    #[serde(with = "humantime_serde")]
    pub after: Duration,
}

impl Room {
    /// Most visitors let in per rolling minute: `batch` times the ticks in a minute, rounded down.
    pub fn rate_per_minute(&self) -> u64 {
        self.batch.saturating_mul(60_000) / self.tick_ms().max(1)
    }

    /// The time between two releases in milliseconds.
    pub fn tick_ms(&self) -> u64 {
        self.tick.as_millis() as u64
    }
}

impl PollSteps {
    /// How long to wait with `ahead` people in front; beyond the last step as in the last one.
    pub fn after(&self, ahead: u64) -> Duration {
        self.0
            .iter()
            .find(|step| ahead <= step.ahead)
            .or(self.0.last())
            .map_or(Duration::from_secs(30), |step| step.after)
    }

    /// The longest of them: until it has passed, not everybody has asked.
    pub fn longest(&self) -> Duration {
        self.0
            .iter()
            .map(|step| step.after)
            .max()
            .unwrap_or(Duration::from_secs(30))
    }

    /// As the status document writes them: people ahead up to, milliseconds.
    pub fn pairs(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0
            .iter()
            .map(|step| (step.ahead, step.after.as_millis() as u64))
    }
}

impl Default for PollSteps {
    fn default() -> Self {
        let step = |ahead, seconds| PollStep {
            ahead,
            after: Duration::from_secs(seconds),
        };
        Self(vec![
            step(50, 2),
            step(500, 5),
            step(5000, 15),
            step(1_000_000_000, 30),
        ])
    }
}

impl Default for Route {
    fn default() -> Self {
        Self {
            host: None,
            path: root(),
        }
    }
}

fn everything() -> Vec<Route> {
    vec![Route::default()]
}

fn root() -> String {
    "/".to_owned()
}

fn capacity() -> u64 {
    500
}

fn batch() -> u64 {
    50
}

fn tick() -> Duration {
    Duration::from_secs(3)
}

fn session() -> Duration {
    Duration::from_mins(10)
}

fn session_max() -> Duration {
    Duration::from_hours(1)
}

fn offer_ttl() -> Duration {
    Duration::from_mins(3)
}

fn place_kept_for() -> Duration {
    Duration::from_mins(30)
}

fn page_status() -> u16 {
    200
}
