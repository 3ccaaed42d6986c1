//! Reads a body field by field rather than into a struct, so that a refusal names the field.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
};
use http::{HeaderMap, header};
use problem::Members;
use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// Largest body taken, bytes.
const LARGEST: usize = 16 * 1024;
/// Longest payment reference.
const LONGEST_REFERENCE: usize = 128;

/// The members of a JSON object that came as a body.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body: JSON by its own word, bounded, an object of members that are all `known`.
    pub(crate) async fn read(request: Request, known: &[&str]) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        Self::parse(&Self::bytes(&parts.headers, body).await?, known)
    }

    /// The body's bytes, if it says it is JSON and is not too large.
    pub(crate) async fn bytes(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
        if !is_json(headers) {
            return Err(Refusal::UnsupportedType);
        }
        to_bytes(body, LARGEST).await.map_err(|error| {
            let source = std::error::Error::source(&error);
            if source.is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>) {
                Refusal::TooLarge
            } else {
                invalid("body", "broke off before its end")
            }
        })
    }

    /// The members in these bytes, if all of them are `known`.
    pub(crate) fn parse(bytes: &[u8], known: &[&str]) -> Result<Self, Refusal> {
        let Members(members) = Members::parse(bytes, known).map_err(Refusal::Body)?;
        Ok(Self(members))
    }

    /// A member that is a name of some kind.
    pub(crate) fn name<T>(&self, field: &'static str) -> Result<T, Refusal>
    where
        T: std::str::FromStr<Err = ::entry_pass::IdError>,
    {
        self.text(field)?
            .parse()
            .map_err(|error: ::entry_pass::IdError| {
                invalid(field, &format!("must be {}", error.form))
            })
    }

    /// A payment's reference.
    pub(crate) fn payment_ref(&self) -> Result<&str, Refusal> {
        let text = self.text("payment_ref")?;
        if text.is_empty()
            || text.len() > LONGEST_REFERENCE
            || !text.bytes().all(|b| b.is_ascii_graphic())
        {
            let must = format!("must be 1 to {LONGEST_REFERENCE} visible ASCII characters");
            return Err(invalid("payment_ref", &must));
        }
        Ok(text)
    }

    /// A whole number within bounds.
    pub(crate) fn number(
        &self,
        field: &'static str,
        bounds: std::ops::RangeInclusive<u32>,
    ) -> Result<u32, Refusal> {
        self.0
            .get(field)
            .and_then(whole)
            .filter(|number| bounds.contains(number))
            .ok_or_else(|| {
                let must = format!(
                    "must be a whole number from {} to {}",
                    bounds.start(),
                    bounds.end()
                );
                invalid(field, &must)
            })
    }

    /// Whether a member is there.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    fn text(&self, field: &'static str) -> Result<&str, Refusal> {
        self.0
            .get(field)
            .and_then(Value::as_str)
            .ok_or_else(|| invalid(field, "is missing or not a string"))
    }
}

/// JSON knows no whole numbers: `2.0` is the number that `2` is, and some clients write it so.
fn whole(value: &Value) -> Option<u32> {
    let written_whole = value.as_u64().and_then(|number| u32::try_from(number).ok());
    written_whole.or_else(|| {
        let number = value.as_f64()?;
        let fits = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above"
        )]
        fits.then_some(number as u32)
    })
}

fn invalid(field: &'static str, must: &str) -> Refusal {
    Refusal::Invalid {
        field,
        must: must.to_owned(),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
