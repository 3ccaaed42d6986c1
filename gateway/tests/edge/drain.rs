//! Stopping: what is in flight is finished, what takes too long is dropped, nobody new is taken.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use http::Response;
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::Notify};

use crate::setup::{PATIENCE, config, edge, plain_shop, read_all, read_to, shop, status, usual};

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_gateway_stops() {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, held) = (Arc::clone(&asked), Arc::clone(&go));
    let (at, _) = shop(move |_| {
        let (told, held) = (Arc::clone(&told), Arc::clone(&held));
        async move {
            told.notify_one();
            held.notified().await;
            Response::new(Body::from("done"))
        }
    })
    .await;
    let mut settings = config();
    settings.timeouts.upstream_answer = PATIENCE;
    let mut edge = edge(&settings, at);
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    asked.notified().await;
    edge.stop.cancel();
    while TcpStream::connect(edge.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let early = tokio::time::timeout(Duration::from_millis(100), &mut edge.served).await;
    assert!(early.is_err(), "it did not wait for the request");
    go.notify_one();
    let answer = read_to(&mut stream, "done").await;
    assert_eq!(status(&answer), 200);
    assert!(answer.contains("connection: close"), "{answer}");
    tokio::time::timeout(PATIENCE, edge.served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_stop() {
    let (at, _) = plain_shop().await;
    let edge = usual(at);
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    read_to(&mut stream, "ok").await;
    let _silent = TcpStream::connect(edge.address).await.unwrap();
    edge.stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), edge.served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(read_all(&mut stream).await, "");
}

#[tokio::test]
async fn what_takes_longer_than_the_drain_limit_is_dropped() {
    let asked = Arc::new(Notify::new());
    let told = Arc::clone(&asked);
    let (at, _) = shop(move |_| {
        told.notify_one();
        std::future::pending::<Response<Body>>()
    })
    .await;
    let mut settings = config();
    settings.timeouts.upstream_answer = PATIENCE * 10;
    settings.timeouts.drain = Duration::from_millis(200);
    let edge = edge(&settings, at);
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    asked.notified().await;
    edge.stop.cancel();
    tokio::time::timeout(PATIENCE, edge.served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(read_all(&mut stream).await, "");
}
