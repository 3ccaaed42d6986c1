//! The problem documents (RFC 9457) both services answer with.
//!
//! One enum names every kind of refusal, its status and its plain words, so that a type means the
//! same whoever says it and `/_wr/problems/{type}` has a page for each. A refusal is an answer, not
//! a failure: it tells which field, what is left, when to come back.

mod kind;
pub mod members;
pub mod openapi;

pub use kind::Kind;
pub use members::Members;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// One problem document on its way out.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    status: StatusCode,
    detail: Option<String>,
    members: Vec<(&'static str, Value)>,
    headers: HeaderMap,
}

impl Problem {
    /// A problem of this kind with its usual status.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            status: kind.status(),
            detail: None,
            members: Vec::new(),
            headers: HeaderMap::new(),
        }
    }

    /// Bad input: which field, and what it must be.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Invalid).detail(detail).with("field", field)
    }

    /// Another status than the usual one.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// What happened this time, in one sentence for a person.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// A further member, such as `available` or `field`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.retain(|(there, _)| *there != name);
        self.members.push((name, value.into()));
        self
    }

    /// `Retry-After` in whole seconds, rounded up, at least one.
    #[must_use]
    pub fn retry_after(mut self, wait: std::time::Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000).max(1) as u64;
        self.headers
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        self.with("retry_after_s", seconds)
    }

    /// A further header on the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Which kind this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The status it will be answered with.
    pub fn status_code(&self) -> StatusCode {
        self.status
    }

    /// The document.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Serialize for Problem {
    /// Written straight out: most of a rush ends in such a document.
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut document = out.serialize_map(None)?;
        document.serialize_entry("type", &TypeUri(self.kind))?;
        document.serialize_entry("title", self.kind.title())?;
        document.serialize_entry("status", &self.status.as_u16())?;
        if let Some(detail) = &self.detail {
            document.serialize_entry("detail", detail)?;
        }
        for (name, value) in &self.members {
            document.serialize_entry(name, value)?;
        }
        document.end()
    }
}

/// The address of a kind's own page.
struct TypeUri(Kind);

impl Serialize for TypeUri {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&format_args!("/_wr/problems/{}", self.0.slug()))
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        // Contract: 429 and 503 always say when to come back.
        if matches!(self.status.as_u16(), 429 | 503)
            && !self.headers.contains_key(header::RETRY_AFTER)
        {
            self = self.retry_after(std::time::Duration::from_secs(2));
        }
        let document = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(document));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_answer_always_says_when_to_come_back() {
        for kind in Kind::ALL {
            let response = Problem::new(*kind).into_response();
            let must = matches!(response.status().as_u16(), 429 | 503);
            assert_eq!(
                response.headers().contains_key("retry-after"),
                must,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn members_and_field_stand_beside_the_standard_ones() {
        let json = Problem::invalid("quantity", "must be at least 1")
            .with("least", 1)
            .to_json();
        assert_eq!(json["type"], "/_wr/problems/invalid");
        assert_eq!(
            (&json["field"], &json["least"]),
            (&"quantity".into(), &1.into())
        );
    }

    #[test]
    fn a_wait_is_rounded_up_to_a_whole_second() {
        let problem = Problem::new(Kind::Limited).retry_after(std::time::Duration::from_millis(1));
        assert_eq!(problem.to_json()["retry_after_s"], 1);
    }
}
