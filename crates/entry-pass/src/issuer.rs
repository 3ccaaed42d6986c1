//! Signs passes. About 21 µs each, so a pass is signed when it is claimed and never per request.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Header, encode};

use crate::{Claims, KeyError, KeyRing, PersonId, RoomId, SaleId, TYP, TicketNumber};

/// What the waitlist decided about one admission. Times in seconds since the Unix epoch.
#[derive(Debug, Clone)]
pub struct NewPass {
    /// The room admitted to.
    pub room: RoomId,
    /// Its sale, when it sells.
    pub sale: Option<SaleId>,
    /// Who is admitted.
    pub person: PersonId,
    /// The ticket released.
    pub number: TicketNumber,
    /// The session's id; repeating a claim repeats it.
    pub jti: String,
    /// Issued at, which is also "not before".
    pub issued_at: u64,
    /// End of the session as the store knows it; a pass never outlives it.
    pub expires_at: u64,
}

/// Signs passes with the ring's first key.
#[derive(Clone)]
pub struct Issuer {
    ring: Arc<KeyRing>,
    issuer: Arc<str>,
}

impl Issuer {
    /// `issuer` is the gateway's public URL and becomes `iss`.
    pub fn new(ring: Arc<KeyRing>, issuer: &str) -> Self {
        Self {
            ring,
            issuer: issuer.into(),
        }
    }

    /// The signed pass in compact form, and what it says.
    pub fn issue(&self, new: NewPass) -> Result<(String, Claims), KeyError> {
        let claims = Claims {
            iss: self.issuer.as_ref().to_owned(),
            aud: new.room,
            sale: new.sale,
            sub: new.person,
            jti: new.jti,
            iat: new.issued_at,
            nbf: new.issued_at,
            exp: new.expires_at,
            num: new.number,
        };
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(TYP.to_owned());
        header.kid = Some(self.ring.kid.clone());
        let token = encode(&header, &claims, &self.ring.signing).map_err(|_| KeyError::NotAKey)?;
        Ok((token, claims))
    }
}
