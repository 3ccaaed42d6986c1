//! Take up an offer: the entry pass.

use axum::{Json, extract::State, response::IntoResponse, response::Response};
use entry_pass::RoomId;
use serde::Serialize;

use super::{Asking, InRoom, Shared, forms::Body};
use crate::{
    cookies,
    desk::{DeskError, Standing},
    rescue::Refusal,
};

/// An entry pass. All instants are Unix milliseconds.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ClaimAnswer {
    /// The room.
    #[schema(value_type = String, pattern = "^[a-z0-9-]{1,32}$", example = "main")]
    room: RoomId,
    /// Always `admitted`.
    #[schema(pattern = "^admitted$")]
    state: &'static str,
    /// The pass: a JWS, for `Authorization: Bearer` or `X-Entry-Pass`; also set as a cookie.
    pass: String,
    /// When the session ends unless it slides on.
    expires_at: u64,
    /// When it was this visitor's turn.
    released_at: u64,
    /// Where to go now: a path of this site.
    return_to: String,
}

/// Turns the offer into a session. Safe to repeat: the same `jti` and end.
#[utoipa::path(
    post, path = "/_wr/claim/{room}", tag = "visitor",
    params(("room" = String, Path, description = "The room", pattern = "^[a-z0-9-]{1,32}$", example = "main")),
    request_body(content = super::forms::Wish, description = "Optional"),
    responses(
        (status = 200, description = "The pass", body = ClaimAnswer),
        (status = 303, description = "To a form: on to the shop"),
        (status = 403, description = "other-pass: the ticket is another visitor's; forbidden: the shop ended the visit"),
        (status = 404, description = "no-ticket, unknown-room"),
        (status = 409, description = "not-offered"),
        (status = 503, description = "store-away, busy"),
    ),
    security((), ("ticket" = []))
)]
pub(super) async fn claim(
    State(counter): State<Shared>,
    InRoom(room): InRoom,
    Asking(caller): Asking,
    body: Body,
) -> Result<Response, Refusal> {
    let stand = match counter.desk.claim(&room, &caller).await {
        // Pressed too early or too late on a page without JavaScript: the page says what is.
        Err(DeskError::NotOffered) if body.form => return Ok(body.redirect(&room)),
        other => other?,
    };
    let (Standing::Admitted { session }, Some(pass)) = (&stand.standing, &stand.pass) else {
        return Err(DeskError::NotOffered.into());
    };
    let mut response = if body.form {
        body.redirect(&room)
    } else {
        Json(ClaimAnswer {
            room: room.id().clone(),
            state: "admitted",
            pass: pass.token.clone(),
            expires_at: session.expires_at,
            released_at: session.released_at,
            return_to: body.return_to(&room).as_str().to_owned(),
        })
        .into_response()
    };
    cookies::put(&mut response, &counter.desk, &room, &caller, &stand);
    Ok(response)
}
