//! Our cookies: their names by scheme, how they are read and how they are set.
//!
//! Over https every name carries `__Host-`, which browsers let only this host set, over TLS, for
//! every path: another subdomain or a plain-http page cannot plant a ticket. That protection would
//! be worth nothing if the plain names were read there too, so only one set of names is ever read.

use std::time::Duration;

use entry_pass::RoomId;
use http::{HeaderMap, HeaderValue, header};

use super::{Caller, Scheme};

/// How long a visitor is remembered: 30 days, longer than any ticket.
pub const VISITOR_MAX_AGE: Duration = Duration::from_hours(30 * 24);

/// Cookies a browser is believed to send at most; more is an attack on the scan.
const MOST_COOKIES: usize = 200;

const HOST: &str = "__Host-";
const VISITOR: &str = "wr-visitor";
const TICKET: &str = "wr-ticket-";
const PASS: &str = "wr-pass-";

/// One of the cookies we set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrCookie<'a> {
    /// Who the browser is.
    Visitor,
    /// Its ticket for a room.
    Ticket(&'a RoomId),
    /// Its pass for a room.
    Pass(&'a RoomId),
}

impl WrCookie<'_> {
    /// Its name for a visitor of this scheme.
    pub fn name(self, scheme: Scheme) -> String {
        let host = match scheme {
            Scheme::Http => "",
            Scheme::Https => HOST,
        };
        match self {
            Self::Visitor => format!("{host}{VISITOR}"),
            Self::Ticket(room) => format!("{host}{TICKET}{room}"),
            Self::Pass(room) => format!("{host}{PASS}{room}"),
        }
    }

    /// The `Set-Cookie` value that sets it for `max_age`. A value of other than visible ASCII (ours
    /// are base64url and dots) sets nothing and clears the cookie.
    pub fn set(self, scheme: Scheme, value: &str, max_age: Duration) -> HeaderValue {
        let secure = match scheme {
            Scheme::Http => "",
            Scheme::Https => "; Secure",
        };
        let name = self.name(scheme);
        let seconds = max_age.as_secs();
        HeaderValue::try_from(format!(
            "{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
        ))
        .unwrap_or_else(|_| self.clear(scheme))
    }

    /// The `Set-Cookie` value that removes it.
    pub fn clear(self, scheme: Scheme) -> HeaderValue {
        self.set(scheme, "", Duration::ZERO)
    }
}

/// Whether a cookie of this name is one of ours, of either scheme and of any room. Prefixes are
/// compared without case, as browsers do with `__Host-`.
pub fn is_ours(name: &str) -> bool {
    let plain = strip_prefix_no_case(name, HOST).unwrap_or(name);
    plain.eq_ignore_ascii_case(VISITOR)
        || strip_prefix_no_case(plain, TICKET).is_some()
        || strip_prefix_no_case(plain, PASS).is_some()
}

fn strip_prefix_no_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let start = text.get(..prefix.len())?;
    start
        .eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

/// Fills in the ticket and pass cookies; returns the visitor cookie's value. A cookie that comes
/// twice with two values is dropped: which of them a later reader would take is anybody's guess.
pub(super) fn read(headers: &HeaderMap, scheme: Scheme, caller: &mut Caller) -> Option<String> {
    let mut visitor = Once::default();
    let mut tickets: Vec<(RoomId, Once)> = Vec::new();
    let mut passes: Vec<(RoomId, Once)> = Vec::new();
    let pairs = headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b';'))
        .take(MOST_COOKIES)
        // One at a time: a shop's cookie in another alphabet must not cost its visitor the place.
        .filter_map(|pair| std::str::from_utf8(pair).ok()?.split_once('='));
    for (name, value) in pairs {
        let (name, value) = (name.trim(), value.trim());
        let plain = match scheme {
            Scheme::Http => name,
            Scheme::Https => match name.strip_prefix(HOST) {
                Some(plain) => plain,
                None => continue,
            },
        };
        if plain == VISITOR {
            visitor.put(value);
        } else if let Some(room) = plain.strip_prefix(TICKET) {
            put(&mut tickets, room, value);
        } else if let Some(room) = plain.strip_prefix(PASS) {
            put(&mut passes, room, value);
        }
    }
    let single = |cookies: Vec<(RoomId, Once)>| {
        cookies
            .into_iter()
            .filter_map(|(room, once)| Some((room, once.single()?)))
            .collect()
    };
    caller.ticket_cookies = single(tickets);
    caller.pass_cookies = single(passes);
    visitor.single()
}

fn put(cookies: &mut Vec<(RoomId, Once)>, room: &str, value: &str) {
    let Ok(room) = room.parse::<RoomId>() else {
        return;
    };
    match cookies.iter_mut().find(|(of, _)| *of == room) {
        Some((_, once)) => once.put(value),
        None => cookies.push((room, Once::One(value.to_owned()))),
    }
}

#[derive(Default)]
enum Once {
    #[default]
    None,
    One(String),
    Doubtful,
}

impl Once {
    fn put(&mut self, value: &str) {
        *self = match self {
            Self::None => Self::One(value.to_owned()),
            Self::One(first) if first == value => return,
            Self::One(_) | Self::Doubtful => Self::Doubtful,
        };
    }

    fn single(self) -> Option<String> {
        match self {
            Self::One(value) if !value.is_empty() => Some(value),
            _ => None,
        }
    }
}
