//! Every complaint about a configuration, gathered in one go.

use std::time::Duration;

use url::Url;

use super::{Config, Rate, Timeouts};

mod room;

/// All complaints, in the order of the fields.
pub(super) fn complaints(config: &Config) -> Vec<String> {
    let mut found = Complaints(Vec::new());
    if let Some(url) = &config.public_url {
        found.require(
            matches!(url.scheme(), "http" | "https") && bare(url),
            "public_url",
            "must be http:// or https:// with a host and nothing after it",
        );
    }
    found.rate("limits.personal", config.limits.personal);
    found.rate("limits.shop", config.limits.shop);
    found.rate("limits.per_address", config.limits.per_address);
    found.require(
        (32..=128).contains(&config.limits.address_ipv6_prefix),
        "limits.address_ipv6_prefix",
        "must be from 32 to 128",
    );
    found.require(
        config.limits.remembered >= 1000,
        "limits.remembered",
        "must be at least 1000",
    );
    if let Some(url) = &config.purchase {
        found.upstream("purchase", url);
    }
    found.require(
        config.purchase_prefix.len() > 2
            && config.purchase_prefix.ends_with('/')
            && plain_path(&config.purchase_prefix)
            && !config.purchase_prefix.starts_with("/_wr/"),
        "purchase_prefix",
        "must be a path like /v1/, with a slash at both ends and outside /_wr/",
    );
    found.timeouts(&config.timeouts);
    found.require(
        config.max_connections >= 1,
        "max_connections",
        "must be at least 1",
    );
    found.require(
        (8192..=1 << 20).contains(&config.max_header_bytes),
        "max_header_bytes",
        "must be from 8192 to 1048576",
    );
    found.require(
        config.api_body_limit >= 1024,
        "api_body_limit",
        "must be at least 1024",
    );
    found.require(config.pass_cache >= 1, "pass_cache", "must be at least 1");
    found.require(
        !config.rooms.is_empty(),
        "rooms",
        "there must be at least one room",
    );
    for (at, room) in config.rooms.iter().enumerate() {
        found.room(&format!("rooms[{at}]"), room);
        if room.sale.is_some() && config.purchase.is_none() {
            found.add(
                &format!("rooms[{at}].sale"),
                "needs purchase, where its service listens",
            );
        }
    }
    found.doubles(&config.rooms);
    found.0
}

struct Complaints(Vec<String>);

impl Complaints {
    fn add(&mut self, path: &str, what: &str) {
        self.0.push(format!("{path}: {what}"));
    }

    fn require(&mut self, holds: bool, path: &str, what: &str) {
        if !holds {
            self.add(path, what);
        }
    }

    fn rate(&mut self, path: &str, rate: Rate) {
        self.require(
            rate.per_second >= 1,
            &format!("{path}.per_second"),
            "must be at least 1",
        );
        self.require(
            rate.burst >= 1,
            &format!("{path}.burst"),
            "must be at least 1",
        );
    }

    fn within(&mut self, path: &str, value: Duration, least: Duration, most: Duration) {
        self.require(
            (least..=most).contains(&value),
            path,
            &format!(
                "must be from {} to {}",
                humantime::format_duration(least),
                humantime::format_duration(most)
            ),
        );
    }

    fn timeouts(&mut self, timeouts: &Timeouts) {
        let (least, most) = (Duration::from_millis(1), Duration::from_hours(1));
        for (name, value) in [
            ("header_read", timeouts.header_read),
            ("idle", timeouts.idle),
            ("upstream_connect", timeouts.upstream_connect),
            ("upstream_answer", timeouts.upstream_answer),
            ("drain", timeouts.drain),
        ] {
            self.within(&format!("timeouts.{name}"), value, least, most);
        }
    }

    fn upstream(&mut self, path: &str, url: &Url) {
        if url.scheme() == "https" {
            self.add(
                path,
                "https to an upstream is not available yet; use http://",
            );
        } else {
            self.require(
                url.scheme() == "http" && bare(url),
                path,
                "must be http:// with a host and nothing after it",
            );
        }
    }
}

/// Nothing but scheme, host and port.
fn bare(url: &Url) -> bool {
    url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

/// A path that is its own normal form.
fn plain_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.contains("//")
        && path
            .split('/')
            .all(|segment| !matches!(segment, "." | ".."))
        && path
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"%;?#\\".contains(&b))
}
