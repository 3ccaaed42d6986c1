//! The members of a JSON object that came as a body, each name known and there once.
//!
//! A misspelt optional member that is ignored is a wish that was not heard, and of two members of
//! one name readers differ on which counts: both are refused by name, as every other mistake is.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Longest name that is said back: a caller's own bytes, so no more than a person would read.
const LONGEST: usize = 64;

/// The members, by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Members(pub Map<String, Value>);

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The member, or `body` for the whole.
    pub field: String,
    /// What it must be.
    pub must: String,
}

impl Members {
    /// Reads an object whose members are all among `known`.
    pub fn parse(bytes: &[u8], known: &[&str]) -> Result<Self, Complaint> {
        let of_body = |must: String| Complaint {
            field: "body".to_owned(),
            must,
        };
        let of_member = |name: &str, must: String| Complaint {
            field: name.chars().take(LONGEST).collect(),
            must,
        };
        let read = match serde_json::from_slice(bytes) {
            Ok(Read::Object(read)) => read,
            Ok(Read::Other) => return Err(of_body("must be a JSON object".to_owned())),
            Err(error) => return Err(of_body(format!("is not JSON: {error}"))),
        };
        let unknown = |name: &&String| !known.contains(&name.as_str());
        if let Some(name) = read.members.keys().find(unknown) {
            let must = format!("is not known here; known are {}", known.join(", "));
            return Err(of_member(name, must));
        }
        match read.doubled {
            Some(name) => Err(of_member(&name, "must be there once".to_owned())),
            None => Ok(Self(read.members)),
        }
    }
}

enum Read {
    Object(Object),
    Other,
}

struct Object {
    members: Map<String, Value>,
    doubled: Option<String>,
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

/// Everything but an object is read to its end, so that half a list is told from a whole one.
impl<'de> Visitor<'de> for Reader {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let (mut members, mut doubled) = (Map::new(), None);
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if members.insert(name.clone(), value).is_some() {
                doubled = Some(name);
            }
        }
        Ok(Read::Object(Object { members, doubled }))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Read, A::Error> {
        while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        Ok(Read::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Read, E> {
        Ok(Read::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Read, E> {
        Ok(Read::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Read, E> {
        Ok(Read::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Read, E> {
        Ok(Read::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Read, E> {
        Ok(Read::Other)
    }

    fn visit_unit<E>(self) -> Result<Read, E> {
        Ok(Read::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_or_doubled_is_refused_by_its_name() {
        for (body, field) in [
            (r#"{"sku":"a","quantity":1,"quantitty":2}"#, "quantitty"),
            (r#"{"sku":"a","quantity":1,"quantity":2}"#, "quantity"),
            (r#"{"sku":"a","sku":"a","quantity":1}"#, "sku"),
            (r#"{"":1}"#, ""),
            ("[]", "body"),
            ("7", "body"),
            ("1.5", "body"),
            ("-1", "body"),
            ("null", "body"),
            ("true", "body"),
            ("\"sku\"", "body"),
            ("", "body"),
            ("{", "body"),
            ("[1,", "body"),
            ("{} {}", "body"),
        ] {
            let complaint = Members::parse(body.as_bytes(), &["sku", "quantity"]).unwrap_err();
            assert_eq!(complaint.field, field, "{body}");
        }
        assert!(Members::parse(br#"{"quantity":1}"#, &["sku", "quantity"]).is_ok());
    }

    #[test]
    fn a_callers_name_is_said_back_shortened() {
        let body = format!("{{\"{}\":1}}", "ü".repeat(500));
        let complaint = Members::parse(body.as_bytes(), &["sku"]).unwrap_err();
        assert_eq!(complaint.field, "ü".repeat(64));
    }
}
