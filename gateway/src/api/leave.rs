//! Give up a place, or end a session: its capacity is free at once.

use axum::{Json, extract::State, response::IntoResponse, response::Response};
use lua::room::End;
use serde_json::json;

use super::{Asking, InRoom, Shared, forms::Body};
use crate::{cookies, rescue::Refusal};

/// Leaves the line or the shop. Safe to repeat.
#[utoipa::path(
    post, path = "/_wr/leave/{room}", tag = "visitor",
    params(("room" = String, Path, description = "The room")),
    request_body(content = super::forms::Wish, description = "Optional"),
    responses(
        (status = 200, description = "Left"),
        (status = 303, description = "To a form: back to the page"),
        (status = 403, description = "The ticket is another visitor's"),
        (status = 404, description = "No ticket, or no such room"),
        (status = 503, description = "The store is away; repeat after Retry-After"),
    )
)]
pub(super) async fn leave(
    State(counter): State<Shared>,
    InRoom(room): InRoom,
    Asking(caller): Asking,
    body: Body,
) -> Result<Response, Refusal> {
    counter.desk.leave(&room, &caller, End::Leave).await?;
    let mut response = if body.form {
        body.redirect(&room)
    } else {
        Json(json!({ "room": room.id(), "state": "left" })).into_response()
    };
    cookies::clear(&mut response, &room, &caller);
    Ok(response)
}
