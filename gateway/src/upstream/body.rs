//! Bodies on their way through: watched, never gathered.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

use super::connections::InUse;

/// How much of a request's body has gone out.
#[derive(Default)]
pub(super) struct Sent {
    frames: AtomicU64,
    ended: AtomicBool,
}

impl Sent {
    pub(super) fn frames(&self) -> u64 {
        self.frames.load(Relaxed)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Relaxed);
    }
}

/// The body, its frames counted.
pub(super) fn counted(body: Body, sent: Arc<Sent>) -> Body {
    Body::new(Counted { body, sent })
}

struct Counted {
    body: Body,
    sent: Arc<Sent>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.sent.frames.fetch_add(1, Relaxed);
        // hyper stops asking once the announced length is reached and never sees the end.
        if frame.is_none() || self.body.is_end_stream() {
            self.sent.end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body; its connection is in use for as long as it lives.
pub(super) struct Held {
    body: Incoming,
    _in_use: InUse,
}

impl Held {
    pub(super) fn new(body: Incoming, in_use: InUse) -> Self {
        Self {
            body,
            _in_use: in_use,
        }
    }
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
