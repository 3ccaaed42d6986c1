//! Offer to entry pass: signs the pass of a session, and says whether one may be renewed.
//!
//! A pass is signed when a session begins, when it is claimed again, and when the session has slid
//! on far enough; never per request. It says what the store said: it does not outlive the session's
//! deadline there, so capacity and passes cannot drift apart.

use std::{sync::Arc, time::Duration};

use entry_pass::{Claims, Issuer, KeyError, NewPass, PassError, PersonId, Verifier};
use lua::room::Session;

use crate::room::Room;

/// Signs and checks the passes of one gateway.
#[derive(Clone)]
pub struct Passes {
    issuer: Issuer,
    verifier: Arc<Verifier>,
}

/// A signed pass.
#[derive(Debug, Clone)]
pub struct SignedPass {
    /// In compact form.
    pub token: String,
    /// What it says.
    pub claims: Claims,
}

impl Passes {
    /// By an issuer and the verifier of the same keys.
    pub fn new(issuer: Issuer, verifier: Verifier) -> Self {
        Self {
            issuer,
            verifier: Arc::new(verifier),
        }
    }

    /// The pass of a session; the same `jti`, issue time and end whenever it is asked for.
    pub fn of(&self, room: &Room, person: &PersonId, of: &Session) -> Result<SignedPass, KeyError> {
        let (token, claims) = self.issuer.issue(NewPass {
            room: room.id().clone(),
            sale: room.policy.sale.clone(),
            person: person.clone(),
            number: of.number,
            jti: of.jti.clone(),
            issued_at: of.issued_at / 1000,
            expires_at: of.expires_at / 1000,
        })?;
        Ok(SignedPass { token, claims })
    }

    /// The claims of a pass that runs now and was not ended early. In milliseconds: by whole seconds
    /// a pass would outlive its session's end by the rest of one.
    pub fn running(&self, room: &Room, token: &str, now_ms: u64) -> Result<Arc<Claims>, PassError> {
        let claims = self.verifier.verify(token, room.id(), now_ms / 1000)?;
        if room.moments().pass_ended(&claims.jti, now_ms) {
            return Err(PassError::Expired);
        }
        Ok(claims)
    }

    /// The claims of a pass of this room that is ours, running or not.
    pub fn ours(&self, room: &Room, token: &str) -> Option<Arc<Claims>> {
        self.verifier
            .verify_person(token)
            .ok()
            .filter(|claims| claims.aud == *room.id())
    }

    /// A renewed pass, once the store has confirmed a deadline that is later by a tenth of the
    /// session: a cookie per request would be a signature per request.
    pub fn renewed(&self, room: &Room, claims: &Claims) -> Option<SignedPass> {
        let confirmed = room.touches().deadline(&claims.jti)?;
        let worth = Duration::max(room.policy.session / 10, Duration::from_secs(1));
        if confirmed / 1000 < claims.exp + worth.as_secs() {
            return None;
        }
        let session = Session {
            number: claims.num,
            released_at: 0,
            jti: claims.jti.clone(),
            issued_at: claims.iat * 1000,
            expires_at: confirmed,
            new: false,
        };
        self.of(room, &claims.sub, &session).ok()
    }
}
