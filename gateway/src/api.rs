//! The visitor's API under `/_wr/`: never gated, never sent to the shop.
//!
//! Public documents (status, static page, keys, assets) are the same bytes for everybody and
//! cacheable; the rest answers one visitor and is not. Every answer to one visitor comes from the
//! [`Desk`](crate::desk::Desk).

mod answer;
mod claim;
mod documents;
mod forms;
mod leave;
mod openapi;
mod ticket;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequestParts, Path},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use entry_pass::RoomId;
use http::request::Parts;
use problem::{Kind, Problem};
use tower_http::catch_panic::CatchPanicLayer;

pub use openapi::openapi;
pub(crate) use openapi::own_document;

use crate::{desk::Desk, identify::Caller, room::Room};

/// What the handlers answer from.
pub(crate) struct Counter {
    /// Answers visitors.
    pub desk: Arc<Desk>,
    /// Every room, in the order of the configuration.
    pub rooms: Vec<Arc<Room>>,
    /// The public keys, as a JWKS document.
    pub jwks: String,
    /// The `OpenAPI` document.
    pub openapi: String,
}

type Shared = Arc<Counter>;

/// The routes. Unknown paths and wrong methods are answered with a problem document.
pub(crate) fn router(counter: Arc<Counter>, body_limit: usize) -> Router {
    Router::new()
        .route("/_wr/status/{room}", get(documents::status))
        .route("/_wr/page/{room}", get(documents::page))
        .route("/_wr/jwks.json", get(documents::jwks))
        .route("/_wr/openapi.json", get(documents::openapi))
        .route("/_wr/problems/{type}", get(documents::problem))
        .route("/_wr/assets/{name}", get(documents::asset))
        .route(
            "/_wr/ticket/{room}",
            get(ticket::look).post(ticket::join).delete(leave::delete),
        )
        .route("/_wr/claim/{room}", post(claim::claim))
        .route("/_wr/leave/{room}", post(leave::leave))
        .fallback(async || Problem::new(Kind::NotFound))
        .method_not_allowed_fallback(async || Problem::new(Kind::MethodNotAllowed))
        .layer(DefaultBodyLimit::max(body_limit))
        // A bug in a handler must cost one answer, not the connection and its neighbours.
        .layer(CatchPanicLayer::custom(broken))
        .with_state(counter)
}

/// The room named in the path.
pub(crate) struct InRoom(pub(crate) Arc<Room>);

impl FromRequestParts<Shared> for InRoom {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, counter: &Shared) -> Result<Self, Problem> {
        let unknown = || Problem::new(Kind::UnknownRoom).with("field", "room");
        let Path(name) = Path::<String>::from_request_parts(parts, counter)
            .await
            .map_err(|_| unknown())?;
        let id: RoomId = name.parse().map_err(|_| unknown())?;
        counter
            .rooms
            .iter()
            .find(|room| *room.id() == id)
            .cloned()
            .map(Self)
            .ok_or_else(unknown)
    }
}

/// Who asks.
pub(crate) struct Asking(pub(crate) Arc<Caller>);

impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(
            parts
                .extensions
                .get::<Arc<Caller>>()
                .cloned()
                .unwrap_or_default(),
        ))
    }
}

/// Whether this path of our own is public and cacheable, and so not counted against anybody.
pub(crate) fn is_public(method: &http::Method, path: &str) -> bool {
    const PUBLIC: [&str; 6] = [
        "/_wr/status/",
        "/_wr/page/",
        "/_wr/assets/",
        "/_wr/problems/",
        "/_wr/jwks.json",
        "/_wr/openapi.json",
    ];
    matches!(*method, http::Method::GET | http::Method::HEAD)
        && PUBLIC.iter().any(|public| path.starts_with(public))
}

/// The answer in place of one that broke. What broke was logged by the panic hook.
fn broken(_: Box<dyn std::any::Any + Send>) -> Response {
    metrics::counter!("vestibule_panics_total").increment(1);
    Problem::new(Kind::Internal).into_response()
}
