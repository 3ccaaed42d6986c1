//! What comes in the body of a POST: nothing, JSON, or a form of a page without JavaScript.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    response::{IntoResponse, Redirect, Response},
};
use http::header;
use problem::{Kind, Members, Problem, members::Complaint};
use serde_json::Value;
use waiting_room_ui::ReturnTo;

use crate::{pages, room::Room};

/// How long a body may take to arrive: whoever stalls holds a connection that others need.
const PATIENCE: Duration = Duration::from_secs(10);

/// The optional body of join, claim and leave.
#[derive(Debug, Default, utoipa::ToSchema)]
pub(super) struct Wish {
    /// Where to go afterwards: an absolute path of this site; anything else counts as not given.
    #[schema(value_type = String, required = false, example = "/shoes")]
    pub return_to: Option<String>,
}

impl Wish {
    fn of_form(bytes: &[u8]) -> Result<Self, Complaint> {
        let mut wish = Self::default();
        for (name, value) in form_urlencoded::parse(bytes) {
            if name != "return_to" {
                let name: String = name.chars().take(64).collect();
                return Err(complaint(&name, "is not known here; known is return_to"));
            }
            if wish.return_to.replace(value.into_owned()).is_some() {
                return Err(complaint("return_to", "must be there once"));
            }
        }
        Ok(wish)
    }

    fn read(bytes: &[u8]) -> Result<Self, Complaint> {
        let Members(mut members) = Members::parse(bytes, &["return_to"])?;
        match members.remove("return_to") {
            None => Ok(Self::default()),
            Some(Value::String(path)) => Ok(Self {
                return_to: Some(path),
            }),
            Some(_) => Err(complaint("return_to", "must be a string")),
        }
    }
}

fn complaint(field: &str, must: &str) -> Complaint {
    Complaint {
        field: field.to_owned(),
        must: must.to_owned(),
    }
}

/// A parsed body.
pub(super) struct Body {
    pub(super) wish: Wish,
    /// Sent by a form: the answer is a redirect and not JSON.
    pub(super) form: bool,
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media = request
            .headers()
            .get(header::CONTENT_TYPE)
            .map(|value| value.to_str().unwrap_or("?").to_ascii_lowercase());
        let media = media
            .as_deref()
            .map(|value| value.split(';').next().unwrap_or("").trim());
        let form = media == Some("application/x-www-form-urlencoded");
        let json = media == Some("application/json");
        let bytes = tokio::time::timeout(PATIENCE, Bytes::from_request(request, state))
            .await
            .map_err(|_| {
                Problem::invalid("body", "broke off before its end")
                    .status(http::StatusCode::REQUEST_TIMEOUT)
            })?
            .map_err(|rejection| {
                let response = rejection.into_response();
                if response.status() == http::StatusCode::PAYLOAD_TOO_LARGE {
                    Problem::new(Kind::TooLarge).with("field", "body")
                } else {
                    Problem::invalid("body", "could not be read")
                }
            })?;
        if bytes.is_empty() {
            return Ok(Self {
                wish: Wish::default(),
                form,
            });
        }
        let wish = if form {
            Wish::of_form(&bytes)
        } else if json {
            Wish::read(&bytes)
        } else {
            return Err(Problem::new(Kind::UnsupportedType)
                .with("field", "content-type")
                .detail("send application/json, a form, or no body at all"));
        };
        let wish = wish.map_err(|complaint| Problem::invalid(&complaint.field, complaint.must))?;
        Ok(Self { wish, form })
    }
}

impl Body {
    /// Where to go afterwards: never another site.
    pub(super) fn return_to(&self, room: &Room) -> ReturnTo {
        ReturnTo::or(self.wish.return_to.as_deref(), &pages::home(room))
    }

    /// The answer to a form: back to the page, which now shows where the visitor stands.
    pub(super) fn redirect(&self, room: &Room) -> Response {
        Redirect::to(self.return_to(room).as_str()).into_response()
    }
}
