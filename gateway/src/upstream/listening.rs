//! A connection that still hears an upstream that stopped reading.
//!
//! A shop may answer an upload before it has read it ("log in first", "too large") and hang up. What
//! is written then fails although the answer lies there to be read, and hyper would drop it together
//! with the connection. So a write to a closed connection counts as written: what the upstream said
//! is read next, and where it said nothing, the end of the stream tells.

use std::{
    io::{Error, ErrorKind, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

/// See the module.
pub(super) struct Listening<I> {
    io: I,
    hung_up: bool,
}

impl<I> Listening<I> {
    pub(super) fn new(io: I) -> Self {
        Self { io, hung_up: false }
    }

    /// The outcome of a write of `length` bytes.
    fn heard<T>(&mut self, polled: Poll<Result<T, Error>>, length: T) -> Poll<Result<T, Error>> {
        match polled {
            Poll::Ready(Err(error))
                if matches!(
                    error.kind(),
                    ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
                ) =>
            {
                self.hung_up = true;
                Poll::Ready(Ok(length))
            }
            polled => polled,
        }
    }
}

impl<I: Read + Unpin> Read for Listening<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<I: Write + Unpin> Write for Listening<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize, Error>> {
        if self.hung_up {
            return Poll::Ready(Ok(buf.len()));
        }
        let polled = Pin::new(&mut self.io).poll_write(cx, buf);
        self.heard(polled, buf.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let polled = Pin::new(&mut self.io).poll_flush(cx);
        self.heard(polled, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize, Error>> {
        let length = bufs.iter().map(|buf| buf.len()).sum();
        if self.hung_up {
            return Poll::Ready(Ok(length));
        }
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.heard(polled, length)
    }
}

impl<I: Connection> Connection for Listening<I> {
    fn connected(&self) -> Connected {
        self.io.connected()
    }
}
