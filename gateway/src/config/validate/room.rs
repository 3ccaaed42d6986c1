//! Complaints about rooms: each for itself, and about two that collide.

use std::{collections::HashMap, time::Duration};

use super::{Complaints, plain_path};
use crate::config::{Order, Room};

impl Complaints {
    pub(super) fn room(&mut self, path: &str, room: &Room) {
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
    pub(super) fn doubles(&mut self, rooms: &[Room]) {
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

fn plain_host(host: &str) -> bool {
    !host.is_empty()
        && (host.parse::<std::net::Ipv6Addr>().is_ok()
            || host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')))
}
