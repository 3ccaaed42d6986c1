//! Every complaint about a configuration, gathered in one go.

use std::{collections::HashMap, time::Duration};

use url::Url;

use super::{Config, Order, Rate, Room, Timeouts};

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

    fn room(&mut self, path: &str, room: &Room) {
        let at = |field: &str| format!("{path}.{field}");
        self.require(
            !room.routes.is_empty(),
            &at("routes"),
            "there must be at least one route",
        );
        for (n, route) in room.routes.iter().enumerate() {
            self.require(
                plain_path(&route.path),
                &at(&format!("routes[{n}].path")),
                "must begin with a slash and be free of //, dot segments, %, ;, ? and #",
            );
            self.require(
                !route.path.starts_with("/_wr/") && route.path != "/_wr",
                &at(&format!("routes[{n}].path")),
                "/_wr is the waiting room's own and never a shop's",
            );
            self.require(
                route.host.as_deref().is_none_or(plain_host),
                &at(&format!("routes[{n}].host")),
                "must be a host name or address without a scheme or a port",
            );
        }
        self.upstream(&at("upstream"), &room.upstream);
        self.require(
            room.order == Order::Fifo,
            &at("order"),
            "only fifo is available yet; random, passthrough and reject are not",
        );
        if let (Some(opens), Some(closes)) = (room.opens_at, room.closes_at) {
            self.require(opens < closes, &at("closes_at"), "must be after opens_at");
        }
        if let Some(from) = room.prequeue_from {
            self.require(
                room.opens_at.is_some_and(|opens| from < opens),
                &at("prequeue_from"),
                "must be before opens_at",
            );
        }
        self.require(room.capacity >= 1, &at("capacity"), "must be at least 1");
        self.require(room.batch >= 1, &at("batch"), "must be at least 1");
        self.require(room.batch <= 10_000, &at("batch"), "must be at most 10000");
        let (second, hour, day) = (
            Duration::from_secs(1),
            Duration::from_hours(1),
            Duration::from_hours(24),
        );
        let minute = Duration::from_mins(1);
        // Longer than a minute and the rate per rolling minute would be less than one batch.
        self.within(&at("tick"), room.tick, Duration::from_millis(100), minute);
        self.within(&at("session"), room.session, second, day);
        self.within(&at("session_max"), room.session_max, second, day);
        self.require(
            room.session <= room.session_max,
            &at("session_max"),
            "must be at least session",
        );
        self.within(&at("offer_ttl"), room.offer_ttl, second, hour);
        self.within(&at("place_kept_for"), room.place_kept_for, second, day);
        for (field, text) in [("message", &room.message), ("title", &room.title)] {
            self.require(
                text.as_ref().is_none_or(|text| text.chars().count() <= 500),
                &at(field),
                "must be at most 500 characters",
            );
        }
        self.require(
            matches!(room.page_status, 200 | 202 | 429 | 503),
            &at("page_status"),
            "must be 200, 202, 429 or 503",
        );
        let steps = &room.poll.0;
        self.require(
            (1..=16).contains(&steps.len()) && steps.is_sorted_by(|a, b| a.ahead < b.ahead),
            &at("poll"),
            "must be 1 to 16 steps with rising ahead",
        );
        for (n, step) in steps.iter().enumerate() {
            let path = at(&format!("poll[{n}].after"));
            self.within(&path, step.after, Duration::from_millis(100), hour);
        }
    }

    /// Two rooms of one name, of one sale, or at one place: whichever won, the other's operator
    /// would believe in a gate that is not there.
    fn doubles(&mut self, rooms: &[Room]) {
        let mut names = HashMap::new();
        let mut sales = HashMap::new();
        let mut places = HashMap::new();
        for (at, room) in rooms.iter().enumerate() {
            if let Some(first) = names.insert(&room.id, at) {
                self.add(
                    &format!("rooms[{at}].id"),
                    &format!("is the id of rooms[{first}] too"),
                );
            }
            if let Some(first) = room.sale.as_ref().and_then(|sale| sales.insert(sale, at)) {
                self.add(
                    &format!("rooms[{at}].sale"),
                    &format!("is the sale of rooms[{first}] too"),
                );
            }
            for (n, route) in room.routes.iter().enumerate() {
                let host = route.host.as_deref().map(str::to_ascii_lowercase);
                let path = route.path.trim_end_matches('/').to_ascii_lowercase();
                if let Some(first) = places.insert((host, path), at) {
                    self.add(
                        &format!("rooms[{at}].routes[{n}]"),
                        &format!("is a route of rooms[{first}] too"),
                    );
                }
            }
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

fn plain_host(host: &str) -> bool {
    !host.is_empty()
        && (host.parse::<std::net::Ipv6Addr>().is_ok()
            || host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')))
}
