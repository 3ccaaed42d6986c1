//! The shop behind the gateways.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
};
use futures::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{handshake::derive_accept_key, protocol::Role},
};

/// A shop that counts who comes, and who comes without a pass.
#[derive(Clone, Default)]
pub(crate) struct Shop {
    pub(crate) hits: Arc<AtomicUsize>,
    pub(crate) without_pass: Arc<AtomicUsize>,
    /// The headers of the last request.
    pub(crate) last: Arc<Mutex<HeaderMap>>,
}

impl Shop {
    pub(super) async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shop = self.clone();
        let app = Router::new().fallback(async move |mut request: Request<Body>| {
            *shop.last.lock().unwrap() = request.headers().clone();
            shop.hits.fetch_add(1, Ordering::SeqCst);
            assert_ne!(request.uri().path(), "/crash", "the shop crashes over this");
            if !request.headers().contains_key("x-entry-pass") {
                shop.without_pass.fetch_add(1, Ordering::SeqCst);
            }
            if let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY).cloned() {
                return echo(&key, hyper::upgrade::on(&mut request));
            }
            let command = request
                .uri()
                .path()
                .strip_prefix("/command/")
                .map(str::to_owned);
            let mut response = "the shop".into_response();
            let headers = response.headers_mut();
            headers.insert("x-demo-shop", "1".parse().unwrap());
            if let Some(command) = command {
                headers.insert("wr-command", command.parse().unwrap());
            }
            response
        });
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    pub(crate) fn without_pass(&self) -> usize {
        self.without_pass.load(Ordering::SeqCst)
    }
}

/// Agrees to a `WebSocket` and says back what it hears.
fn echo(key: &HeaderValue, agreed: OnUpgrade) -> Response {
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move {
        let io = TokioIo::new(agreed.await.unwrap());
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            if socket.send(message).await.is_err() {
                return;
            }
        }
    });
    let accept = derive_accept_key(key.as_bytes());
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}
