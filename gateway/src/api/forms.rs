//! What comes in the body of a POST: nothing, JSON, or a form of a page without JavaScript.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    response::{IntoResponse, Redirect, Response},
};
use http::header;
use problem::{Kind, Problem};
use serde::Deserialize;
use waiting_room_ui::ReturnTo;

use crate::{pages, room::Room};

/// How long a body may take to arrive: whoever stalls holds a connection that others need.
const PATIENCE: Duration = Duration::from_secs(10);

/// The optional body of join, claim and leave.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// Where to go afterwards: an absolute path of this site; anything else counts as not given.
    #[serde(default)]
    pub return_to: Option<String>,
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
            let mut wish = Wish::default();
            for (name, value) in form_urlencoded::parse(&bytes) {
                if name == "return_to" {
                    wish.return_to = Some(value.into_owned());
                }
            }
            wish
        } else if json {
            // By way of a map: serde would take an array for the struct's fields in order.
            serde_json::from_slice::<serde_json::Map<_, _>>(&bytes)
                .and_then(|map| serde_json::from_value(map.into()))
                .map_err(|error| Problem::invalid("body", error.to_string()))?
        } else {
            return Err(Problem::new(Kind::UnsupportedType)
                .with("field", "content-type")
                .detail("send application/json, a form, or no body at all"));
        };
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
