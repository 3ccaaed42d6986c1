//! What goes through in the heads of requests and answers, and what is refused there.

use std::time::Duration;

use axum::body::Body;
use entry_pass::VisitorId;
use gateway::{config::Rate, identify::VisitorKey};
use http::Response;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::setup::{
    PATIENCE, config, edge, plain_shop, raw, read_all, read_to, shop, status, usual,
};

#[tokio::test]
async fn the_shop_receives_what_was_judged() {
    let (at, seen) = plain_shop().await;
    let edge = usual(at);
    let answer = raw(
        edge.address,
        b"GET /a/../b//c?q=%2e HTTP/1.1\r\nHost: Shop.Example\r\nConnection: close, X-Entry-Pass, Cookie\r\n\
          X-Entry-Pass: forged\r\nX-Forwarded-For: 6.6.6.6\r\nX-Kept: 1\r\nCookie: wr-visitor=a; c=d\r\n\r\n",
    )
    .await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(
        answer.ends_with("ok") && answer.contains("ratelimit: \"address\""),
        "{answer}"
    );
    let got = seen.last();
    assert_eq!(got.uri.to_string(), "/b/c?q=%2e");
    assert_eq!(got.headers["host"], "shop.example");
    assert_eq!(got.headers["x-forwarded-for"], "127.0.0.1");
    assert_eq!(got.headers["x-forwarded-proto"], "http");
    assert_eq!(got.headers["x-kept"], "1");
    for gone in ["x-entry-pass", "cookie", "connection"] {
        assert!(!got.headers.contains_key(gone), "{gone}");
    }
}

#[tokio::test]
async fn an_answers_command_and_foreign_tickets_stay_here() {
    let (at, _) = shop(|_| async {
        Response::builder()
            .header("wr-command", "complete")
            .header("set-cookie", "wr-visitor=x")
            .header("set-cookie", "cart=1")
            .header("connection", "x-hop")
            .header("x-hop", "1")
            .body(Body::empty())
            .unwrap()
    })
    .await;
    let answer = raw(usual(at).address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.contains("set-cookie: cart=1"), "{answer}");
    for gone in ["wr-command", "wr-visitor", "x-hop"] {
        assert!(!answer.contains(gone), "{gone} in {answer}");
    }
}

#[tokio::test]
async fn head_has_a_length_and_no_body() {
    let (at, _) = plain_shop().await;
    let answer = raw(usual(at).address, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(
        answer.contains("content-length: 2\r\n") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_head_too_large_is_answered_431_and_bad_ones_400() {
    let (at, seen) = plain_shop().await;
    let edge = usual(at);
    let many = "X-A: b\r\n".repeat(150);
    let long = format!("X-A: {}\r\n", "b".repeat(40_000));
    for (head, expected) in [
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{long}\r\n"), 431),
        (
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(9000)),
            414,
        ),
        ("GET / HTTP/1.1\r\n\r\n".into(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".into(), 400),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n".into(), 400),
        (
            "GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n".into(),
            400,
        ),
        ("GET / HTTP/9.9\r\nHost: a\r\n\r\n".into(), 400),
        ("GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
        ("GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
        ("get / HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n".into(), 405),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n".into(), 405),
        ("\0\0\0\0\r\n\r\n".into(), 400),
        ("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n".into(), 400),
    ] {
        let answer = raw(edge.address, head.as_bytes()).await;
        assert_eq!(
            status(&answer),
            expected,
            "{} gave {answer}",
            &head[..head.len().min(60)]
        );
    }
    assert!(seen.all().is_empty());
}

#[tokio::test]
async fn a_trickled_head_is_cut_off_while_an_idle_connection_is_kept() {
    let (at, _) = plain_shop().await;
    let edge = usual(at);
    let mut idle = TcpStream::connect(edge.address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    read_to(&mut idle, "\r\n\r\nok").await;
    for (first, trickles) in [
        (&b""[..], false),
        (b"PRI * HTT", false),
        (b"P", true),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ", true),
    ] {
        let mut slow = TcpStream::connect(edge.address).await.unwrap();
        slow.write_all(first).await.unwrap();
        let (mut read, mut write) = slow.split();
        // One byte at a time, each before any single read could time out.
        let trickle = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(50));
            while trickles && write.write_all(b"x").await.is_ok() {
                ticks.tick().await;
            }
            std::future::pending::<()>().await;
        };
        let closed = async { while let Ok(1..) = read.read(&mut [0; 64]).await {} };
        let ended = async {
            tokio::select! { () = trickle => {}, () = closed => {} }
        };
        tokio::time::timeout(PATIENCE, ended)
            .await
            .expect("cut off");
    }
    // Idle all the while, far beyond what a head may take.
    idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    read_to(&mut idle, "\r\n\r\nok").await;
    // And a later head on a kept connection may not trickle either.
    idle.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
    let ended = tokio::time::timeout(PATIENCE, idle.read(&mut [0; 64]))
        .await
        .expect("cut off");
    assert!(!matches!(ended, Ok(1..)), "{ended:?}");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_one_to_end() {
    let (at, _) = plain_shop().await;
    let mut settings = config();
    settings.max_connections = 2;
    let edge = edge(&settings, at);
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(edge.address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        read_to(&mut stream, "\r\n\r\nok").await;
        open.push(stream);
    }
    let mut third = TcpStream::connect(edge.address).await.unwrap();
    third
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let nothing = read_all(&mut third).await;
    assert_eq!(nothing, "");
    open.pop();
    read_to(&mut third, "\r\n\r\nok").await;
}

#[tokio::test]
async fn a_taken_port_is_one_clear_sentence() {
    let taken = gateway::arrival::bind("127.0.0.1:0".parse().unwrap(), 2).unwrap();
    let address = taken[0].local_addr().unwrap();
    assert_eq!(taken[1].local_addr().unwrap(), address);
    let error = gateway::arrival::bind(address, 1).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("{address} is taken")),
        "{error}"
    );
}

#[tokio::test]
async fn beyond_the_limit_is_a_429_that_names_the_limit_and_the_wait() {
    let (at, seen) = plain_shop().await;
    let mut settings = config();
    settings.limits.personal = Rate {
        per_second: 1,
        burst: 3,
    };
    let edge = edge(&settings, at);
    let key = VisitorKey::derive(&[7; 32]);
    let ask = |visitor: [u8; 16]| {
        let cookie = key.sign(&VisitorId::from_bytes(visitor));
        format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: wr-visitor={cookie}\r\n\r\n").repeat(5)
    };
    let answer = raw(edge.address, ask([1; 16]).as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 3, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 429").count(), 2, "{answer}");
    for part in [
        "retry-after: 1",
        "\"personal\";q=3;w=3",
        "problems/limited",
        "\"limit\":\"personal\"",
    ] {
        assert!(answer.contains(part), "{part} in {answer}");
    }
    // Another person from the same address is another person.
    assert!(
        raw(edge.address, ask([2; 16]).as_bytes())
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert_eq!(seen.all().len(), 6);
}
