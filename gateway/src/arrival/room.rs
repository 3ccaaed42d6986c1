//! Which room a target belongs to.
//!
//! The most specific route wins: a named host before any host, then the longer path. Paths are
//! compared segment by segment and without case, because shops that serve `/Shop` for `/shop` exist
//! and a gate that tells them apart is open; parameters of a segment (`/shop;x`) do not count, for
//! the same reason.

use super::{Target, target::without_parameters};
use crate::config::Room;

/// Finds rooms by host and path.
#[derive(Debug, Clone, Default)]
pub struct Rooms {
    /// Most specific first.
    routes: Vec<Place>,
}

#[derive(Debug, Clone)]
struct Place {
    host: Option<String>,
    segments: Vec<String>,
    room: usize,
}

impl Rooms {
    /// Over the configuration's rooms.
    pub fn new(rooms: &[Room]) -> Self {
        let mut routes: Vec<Place> = rooms
            .iter()
            .enumerate()
            .flat_map(|(room, of)| of.routes.iter().map(move |route| (room, route)))
            .map(|(room, route)| Place {
                host: route.host.as_deref().map(str::to_ascii_lowercase),
                segments: segments(&route.path).map(str::to_ascii_lowercase).collect(),
                room,
            })
            .collect();
        routes.sort_by_key(|place| (place.host.is_none(), usize::MAX - place.segments.len()));
        Self { routes }
    }

    /// The index of the room that protects this target, in the order of the configuration.
    pub fn find(&self, target: &Target) -> Option<usize> {
        self.routes
            .iter()
            .find(|place| place.covers(target))
            .map(|place| place.room)
    }
}

impl Place {
    fn covers(&self, target: &Target) -> bool {
        if self.host.as_ref().is_some_and(|host| *host != target.host) {
            return false;
        }
        let mut asked = segments(&target.path);
        self.segments.iter().all(|own| {
            asked
                .next()
                .is_some_and(|segment| without_parameters(segment).eq_ignore_ascii_case(own))
        })
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

#[cfg(test)]
mod tests;
