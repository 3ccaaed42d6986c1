//! The scripts themselves, called without their doors: for input that no door would send.

use lua::keys::RoomKeys;
use redis::Value;

use crate::line::{Line, START};

/// A script with the keys it takes and arguments that make it write.
pub(crate) struct Raw {
    pub(crate) name: &'static str,
    text: &'static str,
    pub(crate) keys: Vec<String>,
    pub(crate) args: Vec<String>,
}

macro_rules! text {
    ($name:literal) => {
        concat!(
            include_str!("../../room/preamble.lua"),
            include_str!(concat!("../../room/", $name, ".lua")),
        )
    };
}

impl Raw {
    /// Calls it; the first word it answers, or its error.
    pub(crate) async fn call(&self, line: &Line, args: &[String]) -> Result<String, String> {
        let reply: Result<Vec<Value>, _> = redis::cmd("EVAL")
            .arg(self.text)
            .arg(self.keys.len())
            .arg(&self.keys)
            .arg(args)
            .query_async(&mut line.store.fast())
            .await;
        match reply {
            Ok(values) => Ok(redis::from_redis_value(values[0].clone()).unwrap()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Every script of a room. The arguments fit a room with p1 inside, p2 offered, p3 waiting, p4 away.
#[expect(clippy::too_many_lines, reason = "one table, a script a row")]
pub(crate) fn all(k: &RoomKeys) -> Vec<Raw> {
    let now = (START + 1000).to_string();
    let raw = |name, text, keys: &[&String], args: &[&str]| Raw {
        name,
        text,
        keys: keys.iter().map(|key| (*key).clone()).collect(),
        args: args
            .iter()
            .map(|arg| {
                if *arg == "now" {
                    now.clone()
                } else {
                    (*arg).to_owned()
                }
            })
            .collect(),
    };
    vec![
        raw(
            "join",
            text!("join"),
            &[
                &k.state,
                &k.waiting,
                &k.offers,
                &k.sessions,
                &k.inside,
                &k.away,
                &k.away_until,
                &k.present,
                &k.releases,
                &k.reserved,
                &k.revoked,
            ],
            &[
                "now", "100", "10", "1000", "600", "300000", "3600000", "300", "1", "1", //
                "p4", "look", "0", "", "p9", "join", "0", "j9",
            ],
        ),
        raw(
            "release",
            text!("release"),
            &[
                &k.state,
                &k.waiting,
                &k.offers,
                &k.sessions,
                &k.inside,
                &k.away,
                &k.away_until,
                &k.present,
                &k.releases,
                &k.reserved,
                &k.revoked,
                &k.gone,
                &k.ended,
            ],
            &[
                "now", "100", "10", "1000", "600", "60000", "600000", "180000", "1", "1",
            ],
        ),
        raw(
            "claim",
            text!("claim"),
            &[
                &k.state,
                &k.offers,
                &k.sessions,
                &k.inside,
                &k.waiting,
                &k.away,
            ],
            &[
                "now", "300000", "3600000", "p2", "j2", "p3", "j3", "p4", "j4",
            ],
        ),
        raw(
            "leave",
            text!("leave"),
            &[
                &k.state,
                &k.waiting,
                &k.offers,
                &k.sessions,
                &k.inside,
                &k.away,
                &k.away_until,
                &k.present,
                &k.reserved,
                &k.revoked,
                &k.gone,
                &k.ended,
            ],
            &[
                "now", "p3", "leave", "p1", "revoke", "p2", "complete", "p4", "leave",
            ],
        ),
        raw(
            "touch",
            text!("touch"),
            &[&k.state, &k.sessions, &k.inside, &k.present, &k.waiting],
            &["now", "300000", "p3", "", "p1", "j1"],
        ),
        raw(
            "stock",
            text!("stock"),
            &[&k.state, &k.reserved, &k.inside],
            &["0-0", "1-0", "7", "reserved", "p1", "freed", "p2"],
        ),
        raw(
            "snapshot",
            text!("snapshot"),
            &[
                &k.state,
                &k.waiting,
                &k.offers,
                &k.sessions,
                &k.releases,
                &k.gone,
                &k.ended,
                &k.away,
            ],
            &["now", "0", "0"],
        ),
        raw(
            "open",
            text!("open"),
            &[&k.state],
            &["now", "1", "0", "2000000", "30000", "0"],
        ),
        raw("durable", text!("durable"), &[&k.durable], &["3", "100000"]),
    ]
}
