//! Whether a connection is used, and when to give up on it.
//!
//! hyper has one timer for "no head yet", and it runs while a connection idles between two requests
//! as well. We want to be patient there (a page polls every few seconds to half a minute) and
//! impatient with a head that has begun to arrive, since trickling one is how a slow client holds
//! connections. [`HeadTimer`] is hyper's timer, set to the idle limit; the first bytes that come
//! shorten it.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::rt::{Read, ReadBufCursor, Sleep, Timer, Write};
use pin_project_lite::pin_project;

/// Counters of one connection. All of it runs on one thread: no ordering is needed.
#[derive(Default)]
pub(super) struct Activity {
    reads: AtomicU64,
    requests: AtomicU64,
    open: AtomicU32,
    http2: AtomicBool,
}

impl Activity {
    /// A request begins. Over HTTP/2 it counts as open until its answer is sent; over HTTP/1.1
    /// hyper knows by itself when the connection is idle.
    pub(super) fn begin(self: &Arc<Self>, http2: bool) -> Option<Open> {
        self.requests.fetch_add(1, Relaxed);
        http2.then(|| {
            self.http2.store(true, Relaxed);
            self.open.fetch_add(1, Relaxed);
            Open(Arc::clone(self))
        })
    }

    /// Whether there has been a request.
    pub(super) fn has_begun(&self) -> bool {
        self.requests.load(Relaxed) > 0
    }

    /// Ends when no first request came within `first`, or nothing was open on an HTTP/2 connection
    /// for `idle`.
    pub(super) async fn silent(&self, first: Duration, idle: Duration) {
        tokio::time::sleep(first).await;
        if !self.has_begun() {
            return;
        }
        if !self.http2.load(Relaxed) {
            return std::future::pending().await;
        }
        loop {
            let before = self.requests.load(Relaxed);
            tokio::time::sleep(idle).await;
            if self.requests.load(Relaxed) == before && self.open.load(Relaxed) == 0 {
                return;
            }
        }
    }
}

/// An open request.
pub(super) struct Open(Arc<Activity>);

impl Open {
    /// Stays open until the body is sent or given up.
    pub(super) fn around(self, body: Body) -> Body {
        Body::new(OpenBody { body, _open: self })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

struct OpenBody {
    body: Body,
    _open: Open,
}

impl http_body::Body for OpenBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection whose reads are counted.
pub(super) struct Watched<I> {
    io: I,
    activity: Arc<Activity>,
}

impl<I> Watched<I> {
    pub(super) fn new(io: I, activity: Arc<Activity>) -> Self {
        Self { io, activity }
    }
}

impl<I: Read + Unpin> Read for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        if polled.is_ready() {
            self.activity.reads.fetch_add(1, Relaxed);
        }
        polled
    }
}

impl<I: Write + Unpin> Write for Watched<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}

/// hyper's timer for heads.
#[derive(Clone)]
pub(super) struct HeadTimer {
    activity: Arc<Activity>,
    once_begun: Duration,
}

impl HeadTimer {
    pub(super) fn new(activity: Arc<Activity>, once_begun: Duration) -> Self {
        Self {
            activity,
            once_begun,
        }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(HeadSleep {
            inner: tokio::time::sleep_until(deadline.into()),
            reads: self.activity.reads.load(Relaxed),
            begun: false,
            timer: self.clone(),
        })
    }
}

pin_project! {
    struct HeadSleep {
        #[pin]
        inner: tokio::time::Sleep,
        reads: u64,
        begun: bool,
        timer: HeadTimer,
    }
}

impl Future for HeadSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if !*this.begun && this.timer.activity.reads.load(Relaxed) != *this.reads {
            *this.begun = true;
            let sooner = tokio::time::Instant::now() + this.timer.once_begun;
            if sooner < this.inner.deadline() {
                this.inner.as_mut().reset(sooner);
            }
        }
        this.inner.poll(cx)
    }
}

impl Sleep for HeadSleep {}
