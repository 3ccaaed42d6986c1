//! Checks the entry pass again: whoever reaches this service by another way has none.
//!
//! The gateway hands the pass on as `X-Entry-Pass`; a client of the service itself may send it as a
//! bearer token. Reserving takes a running pass of the sale's room. Everything about one's own
//! reservation takes only the person, because a pass may run out on the payment page.

use std::sync::Arc;

use ::entry_pass::{Claims, RoomId, Verifier};
use axum::extract::FromRequestParts;
use http::{HeaderMap, header, request::Parts};

use crate::{Purchase, refusal::Refusal};

/// The header in which the gateway hands the pass on.
const X_ENTRY_PASS: &str = "x-entry-pass";

/// Whoever the pass names, its time over or not.
#[derive(Debug, Clone)]
pub struct Bearer(pub Arc<Claims>);

impl Bearer {
    /// Whoever the pass in these headers names.
    pub(crate) fn of(headers: &HeaderMap, purchase: &Purchase) -> Result<Self, Refusal> {
        let token = token(headers).ok_or(Refusal::NoPass)?;
        Ok(Self(purchase.verifier().verify_person(token)?))
    }
}

/// Whether the pass is running and admits to `room`. `now_ms` by our clock.
pub(crate) fn running_in(claims: &Claims, room: &RoomId, now_ms: u64) -> Result<(), Refusal> {
    if claims.aud != *room {
        return Err(::entry_pass::PassError::OtherRoom.into());
    }
    Ok(Verifier::running(claims, now_ms / 1000)?)
}

impl FromRequestParts<Purchase> for Bearer {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &Purchase) -> Result<Self, Refusal> {
        Self::of(&parts.headers, state)
    }
}

/// The pass, if exactly one came: of two, nobody can say which one was meant.
fn token(headers: &HeaderMap) -> Option<&str> {
    let mut passes = headers.get_all(X_ENTRY_PASS).iter();
    if let Some(pass) = passes.next() {
        return if passes.next().is_none() {
            pass.to_str().ok()
        } else {
            None
        };
    }
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = authorization.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && Verifier::looks_like_a_pass(token)).then_some(token)
}
