//! The pages as HTTP answers: which view a standing is, and the headers each page needs.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, Request, StatusCode, header};
use problem::Problem;
use waiting_room_ui::{
    CONTENT_SECURITY_POLICY, Estimate, Position, ProblemPage, QueuePage, Rendered, ReturnTo,
    StaticPage, Stock, View,
};

use crate::{
    desk::{Stand, Standing},
    moment::{Moment, Outage, Phase, StockFigures, unix_ms},
    room::Room,
};

/// How soon a page asks again while a store is away, in seconds.
const OUTAGE_S: u32 = 5;

/// Whether a person's browser asks for a page, rather than a script or a program for data.
pub(crate) fn navigates<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::POST) {
        return false;
    }
    if let Some(mode) = headers.get("sec-fetch-mode") {
        return mode == "navigate";
    }
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// The static page: the same bytes for everybody.
pub(crate) fn static_page(room: &Room) -> Rendered {
    StaticPage {
        room: room.id().as_str(),
        title: title(room),
        home: &home(room),
    }
    .render()
}

/// What the room is called.
fn title(room: &Room) -> &str {
    room.policy.title.as_deref().unwrap_or(room.id().as_str())
}

/// Where the shop begins.
pub(crate) fn home(room: &Room) -> ReturnTo {
    room.policy
        .routes
        .first()
        .and_then(|route| ReturnTo::parse(&route.path))
        .unwrap_or_default()
}

/// The queue page for one visitor, in place of the page they asked for.
pub(crate) fn queue_page(room: &Room, stand: Option<&Stand>, return_to: &ReturnTo) -> Response {
    let moment = room.moment();
    let phase = room.phase(&moment);
    let view = view(room, &moment, phase, stand);
    let page = QueuePage {
        room: room.id().as_str(),
        title: title(room),
        message: room.policy.message.as_deref(),
        return_to,
        number: stand.map(|stand| stand.ticket.number.0),
        epoch: moment.epoch,
        server_time: moment.now_ms(),
        poll_after_ms: stand.map_or(2_000, |stand| stand.poll_after_ms),
        auto_join: true,
        view,
    };
    let status = if moment.outage == Some(Outage::Waitlist) {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::from_u16(room.policy.page_status).unwrap_or(StatusCode::OK)
    };
    html(page.render(), status, "no-store")
}

/// The page of a refusal, for a person.
pub(crate) fn of_problem(problem: &Problem) -> Response {
    let kind = problem.kind();
    let page = ProblemPage {
        slug: kind.slug(),
        title: kind.title(),
        help: kind.help(),
    };
    let mut response = html(page.render(), problem.status_code(), "no-store");
    // Retry-After, Allow and the like are part of the refusal whatever its clothes.
    let plain = problem.clone().into_response();
    for (name, value) in plain.headers() {
        if *name != header::CONTENT_TYPE && *name != header::CONTENT_LENGTH {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// A rendered page with its headers.
pub(crate) fn html(page: Rendered, status: StatusCode, cache: &'static str) -> Response {
    let mut response = (status, Body::from(page.html)).into_response();
    let headers = response.headers_mut();
    let mut put = |name: header::HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    put(header::CONTENT_TYPE, "text/html; charset=utf-8");
    put(header::CACHE_CONTROL, cache);
    put(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "same-origin");
    put(header::HeaderName::from_static("x-robots-tag"), "noindex");
    let busy = matches!(status.as_u16(), 429 | 503);
    if let Some(seconds) = page.retry_after_s.or(busy.then_some(OUTAGE_S)) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn view(room: &Room, moment: &Moment, phase: Phase, stand: Option<&Stand>) -> View {
    if moment.outage == Some(Outage::Waitlist) {
        return View::Unavailable {
            retry_after_s: OUTAGE_S,
        };
    }
    let stock = moment.stock.as_ref();
    let position = match stand.map(|stand| &stand.standing) {
        Some(Standing::Offered { deadline, .. }) => {
            return View::YourTurn {
                offer_expires_at: *deadline,
            };
        }
        Some(Standing::Left) => return View::Left,
        Some(Standing::Expired) => return View::Expired,
        Some(Standing::Ended) => return View::Ended,
        Some(Standing::Waiting {
            position, exact, ..
        }) => Some(Position {
            value: *position,
            exact: *exact,
        }),
        Some(Standing::Admitted { .. }) | None => None,
    };
    match phase {
        Phase::Closed => return View::Closed,
        Phase::SoldOut => {
            if let Some(stock) = stock {
                return View::SoldOut {
                    stock: figures(stock),
                };
            }
        }
        Phase::Scheduled | Phase::Prequeue => {
            return View::Countdown {
                opens_at: room.policy.opens_at.map(unix_ms),
                joinable: phase == Phase::Prequeue,
            };
        }
        Phase::Paused => return View::Paused { position },
        Phase::Open => {}
    }
    if let Some(stock) = stock.filter(|stock| stock.none_left()) {
        return View::SoldOut {
            stock: figures(stock),
        };
    }
    match stand.map(|stand| &stand.standing) {
        Some(Standing::Waiting { estimate, .. }) => View::Waiting {
            position,
            estimate: estimate.map(|wait| Estimate {
                p50_s: wait.p50_s,
                p90_s: wait.p90_s,
            }),
            stock: stock.map(figures),
        },
        _ => View::NotJoined,
    }
}

fn figures(stock: &StockFigures) -> Stock {
    Stock {
        available: stock.available,
        held: stock.held,
        sold: stock.sold,
        supplied: stock.supplied,
    }
}
