//! Shapes by which one request could pass for two, or two for one.

use axum::body::Body;
use http::{Request, Response};

use crate::setup::{raw, shop, status, usual};

/// The second request that an attacker hopes to slip past the gate.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

async fn echo(request: Request<Body>) -> Response<Body> {
    let body = axum::body::to_bytes(request.into_body(), 1 << 20)
        .await
        .unwrap_or_default();
    Response::new(Body::from(body))
}

#[tokio::test]
async fn no_shape_of_framing_hides_a_request() {
    let (at, seen) = shop(echo).await;
    let edge = usual(at);
    let length = HIDDEN.len();
    for (name, head, body) in [
        (
            "two lengths",
            "Content-Length: 0\r\nContent-Length: 36\r\n".to_owned(),
            HIDDEN,
        ),
        (
            "length list",
            "Content-Length: 0, 36\r\n".to_owned(),
            HIDDEN,
        ),
        ("signed length", "Content-Length: +5\r\n".to_owned(), HIDDEN),
        (
            "negative length",
            "Content-Length: -1\r\n".to_owned(),
            HIDDEN,
        ),
        ("hex length", "Content-Length: 0x5\r\n".to_owned(), HIDDEN),
        (
            "huge length",
            "Content-Length: 99999999999999999999\r\n".to_owned(),
            HIDDEN,
        ),
        (
            "chunked not last",
            "Transfer-Encoding: chunked, identity\r\n".to_owned(),
            HIDDEN,
        ),
        (
            "chunked twice",
            "Transfer-Encoding: chunked, chunked\r\n".to_owned(),
            "0\r\n\r\n",
        ),
        (
            "coded chunks",
            "Transfer-Encoding: gzip, chunked\r\n".to_owned(),
            "0\r\n\r\n",
        ),
        (
            "unknown coding",
            "Transfer-Encoding: xchunked\r\n".to_owned(),
            HIDDEN,
        ),
        (
            "quoted coding",
            "Transfer-Encoding: \"chunked\"\r\n".to_owned(),
            HIDDEN,
        ),
        (
            "tab coding",
            "Transfer-Encoding:\x0bchunked\r\n".to_owned(),
            HIDDEN,
        ),
        (
            "space before colon",
            format!("Content-Length : {length}\r\n"),
            HIDDEN,
        ),
        (
            "folded",
            format!("X: y\r\n Content-Length: {length}\r\n"),
            HIDDEN,
        ),
        (
            "chunk size",
            "Transfer-Encoding: chunked\r\n".to_owned(),
            "5x\r\nhello\r\n0\r\n\r\n",
        ),
        (
            "chunk overflow",
            "Transfer-Encoding: chunked\r\n".to_owned(),
            "fffffffffffffffff\r\nx",
        ),
        (
            "chunk end",
            "Transfer-Encoding: chunked\r\n".to_owned(),
            "1\r\nabc\r\n0\r\n\r\n",
        ),
    ] {
        let before = seen.all().len();
        let answer = raw(
            edge.address,
            format!("POST /a HTTP/1.1\r\nHost: a\r\n{head}\r\n{body}").as_bytes(),
        )
        .await;
        assert!(!answer.contains("HTTP/1.1 200"), "{name}: {answer}");
        assert!(
            (400..500).contains(&status(&answer)) || answer.is_empty(),
            "{name}: {answer}"
        );
        let new = &seen.all()[before..];
        assert!(new.iter().all(|got| got.uri.path() == "/a"), "{name}");
    }
}

#[tokio::test]
async fn chunks_in_an_old_request_are_refused() {
    let (at, seen) = shop(echo).await;
    let old = format!(
        "POST /a HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"
    );
    assert_eq!(status(&raw(usual(at).address, old.as_bytes()).await), 400);
    assert!(seen.all().is_empty());
}

/// With a length beside chunks the chunks count, and the shop receives chunks alone: there is one
/// way to read it on both sides.
#[tokio::test]
async fn a_length_beside_chunks_cannot_shift_the_border_of_requests() {
    let (at, seen) = shop(echo).await;
    let edge = usual(at);
    for head in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        let before = seen.all().len();
        let whole =
            format!("POST /a HTTP/1.1\r\nHost: a\r\n{head}\r\n3\r\nabc\r\n0\r\n\r\n{HIDDEN}");
        let answer = raw(edge.address, whole.as_bytes()).await;
        let new = &seen.all()[before..];
        // Judged on its own like any other: seen by the gate as a request, never as a body's rest.
        let paths: Vec<_> = new.iter().map(|got| got.uri.path().to_owned()).collect();
        let answers = answer.matches("HTTP/1.1 200").count();
        assert_eq!(paths.len(), answers, "{answer}");
        for got in new.iter().filter(|got| got.uri.path() == "/a") {
            assert!(!got.headers.contains_key("content-length"));
            assert_eq!(got.headers["transfer-encoding"], "chunked");
        }
    }
}

#[tokio::test]
async fn what_follows_a_refused_upgrade_is_a_request_like_any_other() {
    let (at, seen) = shop(echo).await;
    let edge = usual(at);
    let bytes = format!(
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n{HIDDEN}\
         GET /%2f HTTP/1.1\r\nHost: a\r\n\r\n"
    );
    let answer = raw(edge.address, bytes.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 400").count(), 1, "{answer}");
    assert_eq!(seen.all().len(), 2);
    let h2c = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
               HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n";
    assert_eq!(status(&raw(edge.address, h2c.as_bytes()).await), 200);
    let got = seen.last();
    assert!(!got.headers.contains_key("upgrade") && !got.headers.contains_key("http2-settings"));
}
