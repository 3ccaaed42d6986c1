//! `WebSocket` connections through the gateway.

use axum::body::Body;
use futures::{SinkExt, StreamExt};
use http::Response;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::task::TaskTracker;

use crate::setup::{PATIENCE, config, edge, raw, read_to, shop, status, usual};

/// A shop that echoes over `WebSocket`.
async fn echo() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    TaskTracker::new().spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            TaskTracker::new().spawn(async move {
                let Ok(socket) = tokio_tungstenite::accept_async(stream).await else {
                    return;
                };
                let (mut write, mut read) = socket.split();
                while let Some(Ok(message)) = read.next().await {
                    if write.send(message).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_websocket_echoes_through_the_gateway() {
    let edge = usual(echo().await);
    let url = format!("ws://{}/live", edge.address);
    let (mut socket, answer) = tokio_tungstenite::connect_async(&url).await.unwrap();
    assert_eq!(answer.status(), 101);
    for text in ["one", "two", &"x".repeat(1 << 20)] {
        socket.send(Message::text(text)).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
    }
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
}

#[tokio::test]
async fn a_tunnel_keeps_its_place_among_the_connections_and_ends_with_the_gateway() {
    let mut settings = config();
    settings.max_connections = 1;
    let edge = edge(&settings, echo().await);
    let url = format!("ws://{}/", edge.address);
    let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.unwrap();
    let mut second = TcpStream::connect(edge.address).await.unwrap();
    second
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(crate::setup::read_all(&mut second).await, "");
    edge.stop.cancel();
    tokio::time::timeout(PATIENCE, edge.served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    edge.tasks.close();
    tokio::time::timeout(PATIENCE, edge.tasks.wait())
        .await
        .unwrap();
    assert!(!matches!(socket.next().await, Some(Ok(Message::Text(_)))));
}

const ASK: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn without_a_101_there_is_no_tunnel() {
    let (at, seen) = shop(|_| async {
        Response::builder()
            .status(403)
            .body(Body::from("no"))
            .unwrap()
    })
    .await;
    let edge = usual(at);
    let answer = raw(
        edge.address,
        format!("GET / HTTP/1.1\r\nHost: a\r\n{ASK}\r\n").as_bytes(),
    )
    .await;
    assert_eq!(status(&answer), 403, "{answer}");
    assert_eq!(seen.last().headers["upgrade"], "websocket");
    for head in [
        format!("POST / HTTP/1.1\r\nHost: a\r\n{ASK}Content-Length: 1\r\n\r\nx"),
        format!("GET / HTTP/1.0\r\nHost: a\r\n{ASK}\r\n"),
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n".to_owned(),
    ] {
        raw(edge.address, head.as_bytes()).await;
        assert!(!seen.last().headers.contains_key("upgrade"), "{head}");
    }
}

/// A shop that says 101 and then speaks another protocol is its own business; one that says it is
/// switching to something else than was asked is not believed.
#[tokio::test]
async fn a_101_to_another_protocol_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    TaskTracker::new().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream
                .write_all(b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n")
                .await;
        }
    });
    let mut stream = TcpStream::connect(usual(at).address).await.unwrap();
    stream
        .write_all(format!("GET / HTTP/1.1\r\nHost: a\r\n{ASK}\r\n").as_bytes())
        .await
        .unwrap();
    let answer = read_to(&mut stream, "\r\n\r\n").await;
    assert_eq!(status(&answer), 502);
}
