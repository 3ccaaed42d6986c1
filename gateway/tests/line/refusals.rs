//! Bad input: a clear answer that names the field, never a 500, nothing lost.

use http::Method;

use crate::world::World;

#[tokio::test]
async fn what_does_not_exist_is_said_so() {
    let world = World::start("").await;
    let mut visitor = world.visitor();
    for (path, kind) in [
        ("/_wr/status/other", "unknown-room"),
        ("/_wr/status/UPPER", "unknown-room"),
        ("/_wr/status/a%20b", "unknown-room"),
        ("/_wr/ticket/other", "unknown-room"),
        ("/_wr/page/other", "unknown-room"),
        ("/_wr/nothing", "not-found"),
        ("/_wr/", "not-found"),
        ("/_wr", "not-found"),
        ("/_wr/problems/nothing", "not-found"),
        ("/_wr/assets/nothing.js", "not-found"),
        ("/_wr/ticket/main", "no-ticket"),
    ] {
        let answer = visitor.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (404, kind),
            "{path}"
        );
    }
    assert_eq!(world.shop.hits(), 0, "our own paths are never the shop's");
}

#[tokio::test]
async fn wrong_methods_are_refused_with_those_that_would_do() {
    let world = World::start("").await;
    let mut visitor = world.visitor();
    for (method, path, allow) in [
        (Method::POST, "/_wr/status/main", "GET,HEAD"),
        (Method::PUT, "/_wr/ticket/main", "DELETE,GET,HEAD,POST"),
        (Method::GET, "/_wr/claim/main", "POST"),
        (Method::DELETE, "/_wr/jwks.json", "GET,HEAD"),
    ] {
        let answer = visitor.send(method, path, &[], "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (405, "method-not-allowed")
        );
        let mut methods: Vec<_> = answer.headers["allow"]
            .to_str()
            .unwrap()
            .split(',')
            .map(str::trim)
            .collect();
        methods.sort_unstable();
        assert_eq!(methods.join(","), allow, "{path}");
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused_by_name() {
    let world = World::start("").await;
    let json = ("content-type", "application/json");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let huge = "x".repeat(100_000);
    for (headers, body, status, kind) in [
        (vec![json], "{", 400, "invalid"),
        (vec![json], "{\"return_to\": 7}", 400, "invalid"),
        (vec![json], "{\"unknown\": 1}", 400, "invalid"),
        (
            vec![json],
            "{\"return_to\":\"/a\",\"return_to\":\"/b\"}",
            400,
            "invalid",
        ),
        (vec![json], "[]", 400, "invalid"),
        (vec![form], "retrun_to=/a", 400, "invalid"),
        (vec![form], "return_to=/a&return_to=/b", 400, "invalid"),
        (
            vec![("content-type", "text/plain")],
            "hello",
            415,
            "unsupported-type",
        ),
        (vec![], "hello", 415, "unsupported-type"),
        (vec![json], huge.as_str(), 413, "too-large"),
    ] {
        let mut visitor = world.visitor();
        let answer = visitor
            .send(Method::POST, "/_wr/ticket/main", &headers, body)
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (status, kind),
            "{body:.20}"
        );
        assert!(answer.json()["field"].is_string());
        assert!(visitor.cookies.is_empty(), "nothing was given");
    }
}

#[tokio::test]
async fn malformed_cookies_and_tokens_are_as_none() {
    let world = World::start("opens_at = \"2999-01-01T00:00:00Z\"").await;
    let good = {
        let mut visitor = world.visitor();
        visitor.join().await;
        visitor.cookies["wr-ticket-main"].clone()
    };
    let half = &good[..good.len() / 2];
    for value in [
        "",
        "x",
        "a.b.c",
        "\"quoted\"",
        half,
        &"y".repeat(3000),
        "=;;=",
        "%00",
    ] {
        let mut visitor = world.visitor();
        visitor
            .cookies
            .insert("wr-ticket-main".into(), value.to_owned());
        visitor
            .cookies
            .insert("wr-visitor".into(), value.to_owned());
        visitor
            .cookies
            .insert("wr-pass-main".into(), value.to_owned());
        let look = visitor.get("/_wr/ticket/main").await;
        assert_eq!(
            (look.status.as_u16(), look.problem().as_str()),
            (404, "no-ticket"),
            "{value:.20}"
        );
        assert_eq!(visitor.get("/").await.status.as_u16(), 503);
        assert_eq!(
            visitor.join().await["state"],
            "waiting",
            "and a new place is given"
        );
    }
    assert_eq!(world.shop.hits(), 0);
}

#[tokio::test]
async fn one_person_asks_only_so_often() {
    let world = World::with_limit(3, "", 1).await;
    let mut visitor = world.visitor();
    visitor.join().await;
    let mut refused = None;
    // Three a second, three at once: among hundreds asked one after the other some are too many.
    for _ in 0..500 {
        let answer = visitor.get("/_wr/ticket/main").await;
        if answer.status.as_u16() == 429 {
            refused = Some(answer);
            break;
        }
        assert!(
            answer.headers.contains_key("ratelimit"),
            "the state of the bucket is told"
        );
    }
    let refused = refused.expect("never limited");
    assert_eq!(refused.problem(), "limited");
    assert!(refused.headers.contains_key("retry-after"));
    assert!(refused.headers.contains_key("ratelimit-policy"));
    assert_eq!(
        visitor.get("/_wr/status/main").await.status.as_u16(),
        200,
        "public ones are exempt"
    );
    assert_eq!(
        world
            .visitor()
            .post("/_wr/ticket/main")
            .await
            .status
            .as_u16(),
        201
    );
}

#[tokio::test]
async fn a_body_too_large_to_be_a_purchase_is_refused_before_the_service() {
    let world = World::with_unopened_sale().await;
    let mut visitor = world.visitor();
    let json = [("content-type", "application/json")];
    for (size, status) in [(16 * 1024, 200), (16 * 1024 + 1, 413), (2_000_000, 413)] {
        let body = " ".repeat(size);
        let answer = visitor
            .send(Method::POST, "/v1/reservations", &json, &body)
            .await;
        assert_eq!(answer.status.as_u16(), status, "{size}");
        if status == 413 {
            assert_eq!(answer.problem(), "too-large");
            assert_eq!(answer.json()["field"], "body");
        }
    }
    assert_eq!(world.shop.hits(), 1, "the service did not see the others");
}

#[tokio::test]
async fn a_body_that_never_comes_holds_nothing() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let world = World::with_unopened_sale().await;
    for path in ["/_wr/ticket/main", "/v1/reservations"] {
        let mut stream = tokio::net::TcpStream::connect(world.gateways[0])
            .await
            .unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/json\r\n\
             Content-Length: 50\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let limit = std::time::Duration::from_secs(15);
        let ended = tokio::time::timeout(limit, stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "{path} is still open");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 408 "), "{path}: {answer}");
    }
    assert_eq!(world.shop.hits(), 0);
}
