//! Tickets and passes that apps send as headers, told from a shop's own tokens by their `typ`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;

use super::Caller;

/// The `typ` of a ticket's JWS header.
pub const TICKET_TYP: &str = "wr-ticket+jwt";

/// The header an app sends its pass in and the shop receives the verified one in.
pub(crate) const ENTRY_PASS: &str = "x-entry-pass";

/// Longest token looked at.
const LONGEST: usize = 4096;

/// What a token says it is. Nothing has been verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// `typ` is that of a ticket.
    Ticket,
    /// `typ` is that of an entry pass.
    Pass,
    /// Somebody else's, or not a JWS at all.
    Foreign,
}

/// What the token says it is.
pub fn credential(token: &str) -> Credential {
    #[derive(Deserialize)]
    struct Head {
        typ: Option<String>,
    }
    let typ = || {
        let first = token.split_once('.').filter(|_| token.len() <= LONGEST)?.0;
        let head = URL_SAFE_NO_PAD.decode(first).ok()?;
        serde_json::from_slice::<Head>(&head).ok()?.typ
    };
    match typ().as_deref() {
        Some(TICKET_TYP) => Credential::Ticket,
        Some(entry_pass::TYP) => Credential::Pass,
        _ => Credential::Foreign,
    }
}

/// The token of an `Authorization: Bearer` value.
pub(crate) fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Takes over what was sent as a header. Two different ones of a kind are as none.
pub(super) fn read(headers: &HeaderMap, caller: &mut Caller) {
    let mut bearers = headers.get_all(header::AUTHORIZATION).iter();
    if let (Some(token), None) = (bearers.next().and_then(bearer), bearers.next()) {
        match credential(token) {
            Credential::Ticket => caller.ticket_token = Some(token.to_owned()),
            Credential::Pass => caller.pass_token = Some(token.to_owned()),
            Credential::Foreign => {}
        }
    }
    let mut passes = headers.get_all(ENTRY_PASS).iter();
    if let (Some(value), None) = (passes.next(), passes.next())
        && let Ok(token) = value.to_str()
        && credential(token.trim()) == Credential::Pass
    {
        let token = token.trim();
        caller.pass_token = match caller.pass_token.take() {
            Some(bearer) if bearer != token => None,
            _ => Some(token.to_owned()),
        };
    }
}
