//! A visitor's connection: opened from its own address, kept for a burst, closed between polls.
//!
//! Own handling instead of a pooling client, because a pool would do what no crowd does: share
//! connections between people, and keep twenty thousand of them open. hyper speaks the protocol;
//! the connection is driven inside the exchange, so an idle one costs no task.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs},
    pin::Pin,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::OwnedSemaphorePermit,
    time::timeout,
};

/// Longest a visitor waits for a connection or for a whole answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Largest answer read; a queue page is a few dozen kilobytes.
const LARGEST: usize = 4 << 20;

/// Where the crowd goes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    address: SocketAddr,
    /// The `Host` header.
    pub(super) authority: String,
    /// Scheme and authority, the `Origin` of a page there.
    pub(super) origin: String,
}

/// A base URL that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum TargetError {
    #[error("the crowd needs a base URL like http://127.0.0.1:8080, not {0:?}")]
    NotAUrl(String),
    #[error("the crowd cannot resolve {0}: {1}")]
    Unknown(String, #[source] io::Error),
}

/// Nobody answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("no connection: {0}")]
    Connect(#[from] io::Error),
    #[error("the connection was closed or broken: {0}")]
    Broken(#[from] hyper::Error),
    #[error("the answer's body ended early or was too large")]
    Body,
    #[error("no answer in time")]
    TooLate,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Polled beside an exchange; nothing is sent or read while nobody does.
type Driven = Pin<Box<Connection<TokioIo<TcpStream>, Full<Bytes>>>>;

/// One open connection, and the right to have it open.
pub(super) struct Burst {
    sender: SendRequest<Full<Bytes>>,
    /// None once it was closed.
    connection: Option<Driven>,
    _permit: OwnedSemaphorePermit,
}

impl Target {
    pub(super) fn parse(base_url: &str) -> Result<Self, TargetError> {
        let wrong = || TargetError::NotAUrl(base_url.to_owned());
        let uri: Uri = base_url.parse().map_err(|_| wrong())?;
        if uri.scheme_str() != Some("http") {
            return Err(wrong());
        }
        let authority = uri.authority().ok_or_else(wrong)?;
        let host = authority.host().trim_matches(['[', ']']);
        let address = (host, authority.port_u16().unwrap_or(80))
            .to_socket_addrs()
            .map_err(|source| TargetError::Unknown(host.to_owned(), source))?
            .next()
            .ok_or_else(wrong)?;
        let origin = format!("http://{authority}");
        Ok(Self {
            address,
            authority: authority.to_string(),
            origin,
        })
    }

    /// The address a visitor comes from: its own in 127.16.0.0/12, a million of them; towards a
    /// gateway elsewhere, whatever the machine has.
    pub(super) fn source(&self, visitor: u32) -> Option<Ipv4Addr> {
        let loopback = matches!(self.address.ip(), IpAddr::V4(ip) if ip.is_loopback());
        loopback.then(|| Ipv4Addr::from_bits(0x7f10_0000 | (visitor.wrapping_add(1) & 0x000f_ffff)))
    }
}

impl Burst {
    pub(super) async fn open(
        target: &Target,
        source: Option<Ipv4Addr>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Self, Unanswered> {
        let stream = timeout(PATIENCE, connect(target.address, source))
            .await
            .map_err(|_| Unanswered::TooLate)??;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        Ok(Self {
            sender,
            connection: Some(Box::pin(connection)),
            _permit: permit,
        })
    }

    /// Whether another request can be sent on it.
    pub(super) fn is_open(&self) -> bool {
        self.connection.is_some() && !self.sender.is_closed()
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Reply, Unanswered> {
        let Self {
            sender, connection, ..
        } = self;
        let exchange = async {
            // On a connection just opened or just used, the sender is ready once the connection
            // has been driven a little, which the select below does.
            sender.ready().await?;
            read(sender.send_request(request).await?).await
        };
        tokio::pin!(exchange);
        let driven = async {
            while let Some(open) = connection {
                tokio::select! {
                    biased;
                    answer = &mut exchange => return answer,
                    // Dropped as soon as it ends: that is how the exchange learns of it, and the
                    // answer may be in its hands already.
                    _ = open.as_mut() => *connection = None,
                }
            }
            exchange.await
        };
        timeout(PATIENCE, driven)
            .await
            .unwrap_or(Err(Unanswered::TooLate))
    }

    /// Sends a request and hangs up after `patience`, as a phone in a tunnel does: the request may
    /// or may not have been acted upon.
    pub(super) async fn cut(mut self, request: Request<Full<Bytes>>, patience: Duration) {
        let _ = timeout(patience, self.exchange(request)).await;
    }
}

async fn connect(address: SocketAddr, source: Option<Ipv4Addr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_nodelay(true)?;
    if let Some(source) = source {
        socket.bind(SocketAddr::from((source, 0)))?;
    }
    socket.connect(address).await
}

async fn read(response: Response<hyper::body::Incoming>) -> Result<Reply, Unanswered> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, LARGEST)
        .collect()
        .await
        .map_err(|_| Unanswered::Body)?;
    Ok(Reply {
        status: head.status,
        headers: head.headers,
        body: body.to_bytes(),
    })
}

#[cfg(test)]
mod tests;
