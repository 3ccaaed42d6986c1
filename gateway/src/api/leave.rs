//! Give up a place, or end a session: its capacity is free at once.

use axum::{Json, extract::State, response::IntoResponse, response::Response};
use entry_pass::RoomId;
use lua::room::End;
use serde::Serialize;

use super::{Asking, InRoom, Shared, forms::Body};
use crate::{cookies, rescue::Refusal};

/// What leaving is answered with.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct LeaveAnswer {
    /// The room.
    #[schema(value_type = String, pattern = "^[a-z0-9-]{1,32}$", example = "main")]
    room: RoomId,
    /// Always `left`.
    #[schema(pattern = "^left$")]
    state: &'static str,
}

/// Leaves the line or the shop. Safe to repeat.
#[utoipa::path(
    post, path = "/_wr/leave/{room}", tag = "visitor",
    params(("room" = String, Path, description = "The room", pattern = "^[a-z0-9-]{1,32}$", example = "main")),
    request_body(content = super::forms::Wish, description = "Optional"),
    responses(
        (status = 200, description = "Left, now or before", body = LeaveAnswer),
        (status = 303, description = "To a form: back to the page"),
        (status = 403, description = "other-pass: the ticket is another visitor's"),
        (status = 404, description = "no-ticket, unknown-room"),
        (status = 503, description = "store-away, busy"),
    ),
    security((), ("ticket" = []))
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
        Json(LeaveAnswer {
            room: room.id().clone(),
            state: "left",
        })
        .into_response()
    };
    cookies::clear(&mut response, &room, &caller);
    Ok(response)
}

/// The same as a POST to `/_wr/leave/{room}`.
#[utoipa::path(
    delete, path = "/_wr/ticket/{room}", tag = "visitor", operation_id = "delete_ticket",
    params(("room" = String, Path, description = "The room", pattern = "^[a-z0-9-]{1,32}$", example = "main")),
    responses(
        (status = 200, description = "Left, now or before", body = LeaveAnswer),
        (status = 303, description = "To a form: back to the page"),
        (status = 403, description = "other-pass: the ticket is another visitor's"),
        (status = 404, description = "no-ticket, unknown-room"),
        (status = 503, description = "store-away, busy"),
    ),
    security((), ("ticket" = []))
)]
pub(super) async fn delete(
    counter: State<Shared>,
    room: InRoom,
    asking: Asking,
    body: Body,
) -> Result<Response, Refusal> {
    leave(counter, room, asking, body).await
}
