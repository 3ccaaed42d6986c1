//! Nobody reads, confirms or cancels what is another's: every visitor route with every credential.

use std::time::Duration;

use http::{Method, Request};
use serde_json::json;

use super::fixture::{Answer, Choice, House, until};

/// What a request carries beside its body.
struct Credential {
    what: &'static str,
    headers: Vec<(&'static str, String)>,
    query: String,
}

async fn send(house: &House, method: &Method, path: &str, by: &Credential, body: &str) -> Answer {
    let uri = format!("http://{}{path}{}", house.visitors, by.query);
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header("content-type", "application/json")
        .header("idempotency-key", uuid::Uuid::now_v7().to_string());
    for (name, value) in &by.headers {
        request = request.header(*name, value);
    }
    house
        .send(request.body(body.to_owned().into()).unwrap())
        .await
}

#[rustfmt::skip]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reaches_anothers_reservation_or_order_by_any_route() {
    let house = House::new(Choice { supplied: 50, limit: 20, ..Choice::default() }).await;
    let by = |what, headers, query: &str| Credential { what, headers, query: query.to_owned() };
    let pass = |pass: String| vec![("x-entry-pass", pass)];
    let bearer = |token: &str| vec![("authorization", format!("Bearer {token}"))];
    let (ann, token) = (house.pass("ann"), "operator-token-of-this-place");
    let over = house.pass_of("main", "ann", -60);

    // reserve, read, confirm, cancel, the order: what each is answered. Cancel meets an order.
    let rows = [
        (by("Ann", pass(ann.clone()), ""), [201, 200, 200, 409, 200]),
        (by("Ann as a bearer", bearer(&ann), ""), [201, 200, 200, 409, 200]),
        // Her session is over, she is still she: paying may take longer than a session.
        (by("Ann, her time over", pass(over), ""), [401, 200, 200, 409, 200]),
        // Ann as well, and of no use for buying here.
        (by("Ann, of another room", pass(house.pass_of("other", "ann", 60)), ""), [403, 200, 200, 409, 200]),
        (by("Bob", pass(house.pass("bob")), ""), [201, 404, 404, 404, 404]),
        (by("Bob, of another room", pass(house.pass_of("other", "bob", 60)), ""), [403, 404, 404, 404, 404]),
        (by("somebody whose name hers begins with", pass(house.pass("an")), ""), [201, 404, 404, 404, 404]),
        (by("nobody", vec![], ""), [401; 5]),
        (by("Ann and Bob", vec![("x-entry-pass", ann.clone()), ("x-entry-pass", house.pass("bob"))], ""), [401; 5]),
        (by("a word", pass("ann".into()), ""), [401; 5]),
        (by("Ann's, changed", pass(format!("{ann}A")), ""), [401; 5]),
        (by("an operator", bearer(token), ""), [401; 5]),
        (by("an operator's token as a pass", pass(token.into()), ""), [401; 5]),
        (by("Ann's in the query", vec![], &format!("?X-Entry-Pass={ann}&access_token={ann}&pass={ann}")), [401; 5]),
        (by("Ann's in a cookie", vec![("cookie", format!("wr-pass-main={ann}"))], ""), [401; 5]),
        (by("Ann by name", vec![("x-user", "ann".into()), ("from", "ann".into())], ""), [401; 5]),
    ];
    let want = json!({ "sku": house.sku, "quantity": 1 }).to_string();
    for (credential, statuses) in rows {
        let id = house.held("ann").await;
        assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
        let order = id.replacen('r', "o", 1);
        let reservation = format!("/v1/reservations/{id}");
        let requests = [
            (Method::POST, "/v1/reservations".to_owned(), want.as_str()),
            (Method::GET, reservation.clone(), ""),
            (Method::POST, format!("{reservation}/confirm"), r#"{"payment_ref":"pay"}"#),
            (Method::POST, format!("{reservation}/cancel"), ""),
            (Method::GET, format!("/v1/orders/{order}"), ""),
        ];
        for ((method, path, body), status) in requests.into_iter().zip(statuses) {
            let answer = send(&house, &method, &path, &credential, body).await;
            let said = (credential.what, &path, &answer.bytes);
            assert_eq!(answer.status.as_u16(), status, "{said:?}");
            if status == 404 {
                let unknown = path.replace(&id[7..], &"0".repeat(id.len() - 7)).replace(&order[7..], &"0".repeat(id.len() - 7));
                let unknown = send(&house, &method, &unknown, &credential, body).await;
                assert_eq!(answer.bytes, unknown.bytes, "one learns that it exists: {said:?}");
            }
            let leaks = status >= 400 && [id.as_str(), "pay", "units"].iter().any(|word| {
                String::from_utf8_lossy(&answer.bytes).contains(word)
            });
            assert!(!leaks, "{said:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_routes_are_not_on_the_visitors_listener() {
    let house = House::new(Choice::default()).await;
    let id = house.held("ann").await;
    let order = id.replacen('r', "o", 1);
    let sale = format!("/v1/sales/{}", house.sale);
    let headers = vec![
        ("x-entry-pass", house.pass("ann")),
        ("authorization", "Bearer operator-token".to_owned()),
    ];
    let by = Credential {
        what: "everything",
        headers,
        query: String::new(),
    };
    for (method, path) in [
        (Method::GET, sale.clone()),
        (Method::PUT, format!("{sale}/skus/{}", house.sku)),
        (Method::POST, format!("/v1/orders/{order}/refund")),
        (Method::GET, "/metrics".to_owned()),
        (Method::GET, "/readyz".to_owned()),
        (Method::GET, "/livez".to_owned()),
    ] {
        let answer = send(&house, &method, &path, &by, r#"{"supplied":9}"#).await;
        assert_eq!(answer.status, 404, "{path} {:?}", answer.bytes);
    }
    assert_eq!(house.counts().await, (4, 1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_store_forgot_is_answered_as_before() {
    let house = House::new(Choice {
        hold: Duration::from_secs(1),
        key_kept: Duration::from_secs(1),
        limit: 2,
        ..Choice::default()
    })
    .await;
    let id = house.held("ann").await;
    assert_eq!(house.cancel(&id, "ann").await.status, 200);
    let desk = house.purchase.desks().next().unwrap();
    until("the store forgets what ended", || async {
        desk.stock.look(&id).await.unwrap().is_none()
    })
    .await;
    let again = house.cancel(&id, "ann").await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["state"]),
        (200, &json!("cancelled"))
    );
    assert_eq!(house.cancel(&id, "bob").await.status, 404);
    assert_eq!(
        house.confirm(&id, "ann", "pay").await.problem(),
        "cancelled"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sees_how_long_keys_and_holds_are_kept() {
    let house = House::new(Choice {
        hold: Duration::from_millis(1_500),
        key_kept: Duration::from_secs(90),
        ..Choice::default()
    })
    .await;
    let sale = house
        .operator(Method::GET, &format!("/v1/sales/{}", house.sale), None)
        .await
        .json();
    assert_eq!(
        (&sale["hold_ttl_s"], &sale["idempotency_ttl_s"]),
        (&json!(1), &json!(90))
    );
    assert_eq!(
        (&sale["sale"], &sale["room"]),
        (&json!(house.sale), &json!("main"))
    );
}
