//! Who may do what, on the real addresses: visitors through the gateway, operators at their own.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::process::{Demo, PATIENCE, send};

fn json(answer: &str) -> Value {
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).unwrap_or_default()
}

/// A visitor who is in: the pass. Most come straight in; right after the start a gateway may not
/// know the room or its stock yet.
fn let_in(gateway: SocketAddr) -> String {
    let began = Instant::now();
    let mut ticket = String::new();
    loop {
        for step in ["ticket", "claim"] {
            let path = format!("/_wr/{step}/demo");
            let (_, answer) = send(gateway, "POST", &path, &ticket, "").unwrap();
            let said = json(&answer);
            if let Some(pass) = said["pass"].as_str() {
                return pass.to_owned();
            }
            if let Some(token) = said["ticket"]["token"].as_str() {
                ticket = bearer(token);
            }
            assert!(began.elapsed() < PATIENCE, "{answer}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn pass(pass: &str) -> String {
    format!("X-Entry-Pass: {pass}\r\n")
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

struct House {
    demo: Demo,
    token: String,
    ann: String,
    bob: String,
    /// Ann's.
    reservation: String,
    order: String,
}

fn house(data: &std::path::Path) -> House {
    let demo = Demo::start(data);
    let at = demo.visitors;
    let (ann, bob) = (let_in(at), let_in(at));
    let with = format!("X-Entry-Pass: {ann}\r\nIdempotency-Key: k\r\n");
    let one_unit = r#"{"sku":"demo-unit","quantity":1}"#;
    let (status, held) = send(at, "POST", "/v1/reservations", &with, one_unit).unwrap();
    assert_eq!(status, 201, "{held}");
    let reservation = json(&held)["id"].as_str().unwrap().to_owned();
    let confirm = format!("/v1/reservations/{reservation}/confirm");
    let (status, _) = send(at, "POST", &confirm, &with, r#"{"payment_ref":"pay"}"#).unwrap();
    assert_eq!(status, 200);
    House {
        token: std::fs::read_to_string(data.join("operator-token")).unwrap(),
        order: reservation.replacen('r', "o", 1),
        demo,
        ann,
        bob,
        reservation,
    }
}

#[test]
fn through_the_gateway_everybody_has_their_own_and_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let house = house(data.path());
    let (reservation, order) = (&house.reservation, &house.order);
    let token = house.token.trim();
    let cookie = |pass: &str| format!("Cookie: wr-pass-demo={pass}\r\n");
    let paid = r#"{"payment_ref":"pay"}"#;

    let gateway = house.demo.visitors;
    let read = format!("/v1/reservations/{reservation}");
    let own = [
        ("GET", read.clone(), ""),
        ("POST", format!("{read}/confirm"), paid),
        ("GET", format!("/v1/orders/{order}"), ""),
    ];
    for (what, headers, status) in [
        ("Ann", pass(&house.ann), 200),
        ("Ann's browser", cookie(&house.ann), 200),
        ("Bob", pass(&house.bob), 404),
        ("Bob's browser", cookie(&house.bob), 404),
        ("nobody", String::new(), 401),
        ("an operator", bearer(token), 401),
        ("a word", pass("ann"), 401),
    ] {
        for (method, path, body) in &own {
            let (said, answer) = send(gateway, method, path, &headers, body).unwrap();
            assert_eq!(said, status, "{what} {method} {path}: {answer}");
        }
        let in_query = format!("{read}?X-Entry-Pass={}&access_token={token}", house.ann);
        let (said, _) = send(gateway, "GET", &in_query, &headers, "").unwrap();
        assert_eq!(said, status, "{what}, with Ann's pass in the query");
    }
}

#[test]
fn operators_routes_take_the_token_and_are_nowhere_else() {
    let data = tempfile::tempdir().unwrap();
    let house = house(data.path());
    let (gateway, reservation, order) = (house.demo.visitors, &house.reservation, &house.order);
    let read = format!("/v1/reservations/{reservation}");
    let (token, paid) = (house.token.trim(), r#"{"payment_ref":"pay"}"#);
    let operators = [
        ("GET", "/v1/sales/demo".to_owned(), "", 200),
        (
            "PUT",
            "/v1/sales/demo/skus/demo-unit".to_owned(),
            r#"{"supplied":50}"#,
            200,
        ),
        ("POST", format!("{read}/confirm"), paid, 200),
        ("POST", format!("{read}/cancel"), "", 409),
        ("GET", "/metrics".to_owned(), "", 200),
        ("POST", format!("/v1/orders/{order}/refund"), "", 200),
    ];
    for (method, path, body, status) in operators {
        let ours = house.demo.operator;
        for (what, headers, path) in [
            ("no token", String::new(), path.clone()),
            ("a wrong token", bearer("0123456789abcdef"), path.clone()),
            (
                "half the token",
                bearer(&token[..token.len() / 2]),
                path.clone(),
            ),
            ("an empty token", bearer(""), path.clone()),
            (
                "another scheme",
                format!("Authorization: Basic {token}\r\n"),
                path.clone(),
            ),
            ("a pass", pass(&house.ann), path.clone()),
            ("a pass as a bearer", bearer(&house.ann), path.clone()),
            (
                "a cookie",
                format!("Cookie: token={token}\r\n"),
                path.clone(),
            ),
            (
                "the query",
                String::new(),
                format!("{path}?access_token={token}&token={token}"),
            ),
        ] {
            let (said, answer) = send(ours, method, &path, &headers, body).unwrap();
            assert_eq!(said, 401, "{what}: {method} {path}: {answer}");
            assert!(answer.contains("www-authenticate: Bearer"), "{answer}");
        }
        // Not where visitors are, whatever they carry. Confirm and cancel are there, but theirs.
        if !path.contains("/reservations/") {
            for headers in [
                bearer(token),
                pass(&house.ann),
                pass(&house.ann) + &bearer(token),
            ] {
                let (said, answer) = send(gateway, method, &path, &headers, body).unwrap();
                let shops_own = path == "/metrics" && answer.contains("x-demo-shop");
                assert!(said == 404 || shops_own, "{method} {path}: {said} {answer}");
            }
        }
        let (said, answer) = send(ours, method, &path, &bearer(token), body).unwrap();
        assert_eq!(said, status, "{method} {path}: {answer}");
    }
    // And visitors' routes are not at the operators'.
    for (method, path) in [
        ("GET", read),
        ("POST", "/v1/reservations".to_owned()),
        ("GET", format!("/v1/orders/{order}")),
    ] {
        let headers = bearer(token) + &pass(&house.ann);
        let (said, answer) = send(house.demo.operator, method, &path, &headers, "").unwrap();
        assert_eq!(said, 404, "{method} {path}: {answer}");
    }
}
