//! The keys that sign and check passes: ES256, because HAProxy 2.6 can check it and not EdDSA.

use std::collections::HashMap;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse, ThumbprintHash},
};

/// A key that cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not a PKCS#8 PEM with a P-256 key in it.
    #[error("not a P-256 private key in PKCS#8 PEM form")]
    NotAKey,
    /// The key set holds none that can check ES256.
    #[error("the key set holds no usable ES256 key")]
    EmptySet,
    /// The system gave no randomness.
    #[error("a key could not be generated")]
    Generate,
}

/// The key that signs, and every key whose passes are still honoured.
///
/// Rotation: put the new key first and keep the old one for one pass lifetime.
pub struct KeyRing {
    pub(crate) signing: EncodingKey,
    pub(crate) kid: String,
    public: PublicKeys,
}

impl KeyRing {
    /// Reads private keys, newest first; the first one signs.
    pub fn from_pems<'a>(pems: impl IntoIterator<Item = &'a str>) -> Result<Self, KeyError> {
        let mut jwks = Vec::new();
        let mut signing = None;
        for pem in pems {
            let key = EncodingKey::from_ec_pem(pem.as_bytes()).map_err(|_| KeyError::NotAKey)?;
            let mut jwk =
                Jwk::from_encoding_key(&key, Algorithm::ES256).map_err(|_| KeyError::NotAKey)?;
            let kid = jwk
                .thumbprint(ThumbprintHash::SHA256)
                .map_err(|_| KeyError::NotAKey)?;
            jwk.common.key_id = Some(kid.clone());
            jwk.common.key_algorithm = Some(KeyAlgorithm::ES256);
            jwk.common.public_key_use = Some(PublicKeyUse::Signature);
            jwks.push(jwk);
            signing.get_or_insert((key, kid));
        }
        let (signing, kid) = signing.ok_or(KeyError::NotAKey)?;
        Ok(Self {
            signing,
            kid,
            public: PublicKeys::from_set(JwkSet { keys: jwks })?,
        })
    }

    /// A new P-256 private key as PKCS#8 PEM, to be written to a file only its owner can read.
    pub fn generate_pem() -> Result<String, KeyError> {
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map_err(|_| KeyError::Generate)?;
        let body = STANDARD.encode(document.as_ref());
        let lines: Vec<&str> = (0..body.len())
            .step_by(64)
            .map(|at| &body[at..body.len().min(at + 64)])
            .collect();
        Ok(format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            lines.join("\n")
        ))
    }

    /// The public half, for whoever only checks.
    pub fn public(&self) -> PublicKeys {
        self.public.clone()
    }
}

/// The keys that check passes, by `kid`.
#[derive(Clone)]
pub struct PublicKeys {
    set: JwkSet,
    by_kid: HashMap<String, DecodingKey>,
}

impl PublicKeys {
    /// Reads a JWKS document, such as the gateway serves at `/_wr/jwks.json`.
    pub fn from_jwks(json: &str) -> Result<Self, KeyError> {
        Self::from_set(serde_json::from_str(json).map_err(|_| KeyError::EmptySet)?)
    }

    fn from_set(set: JwkSet) -> Result<Self, KeyError> {
        let by_kid: HashMap<_, _> = set
            .keys
            .iter()
            .filter_map(|jwk| Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?)))
            .collect();
        if by_kid.is_empty() {
            return Err(KeyError::EmptySet);
        }
        Ok(Self { set, by_kid })
    }

    pub(crate) fn find(&self, kid: &str) -> Option<&DecodingKey> {
        self.by_kid.get(kid)
    }

    /// The JWKS document.
    pub fn to_jwks(&self) -> String {
        serde_json::to_string(&self.set).unwrap_or_default()
    }
}
