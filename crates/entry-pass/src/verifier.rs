//! Checks passes, without any store.
//!
//! An ES256 check costs about 40 µs, twice the price of proxying a request, so the claims of a pass
//! seen before come from a bounded cache keyed by the whole token. Times are judged on every call,
//! cached or not. There is no leeway: gateway and purchase service share their host's clock or run
//! NTP, and a pass's end is decided by whoever checks.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use quick_cache::sync::Cache;

use crate::{Claims, PublicKeys, RoomId, TYP};

/// Longest token looked at. Ours are about 500 bytes; more is an attack on the base64 decoder.
const LONGEST: usize = 4096;

/// Why a pass does not admit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PassError {
    /// Not a pass of ours, or changed on the way.
    #[error("the entry pass is not valid")]
    Invalid,
    /// Its time is over.
    #[error("the entry pass has expired")]
    Expired,
    /// Its time has not begun.
    #[error("the entry pass is not valid yet")]
    NotYet,
    /// It admits to another room.
    #[error("the entry pass is for another room")]
    OtherRoom,
}

/// Checks passes of one issuer.
pub struct Verifier {
    keys: PublicKeys,
    issuer: Arc<str>,
    validation: Validation,
    seen: Cache<Box<str>, Arc<Claims>>,
}

impl Verifier {
    /// `remembered` bounds how many passes are kept so that they need not be verified again
    /// (about 1 KB each).
    pub fn new(keys: PublicKeys, issuer: &str, remembered: usize) -> Self {
        let mut validation = Validation::new(Algorithm::ES256);
        // Times and audience are judged below: against the caller's clock, without leeway, and on
        // every call rather than only when the signature is checked.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.leeway = 0;
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        Self {
            keys,
            issuer: issuer.into(),
            validation,
            seen: Cache::new(remembered.max(1)),
        }
    }

    /// The claims of a running pass for `room`. `now` in seconds since the Unix epoch.
    pub fn verify(&self, token: &str, room: &RoomId, now: u64) -> Result<Arc<Claims>, PassError> {
        let claims = self.verify_person(token)?;
        if claims.aud != *room {
            return Err(PassError::OtherRoom);
        }
        Self::running(&claims, now)?;
        Ok(claims)
    }

    /// Whether a pass whose signature is known to be good is within its time.
    pub fn running(claims: &Claims, now: u64) -> Result<(), PassError> {
        if now >= claims.exp {
            return Err(PassError::Expired);
        }
        if now < claims.nbf {
            return Err(PassError::NotYet);
        }
        Ok(())
    }

    /// The claims of a pass that is ours, running or not. It still names its person: someone whose
    /// pass ran out on the payment page may confirm, cancel and read what is theirs.
    pub fn verify_person(&self, token: &str) -> Result<Arc<Claims>, PassError> {
        if token.len() > LONGEST {
            return Err(PassError::Invalid);
        }
        if let Some(claims) = self.seen.get(token) {
            return Ok(claims);
        }
        let header = decode_header(token).map_err(|_| PassError::Invalid)?;
        if header.typ.as_deref() != Some(TYP) || header.alg != Algorithm::ES256 {
            return Err(PassError::Invalid);
        }
        let key = header
            .kid
            .as_deref()
            .and_then(|kid| self.keys.find(kid))
            .ok_or(PassError::Invalid)?;
        let claims = decode::<Claims>(token, key, &self.validation)
            .map_err(|_| PassError::Invalid)?
            .claims;
        debug_assert_eq!(claims.iss, *self.issuer);
        let claims = Arc::new(claims);
        self.seen.insert(token.into(), Arc::clone(&claims));
        Ok(claims)
    }

    /// Whether a bearer token says of itself that it is a pass. Nothing is verified: this only
    /// tells ours from a shop's own token, which passes through untouched.
    pub fn looks_like_a_pass(token: &str) -> bool {
        token.len() <= LONGEST
            && decode_header(token).is_ok_and(|header| header.typ.as_deref() == Some(TYP))
    }
}

#[cfg(test)]
mod tests;
