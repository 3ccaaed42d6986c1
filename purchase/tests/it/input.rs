//! Bad input is a clear 4xx that says which field, and changes nothing.

use http::{Method, Request};
use serde_json::{Value, json};

use super::fixture::{Choice, House};

struct Row {
    what: &'static str,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    status: u16,
    problem: &'static str,
    field: Value,
}

#[rustfmt::skip]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_is_named_and_changes_nothing() {
    let house = House::new(Choice::default()).await;
    let good = json!({ "sku": house.sku, "quantity": 1 }).to_string();
    let json_type = || ("content-type", "application/json".to_owned());
    let pass = || ("x-entry-pass", house.pass("ann"));
    let key = || ("idempotency-key", "k".to_owned());
    let all = || vec![json_type(), pass(), key()];
    let id = house.held("zoe").await;
    let mut rows = Vec::new();
    let mut row = |what, method, path: &str, headers, body: &str, status, problem, field: Value| {
        let (path, body) = (path.to_owned(), body.to_owned());
        rows.push(Row { what, method, path, headers, body, status, problem, field });
    };
    let post = || Method::POST;
    let none = || Value::Null;
    let r = "/v1/reservations";
    row("no pass", post(), r, vec![json_type(), key()], &good, 401, "no-pass", none());
    row("no pass but a word", post(), r, vec![json_type(), key(), ("x-entry-pass", "x".into())], &good, 401, "no-pass", none());
    row("two passes", post(), r, vec![json_type(), key(), pass(), pass()], &good, 401, "no-pass", none());
    row("a changed pass", post(), r, vec![json_type(), key(), ("x-entry-pass", house.pass("ann") + "A")], &good, 401, "no-pass", none());
    row("a foreign bearer", post(), r, vec![json_type(), key(), ("authorization", "Bearer x".into())], &good, 401, "no-pass", none());
    row("a pass of another room", post(), r, vec![json_type(), key(), ("x-entry-pass", house.pass_of("other", "ann", 60))], &good, 403, "other-pass", none());
    row("no key", post(), r, vec![json_type(), pass()], &good, 400, "key-missing", json!("Idempotency-Key"));
    row("an empty key", post(), r, vec![json_type(), pass(), ("idempotency-key", "\"\"".into())], &good, 400, "invalid", json!("Idempotency-Key"));
    row("a key too long", post(), r, vec![json_type(), pass(), ("idempotency-key", "k".repeat(256))], &good, 400, "invalid", json!("Idempotency-Key"));
    row("two keys", post(), r, vec![json_type(), pass(), key(), key()], &good, 400, "invalid", json!("Idempotency-Key"));
    row("no type", post(), r, vec![pass(), key()], &good, 415, "unsupported-type", json!("Content-Type"));
    row("a form", post(), r, vec![pass(), key(), ("content-type", "application/x-www-form-urlencoded".into())], &good, 415, "unsupported-type", json!("Content-Type"));
    for (what, body, field) in [
        ("no body", String::new(), "body"),
        ("half a body", "{\"sku\":".into(), "body"),
        ("a list", "[]".into(), "body"),
        ("bytes", "\u{0}\u{1}".into(), "body"),
        ("deep", "[".repeat(10_000), "body"),
        ("no sku", json!({ "quantity": 1 }).to_string(), "sku"),
        ("a sku that is none", json!({ "sku": "a b", "quantity": 1 }).to_string(), "sku"),
        ("a number as sku", json!({ "sku": 7, "quantity": 1 }).to_string(), "sku"),
        ("no quantity", json!({ "sku": house.sku }).to_string(), "quantity"),
        ("none wanted", json!({ "sku": house.sku, "quantity": 0 }).to_string(), "quantity"),
        ("less than none", json!({ "sku": house.sku, "quantity": -1 }).to_string(), "quantity"),
        ("half of one", json!({ "sku": house.sku, "quantity": 1.5 }).to_string(), "quantity"),
        ("too many", json!({ "sku": house.sku, "quantity": 101 }).to_string(), "quantity"),
        ("far too many", format!("{{\"sku\":\"{}\",\"quantity\":1e300}}", house.sku), "quantity"),
        ("a misspelt member", json!({ "sku": house.sku, "quantity": 1, "quantitty": 2 }).to_string(), "quantitty"),
        ("a member twice", format!("{{\"sku\":\"{0}\",\"quantity\":1,\"quantity\":2}}", house.sku), "quantity"),
        ("a word", json!({ "sku": house.sku, "quantity": "1" }).to_string(), "quantity"),
    ] {
        row(what, post(), r, all(), &body, 400, "invalid", json!(field));
    }
    row("a huge body", post(), r, all(), &" ".repeat(20_000), 413, "too-large", json!("body"));
    row("an unknown sku", post(), r, all(), r#"{"sku":"nothing","quantity":1}"#, 404, "unknown-sku", json!("sku"));
    row("more than the limit", post(), r, all(), &json!({ "sku": house.sku, "quantity": 6 }).to_string(), 409, "limit-reached", none());
    for path in ["/", "/v1", "/v1/", "/v1/orders", "/v1/reservations/", "/v2/reservations", "/v1/sales/x"] {
        row("no route", Method::GET, path, all(), "", 404, "not-found", none());
    }
    let unknown = format!("r.{}.{}", house.sale, "0".repeat(32));
    for id in ["x", "r.x.y", "%00", "%ff", "r.%7B", unknown.as_str(), &"x".repeat(3_000)] {
        row("no such id", Method::GET, &format!("{r}/{id}"), all(), "", 404, "not-found", none());
        row("no such id", post(), &format!("{r}/{id}/cancel"), all(), "", 404, "not-found", none());
        row("no such id", post(), &format!("{r}/{id}/confirm"), all(), r#"{"payment_ref":"p"}"#, 404, "not-found", none());
        row("no such order", Method::GET, &format!("/v1/orders/{id}"), all(), "", 404, "not-found", none());
    }
    for (method, path) in [(Method::GET, r.to_owned()), (Method::PUT, r.to_owned()),
        (Method::DELETE, format!("{r}/{id}")), (Method::GET, format!("{r}/{id}/confirm"))] {
        row("a wrong method", method, &path, all(), "", 405, "method-not-allowed", none());
    }
    for payment in ["{}", r#"{"payment_ref":""}"#, r#"{"payment_ref":"a b"}"#, r#"{"payment_ref":1}"#,
        r#"{"payment_ref":"ü"}"#, r#"{"payment_ref":"a","payment_ref":"b"}"#, &json!({ "payment_ref": "x".repeat(129) }).to_string()] {
        let headers = vec![json_type(), ("x-entry-pass", house.pass("zoe"))];
        row("no payment", post(), &format!("{r}/{id}/confirm"), headers, payment, 400, "invalid", json!("payment_ref"));
    }
    for row in rows {
        let mut request =
            Request::builder().method(&row.method).uri(format!("http://{}{}", house.visitors, row.path));
        for (name, value) in &row.headers {
            request = request.header(*name, value);
        }
        let answer = house.send(request.body(row.body.clone().into()).unwrap()).await;
        let said = (row.what, &row.path, &answer.bytes);
        assert_eq!(answer.status.as_u16(), row.status, "{said:?}");
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{said:?}");
        assert_eq!(answer.problem(), row.problem, "{said:?}");
        assert_eq!(answer.json()["field"], row.field, "{said:?}");
        assert_eq!(answer.headers.contains_key("allow"), row.status == 405, "{said:?}");
    }
    assert_eq!(house.counts().await, (4, 1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_bad_input_is_named_too() {
    let house = House::new(Choice::default()).await;
    let sku = format!("/v1/sales/{}/skus/{}", house.sale, house.sku);
    let sale = format!("/v1/sales/{}", house.sale);
    for (method, path, body, status, problem, field) in [
        (
            Method::PUT,
            sku.clone(),
            Some(json!({})),
            400,
            "invalid",
            json!("supplied"),
        ),
        (
            Method::PUT,
            sku.clone(),
            Some(json!({ "supplied": -1 })),
            400,
            "invalid",
            json!("supplied"),
        ),
        (
            Method::PUT,
            sku.clone(),
            Some(json!({ "supplied": 1, "limit_per_person": 0 })),
            400,
            "invalid",
            json!("limit_per_person"),
        ),
        (
            Method::PUT,
            sku.clone(),
            None,
            415,
            "unsupported-type",
            json!("Content-Type"),
        ),
        (
            Method::PUT,
            format!("{sale}/skus/a%20b"),
            Some(json!({ "supplied": 1 })),
            400,
            "invalid",
            json!("sku"),
        ),
        (
            Method::PUT,
            "/v1/sales/none/skus/a".into(),
            Some(json!({ "supplied": 1 })),
            404,
            "unknown-sale",
            json!("sale"),
        ),
        (
            Method::GET,
            "/v1/sales/NONE".into(),
            None,
            404,
            "unknown-sale",
            json!("sale"),
        ),
        (
            Method::POST,
            "/v1/orders/x/refund".into(),
            None,
            404,
            "not-found",
            Value::Null,
        ),
        (
            Method::DELETE,
            sku,
            None,
            405,
            "method-not-allowed",
            Value::Null,
        ),
    ] {
        let answer = house.operator(method, &path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {:?}", answer.bytes);
        assert_eq!(
            (answer.problem().as_str(), &answer.json()["field"]),
            (problem, &field)
        );
    }
    assert_eq!(house.counts().await, (5, 0, 0));
}
