//! What a shop may do to a proxy: long downloads, long uploads, a WebSocket. For the tests, and for
//! a person who wants to see that the gateway streams.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Query, Request, State},
    response::{IntoResponse, Response},
};
use futures::{SinkExt, StreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{handshake::derive_accept_key, protocol::Role},
};

use super::Shop;

/// Size of one piece of a download.
const PIECE: usize = 64 * 1024;
/// Largest download.
const LARGEST: u64 = 1 << 30;

/// `GET /healthz`.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// How large a download.
#[derive(Deserialize)]
pub(super) struct Size {
    #[serde(default = "usual_size")]
    bytes: u64,
}

fn usual_size() -> u64 {
    64 << 20
}

/// `GET /big?bytes=N`: zeros, sent as fast as they are taken and never held in memory.
pub(super) async fn big(Query(Size { bytes }): Query<Size>) -> Response {
    static ZEROS: [u8; PIECE] = [0; PIECE];
    let bytes = bytes.min(LARGEST);
    let pieces = stream::unfold(bytes, |left| async move {
        let size = left.min(PIECE as u64);
        let piece = Bytes::from_static(&ZEROS[..size as usize]);
        (size > 0).then(|| (Ok::<_, std::io::Error>(piece), left - size))
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (header::CONTENT_LENGTH, HeaderValue::from(bytes)),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

/// `POST /echo`: the body comes back while it is still arriving.
pub(super) async fn echo(request: Request) -> Response {
    Body::new(request.into_body()).into_response()
}

/// `GET /ws`: a WebSocket that says back what it hears.
pub(super) async fn websocket(State(shop): State<Arc<Shop>>, mut request: Request) -> Response {
    let Some(accept) = accept_key(request.headers()) else {
        return (
            StatusCode::UPGRADE_REQUIRED,
            [(header::UPGRADE, "websocket")],
        )
            .into_response();
    };
    let upgrade = hyper::upgrade::on(&mut request);
    shop.tasks.spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let io = TokioIo::new(upgraded);
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                return;
            }
        }
    });
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

fn accept_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let upgrade = headers.get(header::UPGRADE)?.to_str().ok()?;
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return None;
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok()
}
