use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};

use super::*;

/// Answers every request with the caller's address and the request's method and body.
async fn echo(close: bool) -> (Target, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            let service = service_fn(move |request| answer(peer, close, request));
            connections.spawn(async move {
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    (target, tasks)
}

async fn answer(
    peer: SocketAddr,
    close: bool,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let method = request.method().clone();
    let body = request
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let text = format!("{} {method} {}", peer.ip(), String::from_utf8_lossy(&body));
    let mut response = Response::new(Full::from(text));
    if close {
        response
            .headers_mut()
            .insert("connection", http::HeaderValue::from_static("close"));
    }
    Ok(response)
}

async fn open(target: &Target, visitor: u32) -> Burst {
    let permit = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
    Burst::open(target, target.source(visitor), permit)
        .await
        .unwrap()
}

fn post(body: &'static str) -> Request<Full<Bytes>> {
    Request::post("/")
        .header("host", "x")
        .body(Full::from(body))
        .unwrap()
}

#[tokio::test]
async fn every_visitor_comes_from_an_address_of_its_own() {
    let (target, _server) = echo(false).await;
    for (visitor, address) in [
        (0, "127.16.0.1"),
        (255, "127.16.1.0"),
        (19_999, "127.16.78.32"),
    ] {
        let reply = open(&target, visitor)
            .await
            .exchange(post("hello"))
            .await
            .unwrap();
        assert_eq!(reply.body, format!("{address} POST hello"));
    }
}

#[tokio::test]
async fn a_burst_is_one_connection() {
    let (target, _server) = echo(false).await;
    let mut burst = open(&target, 1).await;
    for _ in 0..3 {
        assert!(burst.exchange(post("again")).await.is_ok());
        assert!(burst.is_open());
    }
}

#[tokio::test]
async fn an_answer_that_closes_the_connection_is_read_whole() {
    let (target, _server) = echo(true).await;
    let mut burst = open(&target, 1).await;
    assert!(
        burst
            .exchange(post("bye"))
            .await
            .unwrap()
            .body
            .ends_with(b"bye")
    );
    assert!(burst.exchange(post("more")).await.is_err());
    assert!(!burst.is_open());
}

#[tokio::test]
async fn nobody_listening_is_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let permit = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
    let opened = Burst::open(&target, target.source(0), permit).await;
    assert!(matches!(opened, Err(Unanswered::Connect(_))));
}

#[test]
fn a_base_url_is_checked_before_anybody_sets_out() {
    for bad in [
        "",
        "127.0.0.1:80",
        "https://127.0.0.1",
        "http://",
        "ftp://x/",
    ] {
        assert!(Target::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(
        Target::parse("http://127.0.0.1").unwrap().authority,
        "127.0.0.1"
    );
}
