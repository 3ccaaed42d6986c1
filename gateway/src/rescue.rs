//! Rescue: the one place where refusals become HTTP.
//!
//! Layers raise typed errors and know nothing of status codes; this ordered list says which error
//! is which answer. A person who navigates gets a page, everybody else a problem document. A refusal
//! is not logged here: it is an answer. An outage is logged once, by whoever notices it change.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use entry_pass::PassError;
use futures::future::BoxFuture;
use http::Request;
use problem::{Kind, Problem};
use std::time::Duration;
use tower::{Layer, Service};

use crate::{
    arrival::TargetError, desk::DeskError, limit::Limited, moment::Phase, pages,
    upstream::UpstreamError,
};

/// Everything a layer may raise.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The target is ambiguous or malformed.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Too many requests.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// The desk could not do what was asked.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// A pass that does not fit its bearer.
    #[error("the pass belongs to another visitor")]
    OtherPass,
    /// A protected path without a pass, asked for by a program.
    #[error("not admitted to {room}")]
    NotAdmitted {
        /// Which room.
        room: entry_pass::RoomId,
        /// When to ask again.
        retry_after: Duration,
    },
    /// A path of our own that does not exist, or the API said no.
    #[error("{0:?}")]
    Problem(Box<Problem>),
    /// No room and no shop answers to this host.
    #[error("nothing is served on this host")]
    UnknownHost,
    /// The shop, or the purchase service, is away.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<PassError> for Refusal {
    fn from(error: PassError) -> Self {
        match error {
            PassError::OtherRoom => Self::OtherPass,
            other => Problem::new(Kind::NoPass).detail(other.to_string()).into(),
        }
    }
}

impl Refusal {
    /// This error, this answer.
    pub(crate) fn problem(self) -> Problem {
        match self {
            Self::Target(error) => error.problem(),
            Self::Limited(limited) => limited.problem(),
            Self::OtherPass => Problem::new(Kind::OtherPass),
            Self::NotAdmitted { room, retry_after } => Problem::new(Kind::NotAdmitted)
                .with("room", room.as_str())
                .with("status_url", format!("/_wr/status/{room}"))
                .retry_after(retry_after),
            Self::Problem(problem) => *problem,
            Self::UnknownHost => Problem::new(Kind::NotFound)
                .detail("no shop is served on this host")
                .with("field", "host"),
            Self::Upstream(error) => error.problem(),
            Self::Desk(error) => desk(&error),
        }
    }
}

fn desk(error: &DeskError) -> Problem {
    match error {
        DeskError::Line(crate::waitlist::LineError::Away(_)) => {
            Problem::new(Kind::StoreAway).retry_after(Duration::from_secs(2))
        }
        DeskError::Line(crate::waitlist::LineError::Busy) => {
            Problem::new(Kind::Busy).retry_after(Duration::from_secs(1))
        }
        DeskError::NoTicket => Problem::new(Kind::NoTicket),
        DeskError::OtherTicket => {
            Problem::new(Kind::OtherPass).detail("the ticket belongs to another visitor")
        }
        DeskError::NotOffered => Problem::new(Kind::NotOffered),
        DeskError::NotTaking(Phase::Scheduled) => {
            Problem::new(Kind::Closed).detail("the room does not take anybody yet")
        }
        DeskError::NotTaking(_) => Problem::new(Kind::Closed),
        DeskError::Revoked(until) => Problem::new(Kind::Forbidden)
            .detail("the shop ended this visit")
            .with("until", *until),
        DeskError::CannotSign => Problem::new(Kind::Internal),
    }
}

/// The answer to what was raised: a page for a person who `navigates`.
pub(crate) fn answer_to(refusal: Refusal, navigates: bool) -> Response {
    let problem = refusal.problem();
    metrics::counter!("vestibule_refused_total", "kind" => problem.kind().slug()).increment(1);
    if navigates {
        pages::of_problem(&problem)
    } else {
        problem.into_response()
    }
}

/// Answers what the inner services raise.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rescue;

impl<S> Layer<S> for Rescue {
    type Service = Rescued<S>;

    fn layer(&self, inner: S) -> Rescued<S> {
        Rescued { inner }
    }
}

/// The service of [`Rescue`].
#[derive(Debug, Clone)]
pub(crate) struct Rescued<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for Rescued<S>
where
    S: Service<Request<Body>, Response = Response, Error = Refusal>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The layers below are always ready; an error here would have nobody to be answered to.
        self.inner.poll_ready(cx).map(|_| Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let navigates = pages::navigates(&request);
        let answer = self.inner.call(request);
        Box::pin(async move {
            Ok(match answer.await {
                Ok(response) => response,
                Err(refusal) => answer_to(refusal, navigates),
            })
        })
    }
}
