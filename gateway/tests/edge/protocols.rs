//! HTTP/2 with prior knowledge, and requests that share a connection.

use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

use crate::setup::{plain_shop, raw, usual};

fn http2() -> Client<HttpConnector, Full<bytes::Bytes>> {
    Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http()
}

#[tokio::test]
async fn http2_is_spoken_to_whoever_begins_with_it() {
    let (at, seen) = plain_shop().await;
    let edge = usual(at);
    let client = http2();
    let ask = |path: &str| {
        let request = Request::builder()
            .method("POST")
            .uri(format!("http://{}{path}", edge.address))
            .header("cookie", "a=1")
            .header("cookie", "wr-visitor=x")
            .header("cookie", "b=2")
            .body(Full::from("hello"))
            .unwrap();
        client.request(request)
    };
    let answers = futures::future::join_all((0..50).map(|_| ask("/x/../y"))).await;
    for answer in answers {
        let answer = answer.unwrap();
        assert_eq!(
            (answer.status(), answer.version()),
            (StatusCode::OK, Version::HTTP_2)
        );
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "ok");
    }
    let got = seen.last();
    assert_eq!((got.version, got.uri.path()), (Version::HTTP_11, "/y"));
    assert_eq!(got.headers["cookie"], "a=1; b=2");
    assert_eq!(got.headers["host"], edge.address.to_string());
    assert_eq!(
        ask("/a%2fb").await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn over_http2_a_head_too_large_is_answered_431() {
    let (at, seen) = plain_shop().await;
    let request = Request::builder()
        .uri(format!("http://{}/", usual(at).address))
        .header("x-long", "x".repeat(40_000))
        .body(Full::default())
        .unwrap();
    let answer = http2().request(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert!(seen.all().is_empty());
}

#[tokio::test]
async fn over_http2_the_host_header_must_agree_with_the_authority() {
    let (at, _) = plain_shop().await;
    let edge = usual(at);
    let request = Request::builder()
        .uri(format!("http://{}/", edge.address))
        .header("host", "other.example")
        .body(Full::default())
        .unwrap();
    assert_eq!(
        http2().request(request).await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn every_request_of_a_connection_is_judged_for_itself() {
    let (at, seen) = plain_shop().await;
    let answer = raw(
        usual(at).address,
        b"GET /a HTTP/1.1\r\nHost: a\r\nX-Entry-Pass: one\r\n\r\nGET /b HTTP/1.1\r\nHost: b\r\n\r\n\
          GET /%00 HTTP/1.1\r\nHost: a\r\n\r\nGET /c HTTP/1.1\r\nHost: c\r\n\r\n",
    )
    .await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 3, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 400").count(), 1, "{answer}");
    let hosts: Vec<_> = seen
        .all()
        .iter()
        .map(|got| got.headers["host"].clone())
        .collect();
    assert_eq!(hosts, ["a", "b", "c"]);
}
