//! A standing as JSON.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use entry_pass::{RoomId, TicketNumber};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{
    cookies,
    desk::{Desk, Stand, Standing},
    identify::Caller,
    moment::Phase,
    room::Room,
};

/// Where a visitor stands. All instants are Unix milliseconds.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct TicketAnswer {
    /// The room.
    #[schema(value_type = String, pattern = "^[a-z0-9-]{1,32}$", example = "main")]
    pub room: RoomId,
    /// `waiting`, `offered`, `admitted`, `left`, `expired` or `ended`.
    #[schema(
        pattern = "^(waiting|offered|admitted|left|expired|ended)$",
        example = "waiting"
    )]
    pub state: &'static str,
    /// The ticket.
    pub ticket: TicketPart,
    /// Living tickets ahead, plus one, while waiting.
    pub position: Option<u64>,
    /// Whether the position is exact.
    pub position_exact: bool,
    /// How long it may take, or null while nobody can tell.
    pub estimated_wait_s: Option<WaitPart>,
    /// When to ask again; add 0 to 30 % at random.
    pub poll_after_ms: u64,
    /// The room's phase.
    pub phase: Phase,
    /// When the ticket was given.
    pub joined_at: u64,
    /// When it was this visitor's turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    pub released_at: Option<u64>,
    /// Until when the offer stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    pub offer_expires_at: Option<u64>,
    /// When the session ends unless it slides on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    pub expires_at: Option<u64>,
    /// The pass, when this call let the visitor in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub pass: Option<String>,
}

/// The ticket in an answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct TicketPart {
    /// The place.
    #[schema(value_type = u64, minimum = 1)]
    pub number: TicketNumber,
    /// For apps that keep no cookies: send it as `Authorization: Bearer`.
    pub token: String,
}

/// Estimated wait in seconds.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct WaitPart {
    /// Half wait no longer.
    pub p50: u64,
    /// Nine in ten wait no longer.
    pub p90: u64,
}

impl TicketAnswer {
    /// `with_pass`: only the call that let somebody in says the pass; polls do not.
    pub(super) fn new(desk: &Desk, room: &Room, stand: &Stand, with_pass: bool) -> Self {
        let mut answer = Self {
            room: room.id().clone(),
            state: stand.state(),
            ticket: TicketPart {
                number: stand.ticket.number,
                token: desk.tickets.sign(&stand.ticket),
            },
            position: None,
            position_exact: false,
            estimated_wait_s: None,
            poll_after_ms: stand.poll_after_ms,
            phase: room.phase(&room.moment()),
            joined_at: stand.ticket.joined_at,
            released_at: None,
            offer_expires_at: None,
            expires_at: None,
            pass: None,
        };
        match &stand.standing {
            Standing::Waiting {
                position,
                exact,
                estimate,
            } => {
                answer.position = Some(*position);
                answer.position_exact = *exact;
                answer.estimated_wait_s = estimate.map(|wait| WaitPart {
                    p50: wait.p50_s,
                    p90: wait.p90_s,
                });
            }
            Standing::Offered {
                released_at,
                deadline,
            } => {
                answer.released_at = Some(*released_at);
                answer.offer_expires_at = Some(*deadline);
            }
            Standing::Admitted { session } => {
                answer.released_at = Some(session.released_at);
                answer.expires_at = Some(session.expires_at);
                answer.pass = stand
                    .pass
                    .as_ref()
                    .filter(|_| with_pass)
                    .map(|pass| pass.token.clone());
            }
            Standing::Left | Standing::Expired | Standing::Ended => {}
        }
        answer
    }
}

/// A standing on its way out, with the cookies that go with it.
pub(super) fn respond(
    desk: &Desk,
    room: &Room,
    caller: &Caller,
    stand: &Stand,
    status: StatusCode,
    with_pass: bool,
) -> Response {
    let answer = TicketAnswer::new(desk, room, stand, with_pass);
    let mut response = (status, Json(answer)).into_response();
    let no_store = HeaderValue::from_static("private, no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    cookies::put(&mut response, desk, room, caller, stand);
    response
}
