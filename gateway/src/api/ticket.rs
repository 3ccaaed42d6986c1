//! Join the line, and ask for one's own place.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use super::{Asking, InRoom, Shared, answer, forms::Body};
use crate::{cookies, rescue::Refusal};

/// Gives a place in line, or tells the one there is.
#[utoipa::path(
    post, path = "/_wr/ticket/{room}", tag = "visitor",
    params(("room" = String, Path, description = "The room", pattern = "^[a-z0-9-]{1,32}$", example = "main")),
    request_body(content = super::forms::Wish, description = "Optional"),
    responses(
        (status = 201, description = "A new place", body = answer::TicketAnswer),
        (status = 200, description = "The same place again", body = answer::TicketAnswer),
        (status = 303, description = "To a form: back to the page"),
        (status = 403, description = "other-pass: the ticket is another visitor's; forbidden: the shop ended the visit"),
        (status = 404, description = "unknown-room"),
        (status = 409, description = "closed: the room takes nobody now"),
        (status = 503, description = "store-away, busy"),
    ),
    security((), ("ticket" = []))
)]
pub(super) async fn join(
    State(counter): State<Shared>,
    InRoom(room): InRoom,
    Asking(caller): Asking,
    body: Body,
) -> Result<Response, Refusal> {
    let stand = counter.desk.join(&room, &caller).await?;
    metrics::counter!("vestibule_joins_total", "room" => room.id().to_string()).increment(1);
    if body.form {
        let mut response = body.redirect(&room);
        cookies::put(&mut response, &counter.desk, &room, &caller, &stand);
        return Ok(response);
    }
    let status = if stand.new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(answer::respond(
        &counter.desk,
        &room,
        &caller,
        &stand,
        status,
        true,
    ))
}

/// Where one's own ticket stands.
#[utoipa::path(
    get, path = "/_wr/ticket/{room}", tag = "visitor",
    params(("room" = String, Path, description = "The room", pattern = "^[a-z0-9-]{1,32}$", example = "main")),
    responses(
        (status = 200, description = "Where the visitor stands", body = answer::TicketAnswer),
        (status = 403, description = "other-pass: the ticket is another visitor's; forbidden: the shop ended the visit"),
        (status = 404, description = "no-ticket, unknown-room"),
        (status = 503, description = "store-away, busy"),
    ),
    security((), ("ticket" = []))
)]
pub(super) async fn look(
    State(counter): State<Shared>,
    InRoom(room): InRoom,
    Asking(caller): Asking,
) -> Result<Response, Refusal> {
    let stand = counter.desk.look(&room, &caller).await?;
    Ok(answer::respond(
        &counter.desk,
        &room,
        &caller,
        &stand,
        StatusCode::OK,
        false,
    ))
}

impl IntoResponse for Refusal {
    /// The handlers' errors become answers here; the layers' in [`crate::rescue::Rescue`]. Both by
    /// the same list.
    fn into_response(self) -> Response {
        self.problem().into_response()
    }
}
