//! Signs and checks the visitor cookie.
//!
//! `{id}.{mac}`: 22 characters of id, the HMAC-SHA256 over it in base64url. The MAC keeps anybody
//! from making up visitors by the million, each with a fresh rate limit. The key is derived from
//! the ticket key, so a gateway needs one secret, and apart from it, so that neither signature can
//! stand for the other.

use std::sync::Arc;

use aws_lc_rs::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entry_pass::VisitorId;

/// The key of visitor cookies.
#[derive(Clone)]
pub struct VisitorKey {
    key: Arc<hmac::Key>,
}

impl VisitorKey {
    /// Derived from the secret that signs tickets.
    pub fn derive(ticket_key: &[u8; 32]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, ticket_key);
        let derived = hmac::sign(&root, b"vestibule visitor cookie v1");
        Self {
            key: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())),
        }
    }

    /// A new visitor: 16 random bytes. `None` when the system gives no randomness.
    pub fn new_visitor(&self) -> Option<VisitorId> {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(VisitorId::from_bytes(bytes))
    }

    /// The cookie's value.
    pub fn sign(&self, visitor: &VisitorId) -> String {
        let mac = hmac::sign(&self.key, visitor.as_str().as_bytes());
        format!("{visitor}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    /// Whom the cookie names, if the signature is ours. Compared in constant time.
    pub fn verify(&self, value: &str) -> Option<VisitorId> {
        let (id, mac) = value.split_once('.')?;
        let visitor: VisitorId = id.parse().ok()?;
        let mut bytes = [0; 32];
        let length = URL_SAFE_NO_PAD.decode_slice(mac, &mut bytes).ok()?;
        hmac::verify(&self.key, id.as_bytes(), &bytes[..length]).ok()?;
        Some(visitor)
    }
}
