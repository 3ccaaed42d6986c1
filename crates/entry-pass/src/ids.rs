//! The names of things, parsed once at the edge: a value of one of these types is well formed.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// A name that does not have the form its type demands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {form}")]
pub struct IdError {
    /// Which name: `room`, `sale`, `sku`, `person`, `visitor`.
    pub what: &'static str,
    /// The form it must have, in words.
    pub form: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $form:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError { what: $what, form: $form })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn slug(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

name!(
    /// One waiting room; `[a-z0-9-]{1,32}`.
    RoomId, "room", "1 to 32 characters of a-z, 0-9 and -", slug
);
name!(
    /// Limited stock offered through one room; `[a-z0-9-]{1,32}`.
    SaleId, "sale", "1 to 32 characters of a-z, 0-9 and -", slug
);
name!(
    /// What kind of unit; `[A-Za-z0-9._-]{1,64}`.
    Sku, "sku", "1 to 64 characters of letters, digits, '.', '_' and -",
    |text| (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
);
name!(
    /// The one who buys: the shop's verified user, or else the visitor. The pass's `sub`.
    ///
    /// Visible ASCII without the space, so that it can stand in a key, a log line or a header.
    PersonId, "person", "1 to 128 visible ASCII characters",
    |text| (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
);
name!(
    /// A browser or client, named by its signed cookie: 16 random bytes as 22 base64url characters.
    VisitorId, "visitor", "22 characters of base64url",
    |text| text.len() == 22
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
);

impl VisitorId {
    /// Names a visitor by 16 random bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }
}

impl From<VisitorId> for PersonId {
    fn from(visitor: VisitorId) -> Self {
        Self(visitor.0)
    }
}

/// A numbered place in line. Starts at 1; one per person and stay, never given twice.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct TicketNumber(pub u64);

impl fmt::Display for TicketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_a_short_lower_case_slug() {
        for good in ["a", "main", "drop-2026", &"x".repeat(32)] {
            assert!(good.parse::<RoomId>().is_ok(), "{good}");
        }
        for bad in ["", "A", "a b", "a/b", "a}b", "ä", &"x".repeat(33)] {
            assert!(bad.parse::<RoomId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_person_can_never_break_out_of_a_key_or_a_log_line() {
        for bad in ["", "a b", "a\nb", "a\0", "ü", &"x".repeat(129)] {
            assert!(bad.parse::<PersonId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_visitor_id_survives_its_text_form() {
        let id = VisitorId::from_bytes([7; 16]);
        assert_eq!(id.as_str().parse::<VisitorId>().unwrap(), id);
    }
}
