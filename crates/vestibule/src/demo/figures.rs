//! What the run cost: CPU of each side, calls to the stores, memory of those who wait.
//!
//! Read before and after. The crowd's children have ended by then, so that the kernel has added
//! their time to ours; the private Redis servers tell their own.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use crate::redis_child;

/// Clock ticks a second in `/proc`, on every Linux there is.
const TICKS: f64 = 100.0;

/// One reading.
#[derive(Default)]
pub(super) struct Figures {
    own_cpu_s: f64,
    crowd_cpu_s: f64,
    waitlist: Server,
    stock: Server,
}

#[derive(Default)]
struct Server {
    cpu_s: f64,
    script_calls: f64,
    memory_peak: f64,
}

impl Figures {
    /// Reads everything; what does not answer counts as zero.
    pub(super) async fn read(stores: &redis_child::Pair) -> Self {
        let (own_cpu_s, crowd_cpu_s) = own_cpu().unwrap_or_default();
        Self {
            own_cpu_s,
            crowd_cpu_s,
            waitlist: Server::read(&stores.waitlist.url())
                .await
                .unwrap_or_default(),
            stock: Server::read(&stores.stock.url()).await.unwrap_or_default(),
        }
    }

    /// The difference, for the report.
    pub(super) fn since(&self, before: &Self, visitors: u64) -> BTreeMap<String, Value> {
        let visitors = visitors.max(1) as f64;
        let calls = self.waitlist.script_calls - before.waitlist.script_calls
            + self.stock.script_calls
            - before.stock.script_calls;
        let memory = (self.waitlist.memory_peak - before.waitlist.memory_peak).max(0.0);
        [
            ("services_cpu_s", self.own_cpu_s - before.own_cpu_s),
            ("crowd_cpu_s", self.crowd_cpu_s - before.crowd_cpu_s),
            (
                "waitlist_store_cpu_s",
                self.waitlist.cpu_s - before.waitlist.cpu_s,
            ),
            ("stock_store_cpu_s", self.stock.cpu_s - before.stock.cpu_s),
            ("store_calls", calls),
            ("store_calls_per_visitor", calls / visitors),
            ("waitlist_store_bytes_per_visitor", memory / visitors),
        ]
        .into_iter()
        .map(|(name, figure)| (name.to_owned(), json!((figure * 100.0).round() / 100.0)))
        .collect()
    }
}

impl Server {
    async fn read(url: &str) -> Option<Self> {
        let store = lua::Store::connect(url).await.ok()?;
        let mut said = HashMap::new();
        for section in ["cpu", "memory", "commandstats"] {
            let text: String = redis::cmd("INFO")
                .arg(section)
                .query_async(&mut store.fast())
                .await
                .ok()?;
            for line in text.lines() {
                if let Some((name, value)) = line.split_once(':') {
                    said.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        let number = |name: &str| said.get(name).and_then(|v| v.parse().ok()).unwrap_or(0.0);
        let calls = |name: &str| {
            said.get(name)
                .and_then(|v| v.strip_prefix("calls=")?.split(',').next()?.parse().ok())
                .unwrap_or(0.0)
        };
        Some(Self {
            cpu_s: number("used_cpu_user") + number("used_cpu_sys"),
            script_calls: calls("cmdstat_evalsha") + calls("cmdstat_eval"),
            memory_peak: number("used_memory_peak"),
        })
    }
}

/// Seconds of CPU of this process and of its children that have ended.
fn own_cpu() -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name may hold anything, spaces and brackets too; fields count from its last bracket.
    let after = stat.rsplit_once(')')?.1;
    let ticks: Vec<f64> = after
        .split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse().ok())
        .collect();
    let [user, system, children_user, children_system] = ticks[..] else {
        return None;
    };
    Some((
        (user + system) / TICKS,
        (children_user + children_system) / TICKS,
    ))
}
