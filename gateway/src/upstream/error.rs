//! Why an upstream gave no answer.

use hyper_util::client::legacy;
use problem::{Kind, Problem};

/// No answer to pass on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// It cannot be reached, or hung up before it answered.
    #[error("the upstream cannot be reached or hung up")]
    Away,
    /// It did not answer in time.
    #[error("the upstream did not answer in time")]
    Slow,
    /// Its answer is no HTTP, or switches to a protocol nobody asked for.
    #[error("the upstream's answer cannot be passed on")]
    Broken,
    /// The visitor's request body broke off or stopped coming.
    #[error("the request's body broke off")]
    BodyBroken,
    /// As many connections to upstreams are open as this gateway may have.
    #[error("all connections to upstreams are in use")]
    Busy,
}

impl UpstreamError {
    pub(super) fn of(error: &legacy::Error) -> Self {
        if error.is_connect() {
            return Self::Away;
        }
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            if let Some(error) = cause.downcast_ref::<hyper::Error>() {
                return match error {
                    e if e.is_user() || e.is_body_write_aborted() => Self::BodyBroken,
                    e if e.is_parse() => Self::Broken,
                    _ => Self::Away,
                };
            }
            source = cause.source();
        }
        Self::Away
    }

    /// The answer: 502, 504, 503, or 408 for a body that did not come.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Away => Problem::new(Kind::UpstreamAway),
            Self::Slow => Problem::new(Kind::UpstreamSlow),
            Self::Broken => Problem::new(Kind::UpstreamAway)
                .detail("The shop behind this gateway sent an answer that cannot be passed on."),
            Self::BodyBroken => Problem::invalid("body", "broke off before its end")
                .status(http::StatusCode::REQUEST_TIMEOUT),
            Self::Busy => Problem::new(Kind::Busy),
        }
    }
}
