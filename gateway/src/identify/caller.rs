//! What is known about the sender of a request.

use std::net::{IpAddr, Ipv4Addr};

use entry_pass::{RoomId, VisitorId};

/// How the visitor reaches us, which decides the names of cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scheme {
    /// Plain http: cookies without `__Host-` and `Secure`.
    #[default]
    Http,
    /// TLS, here or at a trusted proxy.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Who sent a request; a request extension. Only [`Self::visitor`] has been verified.
///
/// `Debug` shows no token.
#[derive(Clone)]
pub struct Caller {
    /// The visitor, by signed cookie or else by a verified bearer ticket.
    pub visitor: Option<VisitorId>,
    /// The client's address, behind trusted proxies if any.
    pub address: IpAddr,
    /// Whether that address was told by a trusted proxy.
    pub(crate) behind_proxy: bool,
    /// The scheme as the visitor sees it.
    pub scheme: Scheme,
    /// The host as the visitor sees it, lower case, with the port if one was given.
    pub host: String,
    /// A ticket sent as `Authorization: Bearer`, not verified.
    pub ticket_token: Option<String>,
    /// A pass sent as `Authorization: Bearer` or `X-Entry-Pass`, not verified.
    pub pass_token: Option<String>,
    /// Ticket cookies by room, not verified.
    pub(crate) ticket_cookies: Vec<(RoomId, String)>,
    /// Pass cookies by room, not verified.
    pub(crate) pass_cookies: Vec<(RoomId, String)>,
}

impl Caller {
    /// The ticket for `room`, not verified: the one sent as a bearer, else the cookie.
    pub fn ticket(&self, room: &RoomId) -> Option<&str> {
        self.ticket_token
            .as_deref()
            .or_else(|| of_room(&self.ticket_cookies, room))
    }

    /// The pass for `room`, not verified: the one sent as a header, else the cookie.
    pub fn pass(&self, room: &RoomId) -> Option<&str> {
        self.pass_token
            .as_deref()
            .or_else(|| of_room(&self.pass_cookies, room))
    }

    /// `http://host` as the visitor sees it, without a path.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme.as_str(), self.host)
    }
}

fn of_room<'a>(cookies: &'a [(RoomId, String)], room: &RoomId) -> Option<&'a str> {
    cookies
        .iter()
        .find(|(of, _)| of == room)
        .map(|(_, token)| token.as_str())
}

impl Default for Caller {
    fn default() -> Self {
        Self {
            visitor: None,
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            behind_proxy: false,
            scheme: Scheme::Http,
            host: String::new(),
            ticket_token: None,
            pass_token: None,
            ticket_cookies: Vec::new(),
            pass_cookies: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("visitor", &self.visitor.as_ref().map(VisitorId::as_str))
            .field("address", &self.address)
            .field("scheme", &self.scheme)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}
