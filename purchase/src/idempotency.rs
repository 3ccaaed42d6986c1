//! The client's name for one attempt: the same key is one reservation and one answer, byte for byte.
//!
//! The key is scoped to person, sale and route, remembered with the hash of what was asked and the
//! answer, and both are in the stock event, so they survive with it. Looking, reserving and
//! remembering are one script: there is no moment in which a key is in flight, a second request
//! with it comes after the first. Only successes are remembered; a refusal is decided anew.

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderMap;

use crate::refusal::Refusal;

/// The header, as in the IETF draft.
pub const HEADER: &str = "idempotency-key";
/// Longest key taken.
const LONGEST: usize = 255;

/// A well-formed key: 1 to 255 visible ASCII characters without the space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads the header; quoted as the draft has it, or bare as most clients send it.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut values = headers.get_all(HEADER).iter();
        let value = values.next().ok_or(Refusal::KeyMissing)?;
        if values.next().is_some() {
            return Err(invalid());
        }
        let text = value.to_str().map_err(|_| invalid())?.trim();
        let key = match text.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"').ok_or_else(invalid)?,
            None => text,
        };
        let plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        if key.is_empty() || key.len() > LONGEST || !key.bytes().all(plain) {
            return Err(invalid());
        }
        Ok(Self(key.to_owned()))
    }

    /// The key without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn invalid() -> Refusal {
    Refusal::Invalid {
        field: "Idempotency-Key",
        must: format!("must be one value of 1 to {LONGEST} visible characters, quoted or bare"),
    }
}

/// Hash of what was asked, whatever spaces and order the JSON had.
pub fn fingerprint(parts: &[&str]) -> String {
    let mut context = Context::new(&SHA256);
    for (at, part) in parts.iter().enumerate() {
        context.update(if at == 0 { b"" } else { b"\n" });
        context.update(part.as_bytes());
    }
    let hash = context.finish();
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<IdempotencyKey, Refusal> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(
                HEADER,
                http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        IdempotencyKey::from_headers(&headers)
    }

    #[test]
    fn a_key_may_be_quoted_or_bare_and_is_the_same_key() {
        assert_eq!(read(&["\"abc-1\""]).unwrap(), read(&["abc-1"]).unwrap());
    }

    #[test]
    fn a_malformed_key_is_refused_and_a_missing_one_is_missing() {
        assert_eq!(read(&[]), Err(Refusal::KeyMissing));
        let long = "x".repeat(256);
        for bad in ["", "\"\"", "\"", "\"a", "a b", "a\"b", "ü", long.as_str()] {
            assert!(
                matches!(read(&[bad]), Err(Refusal::Invalid { .. })),
                "{bad}"
            );
        }
        assert!(matches!(read(&["a", "b"]), Err(Refusal::Invalid { .. })));
    }
}
