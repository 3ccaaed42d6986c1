//! Bodies: streamed, big, broken off, answered early.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use http::{Request, Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::setup::{PATIENCE, raw, read_to, shop, status, usual};

const CHUNK: usize = 64 * 1024;

#[tokio::test]
async fn a_body_flows_through_while_it_is_still_being_sent() {
    let (at, _) = shop(|request: Request<Body>| async {
        Response::new(Body::from_stream(request.into_body().into_data_stream()))
    })
    .await;
    let mut stream = TcpStream::connect(usual(at).address).await.unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nping\r\n")
        .await
        .unwrap();
    read_to(&mut stream, "ping").await;
    stream.write_all(b"4\r\npong\r\n0\r\n\r\n").await.unwrap();
    read_to(&mut stream, "0\r\n\r\n").await;
}

/// 256 MiB up to a shop that stops reading: what the client can get rid of is what fits into the
/// buffers on the way, so nothing is gathered here.
#[tokio::test]
async fn a_big_upload_to_a_slow_shop_is_held_back_and_not_gathered() {
    let go = Arc::new(tokio::sync::Notify::new());
    let held = Arc::clone(&go);
    let (at, _) = shop(move |request: Request<Body>| {
        let held = Arc::clone(&held);
        async move {
            held.notified().await;
            let mut all = 0_u64;
            let mut body = request.into_body().into_data_stream();
            while let Some(Ok(chunk)) = body.next().await {
                all += chunk.len() as u64;
            }
            Response::new(Body::from(all.to_string()))
        }
    })
    .await;
    let total = 256 * 1024 * 1024_u64;
    let mut config = crate::setup::config();
    config.timeouts.upstream_answer = PATIENCE;
    let edge = crate::setup::edge(&config, at);
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    let ask = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {total}\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let chunk = vec![b'x'; CHUNK];
    let mut sent = 0;
    while let Ok(written) =
        tokio::time::timeout(Duration::from_millis(700), stream.write(&chunk)).await
    {
        sent += written.unwrap() as u64;
        assert!(
            sent < 64 * 1024 * 1024,
            "the gateway swallowed {sent} bytes"
        );
    }
    go.notify_one();
    while sent < total {
        let part = chunk.len().min((total - sent) as usize);
        sent += stream.write(&chunk[..part]).await.unwrap() as u64;
    }
    read_to(&mut stream, &total.to_string()).await;
}

#[tokio::test]
async fn a_big_answer_to_a_slow_visitor_is_held_back_and_not_gathered() {
    let made = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&made);
    let (at, _) = shop(move |_| {
        let count = Arc::clone(&count);
        let chunks = futures::stream::iter(0..4096_u32).map(move |_| {
            count.fetch_add(CHUNK as u64, SeqCst);
            Ok::<_, std::io::Error>(Bytes::from(vec![b'y'; CHUNK]))
        });
        async { Response::new(Body::from_stream(chunks)) }
    })
    .await;
    let mut stream = TcpStream::connect(usual(at).address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut before = u64::MAX;
    while before != made.load(SeqCst) || before == 0 {
        before = made.load(SeqCst);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(
        before < 64 * 1024 * 1024,
        "the gateway swallowed {before} bytes"
    );
    let mut all = 0;
    let mut buffer = vec![0; CHUNK];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        all += read as u64;
    }
    assert!(all >= 4096 * CHUNK as u64, "{all}");
}

#[tokio::test]
async fn an_early_answer_reaches_a_visitor_who_is_still_sending() {
    let (at, _) = shop(|_| async {
        Response::builder()
            .status(413)
            .body(Body::from("too much"))
            .unwrap()
    })
    .await;
    let edge = usual(at);
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\nfirst")
        .await
        .unwrap();
    let answer = read_to(&mut stream, "too much").await;
    assert_eq!(status(&answer), 413);
    // The rest of that body is no request, whatever it looks like.
    let _ = stream
        .write_all(b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let rest = crate::setup::read_all(&mut stream).await;
    assert!(!rest.contains("HTTP/1.1"), "{rest}");
}

#[tokio::test]
async fn a_visitor_who_asks_first_is_told_to_go_on() {
    let (at, seen) = shop(|request: Request<Body>| async {
        let body = axum::body::to_bytes(request.into_body(), 100)
            .await
            .unwrap();
        Response::new(Body::from(body))
    })
    .await;
    let mut stream = TcpStream::connect(usual(at).address).await.unwrap();
    stream
        .write_all(
            b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
        )
        .await
        .unwrap();
    let go_on = read_to(&mut stream, "\r\n\r\n").await;
    assert_eq!(status(&go_on), 100);
    stream.write_all(b"abc").await.unwrap();
    read_to(&mut stream, "\r\n\r\nabc").await;
    assert!(!seen.last().headers.contains_key("expect"));
}

#[tokio::test]
async fn a_body_that_stops_coming_is_the_visitors_fault_and_ends_the_wait() {
    let (at, _) = shop(|request: Request<Body>| async {
        let _ = axum::body::to_bytes(request.into_body(), 100).await;
        Response::new(Body::empty())
    })
    .await;
    let answer = raw_patiently(
        usual(at).address,
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
    )
    .await;
    assert_eq!(status(&answer), 408, "{answer}");
    assert!(answer.contains("\"field\":\"body\""), "{answer}");
}

async fn raw_patiently(address: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    read_to(&mut stream, "}").await
}

#[tokio::test]
async fn an_old_client_gets_its_answer_without_chunks() {
    let (at, _) = shop(|_| async {
        let chunks = futures::stream::iter(["a", "b"]).map(Ok::<_, std::io::Error>);
        Response::new(Body::from_stream(chunks))
    })
    .await;
    let answer = raw(usual(at).address, b"GET / HTTP/1.0\r\nHost: a\r\n\r\n").await;
    assert!(
        answer.ends_with("\r\n\r\nab") && !answer.contains("chunked"),
        "{answer}"
    );
}

/// The shop answers at once, reads nothing and hangs up, as one that wants a login first. Many times,
/// because what breaks is a race between the answer's arrival and the next write.
#[tokio::test]
async fn an_answer_that_came_before_the_shop_hung_up_is_passed_on() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio_util::task::TaskTracker::new().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let _ = stream
                .write_all(
                    b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                )
                .await;
        }
    });
    let edge = usual(at);
    let body = vec![b'x'; 3_000_000];
    for attempt in 0..30 {
        let mut request =
            b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3000000\r\n\r\n"
                .to_vec();
        request.extend_from_slice(&body);
        let answer = raw(edge.address, &request).await;
        assert_eq!(status(&answer), 401, "attempt {attempt}");
    }
}
