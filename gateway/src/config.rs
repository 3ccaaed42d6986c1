//! What an operator may set: the gateway's own settings and the policy of each room.
//!
//! Every field has a default unless there is none to be had (a room's name and its upstream). A key
//! that is not known is refused, and so is a setting that this version does not act on: a gate that
//! ignored a rule would be worse than one that does not start. [`Config::validate`] gathers all
//! complaints at once, each with the path of its field; it reads no file, environment or clock.

use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::Url;

mod form;
mod limits;
mod room;
mod validate;

pub use limits::{Limits, Rate};
pub use room::{Order, PollStep, PollSteps, Room, Route};

/// The configuration of one gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How visitors reach the gateway, such as `https://shop.example`. Becomes the issuer of entry
    /// passes and decides the scheme the visitor sees. Default: none; then the scheme comes from a
    /// trusted proxy, or is plain http.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<Url>,
    /// Proxies in front of the gateway whose `X-Forwarded-*` headers are believed: networks or
    /// single addresses. Default: none.
    #[serde(deserialize_with = "form::networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// How many requests one person or address may send.
    pub limits: Limits,
    /// Where the purchase service listens, such as `http://127.0.0.1:7070`. Default: none; then
    /// nothing under `purchase_prefix` is taken from the shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchase: Option<Url>,
    /// The paths that go to the purchase service on hosts of rooms with a sale. Default: `/v1/`.
    pub purchase_prefix: String,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// Most connections from visitors at once, per gateway. The limit of open files lowers it
    /// further. Default: 8000.
    pub max_connections: usize,
    /// Most bytes a request's head may have; more is answered 431. Default: 16 384.
    pub max_header_bytes: usize,
    /// Most bytes a request body to our own API may have. Default: 65 536.
    pub api_body_limit: usize,
    /// How many entry passes are remembered so that they are not verified again, at about 1 KB
    /// each. Default: 20 000.
    pub pass_cache: usize,
    /// The waiting rooms.
    pub rooms: Vec<Room>,
    /// Served at `/_wr/openapi.json` instead of this side's own document: whoever wires both sides
    /// knows the whole. Not a setting.
    #[serde(skip)]
    pub openapi: Option<String>,
}

/// How long each step of a request may take, as `"10s"` or `"500ms"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// From the first byte of a request's head to its last, so that a client that trickles cannot
    /// hold a connection. Also how long a new connection may be silent. Default: 10 s.
    #[serde(with = "humantime_serde")]
    pub header_read: Duration,
    /// How long a connection is kept open between two requests. Default: 75 s.
    #[serde(with = "humantime_serde")]
    pub idle: Duration,
    /// To connect to an upstream; then 502. Default: 2 s.
    #[serde(with = "humantime_serde")]
    pub upstream_connect: Duration,
    /// From the request sent to the head of the upstream's answer; then 504. Default: 30 s.
    #[serde(with = "humantime_serde")]
    pub upstream_answer: Duration,
    /// How long requests in flight may take after the order to stop. Default: 10 s.
    #[serde(with = "humantime_serde")]
    pub drain: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: None,
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            purchase: None,
            purchase_prefix: "/v1/".to_owned(),
            timeouts: Timeouts::default(),
            max_connections: 8000,
            max_header_bytes: 16 * 1024,
            api_body_limit: 64 * 1024,
            pass_cache: 20_000,
            rooms: Vec::new(),
            openapi: None,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            header_read: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            upstream_connect: Duration::from_secs(2),
            upstream_answer: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

impl Config {
    /// All complaints, each with the path of its field (`rooms[0].batch: must be at least 1`).
    /// Empty: the configuration can be run.
    pub fn validate(&self) -> Vec<String> {
        validate::complaints(self)
    }
}

#[cfg(test)]
mod tests;
