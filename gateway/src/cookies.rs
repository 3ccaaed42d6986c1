//! Which cookies an answer sets: who the visitor is, the ticket, the pass.

use std::time::Duration;

use axum::response::Response;
use http::header;

use crate::{
    Clock, SystemClock,
    desk::{Desk, Stand, Standing},
    identify::{Caller, VISITOR_MAX_AGE, WrCookie},
    offer::SignedPass,
    room::Room,
};

/// How long a browser keeps a ticket: longer than any line.
const TICKET_MAX_AGE: Duration = Duration::from_hours(48);

/// Sets what this standing needs and the caller does not have yet. An answer with cookies is never
/// cacheable.
pub(crate) fn put(
    response: &mut Response,
    desk: &Desk,
    room: &Room,
    caller: &Caller,
    stand: &Stand,
) {
    if caller.visitor.is_none() {
        let value = desk.visitors.sign(&stand.ticket.visitor);
        append(
            response,
            WrCookie::Visitor.set(caller.scheme, &value, VISITOR_MAX_AGE),
        );
    }
    if matches!(
        stand.standing,
        Standing::Left | Standing::Expired | Standing::Ended
    ) {
        return;
    }
    let known = caller
        .ticket(room.id())
        .and_then(|token| desk.tickets.read(token));
    if known.as_ref() != Some(&stand.ticket) {
        let token = desk.tickets.sign(&stand.ticket);
        append(
            response,
            WrCookie::Ticket(room.id()).set(caller.scheme, &token, TICKET_MAX_AGE),
        );
    }
    if let Some(pass) = &stand.pass {
        put_pass(response, room, caller, pass);
    }
}

/// Sets the pass cookie. It outlives the pass by an hour: an expired pass still names its person,
/// who may be on the payment page.
pub(crate) fn put_pass(response: &mut Response, room: &Room, caller: &Caller, pass: &SignedPass) {
    let left = pass.claims.exp.saturating_sub(SystemClock.now_s());
    let max_age = Duration::from_secs(left) + Duration::from_hours(1);
    append(
        response,
        WrCookie::Pass(room.id()).set(caller.scheme, &pass.token, max_age),
    );
}

/// Takes ticket and pass back from a visitor who left.
pub(crate) fn clear(response: &mut Response, room: &Room, caller: &Caller) {
    append(response, WrCookie::Ticket(room.id()).clear(caller.scheme));
    append(response, WrCookie::Pass(room.id()).clear(caller.scheme));
}

fn append(response: &mut Response, cookie: http::HeaderValue) {
    response.headers_mut().append(header::SET_COOKIE, cookie);
    // A shared cache that kept this answer would hand one visitor's place to the next.
    let cache = http::HeaderValue::from_static("private, no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, cache);
}
