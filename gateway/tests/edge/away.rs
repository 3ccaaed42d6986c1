//! An upstream that is away, slow, rude or just restarted.

use std::time::Duration;

use axum::body::Body;
use http::Response;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::task::TaskTracker;

use crate::setup::{raw, read_to, shop, status, usual};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn an_upstream_that_is_away_is_a_502_problem() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let answer = raw(usual(nobody).address, GET).await;
    assert_eq!(status(&answer), 502, "{answer}");
    assert!(answer.contains("/_wr/problems/upstream-away"), "{answer}");
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_in_time_is_a_504_problem() {
    let (at, _) = shop(|_| async {
        tokio::time::sleep(Duration::from_mins(10)).await;
        Response::new(Body::empty())
    })
    .await;
    let mut stream = TcpStream::connect(usual(at).address).await.unwrap();
    stream.write_all(GET).await.unwrap();
    let answer = read_to(&mut stream, "upstream-slow").await;
    assert_eq!(status(&answer), 504);
}

/// A shop that reads a head, writes `answer` and closes; counts how often it was asked.
async fn rude(answer: &'static str) -> (std::net::SocketAddr, tokio::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, heads) = tokio::sync::mpsc::channel(16);
    TaskTracker::new().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 4096];
            let read = stream.read(&mut buffer).await.unwrap_or(0);
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = asked
                .send(String::from_utf8_lossy(&buffer[..read]).into_owned())
                .await;
        }
    });
    (address, heads)
}

#[tokio::test]
async fn an_answer_that_is_none_is_a_502_and_never_passed_on() {
    for answer in [
        "",
        "hello\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nGET",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ] {
        let (at, _heads) = rude(answer).await;
        let got = raw(usual(at).address, GET).await;
        assert_eq!(status(&got), 502, "{answer:?} became {got}");
    }
}

/// The first connection serves one request and is closed under the second: that one is asked again
/// when it is safe to do twice, and only then.
#[tokio::test]
async fn what_may_be_done_twice_is_tried_again_when_the_shop_hangs_up() {
    for (method, tries) in [("GET", 2), ("HEAD", 2), ("POST", 1), ("DELETE", 1)] {
        let (at, mut heads) = rude("").await;
        let request = format!("{method} /x HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = raw(usual(at).address, request.as_bytes()).await;
        assert_eq!(status(&answer), 502, "{method}: {answer}");
        let mut seen = 0;
        while let Ok(head) = heads.try_recv() {
            assert!(head.starts_with(method));
            seen += 1;
        }
        assert_eq!(seen, tries, "{method}");
    }
}

#[tokio::test]
async fn a_shop_that_comes_back_is_used_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    drop(listener);
    let edge = usual(at);
    assert_eq!(status(&raw(edge.address, GET).await), 502);
    let listener = TcpListener::bind(at).await.unwrap();
    let app = axum::Router::new().fallback(|| async { "back" });
    TaskTracker::new().spawn(async move { axum::serve(listener, app).await });
    assert!(raw(edge.address, GET).await.ends_with("back"));
}
