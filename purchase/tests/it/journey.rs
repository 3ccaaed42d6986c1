//! From the entry pass to the ledger.

use std::time::Duration;

use http::Method;
use purchase::config::ConfirmBy;
use serde_json::json;

use super::fixture::{Choice, House, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_is_reserved_confirmed_and_in_the_ledger_when_it_is_answered() {
    let house = House::new(Choice::default()).await;
    let held = house.reserve("ann", 1).await;
    let body = held.json();
    assert_eq!(
        (held.status.as_u16(), &body["state"], &body["units"]),
        (201, &json!("held"), &json!([1]))
    );
    assert!(body["expires_at"].is_u64());
    let id = body["id"].as_str().unwrap();
    let read = house.read(id, "ann").await;
    assert_eq!(read.json()["state"], "held");

    let confirmed = house.confirm(id, "ann", "pay-1").await;
    assert_eq!(confirmed.status, 200);
    for answer in [&held, &read, &confirmed] {
        assert_eq!(answer.headers["cache-control"], "no-store", "it is Ann's");
    }
    let order = confirmed.json()["order"].clone();
    let row = house
        .purchase
        .ledger()
        .order(order["id"].as_str().unwrap())
        .await
        .unwrap();
    let row = row.expect("the ledger has it before the answer");
    assert_eq!((row.payment_ref.as_str(), row.units), ("pay-1", vec![1]));
    assert_eq!(order["confirmed_at"], row.confirmed_at);
    assert_eq!(house.counts().await, (4, 0, 1));
    assert_eq!(house.ledger_counts().await, (0, 1));

    let again = house.confirm(id, "ann", "pay-1").await;
    assert_eq!(
        (again.status, again.bytes),
        (confirmed.status, confirmed.bytes)
    );
    assert_eq!(
        house.confirm(id, "ann", "pay-2").await.problem(),
        "other-payment"
    );
    assert_eq!(house.cancel(id, "ann").await.problem(), "confirmed");
    assert_eq!(house.state(id, "ann").await, "confirmed");
    let read = house
        .ask(
            Method::GET,
            &format!("/v1/orders/{}", order["id"].as_str().unwrap()),
            "ann",
            None,
        )
        .await;
    assert_eq!((read.status.as_u16(), &read.json()["order"]), (200, &order));
    assert_eq!(house.reserve("ann", 1).await.problem(), "limit-reached");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_unit_is_sold_once_over_http() {
    let house = std::sync::Arc::new(
        House::new(Choice {
            supplied: 3,
            ..Choice::default()
        })
        .await,
    );
    let mut buyers = tokio::task::JoinSet::new();
    for n in 0..60 {
        let house = std::sync::Arc::clone(&house);
        buyers.spawn(async move {
            let person = format!("p{n}");
            let answer = house.reserve(&person, 1).await;
            if answer.status != 201 {
                return answer.problem();
            }
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            assert_eq!(house.confirm(&id, &person, "pay").await.status, 200);
            "bought".to_owned()
        });
    }
    let mut bought = 0;
    while let Some(outcome) = buyers.join_next().await {
        match outcome.unwrap().as_str() {
            "bought" => bought += 1,
            other => assert_eq!(other, "sold-out"),
        }
    }
    assert_eq!(
        (bought, house.counts().await, house.ledger_counts().await),
        (3, (0, 0, 3), (0, 3))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unpaid_hold_comes_back_by_itself_once() {
    let choice = Choice {
        supplied: 1,
        hold: Duration::from_secs(1),
        ..Choice::default()
    };
    let house = House::new(choice).await;
    let id = house.held("ann").await;
    assert_eq!(house.reserve("bob", 1).await.problem(), "sold-out");
    until("the unit is back", || async {
        house.counts().await == (1, 0, 0)
    })
    .await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.problem(), "expired");
    assert_eq!(house.state(&id, "ann").await, "expired");
    house.held("bob").await;
    assert_eq!(house.counts().await, (0, 1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_hold_comes_back_and_its_person_may_try_again() {
    let house = House::new(Choice::default()).await;
    let id = house.held("ann").await;
    for _ in 0..2 {
        let cancelled = house.cancel(&id, "ann").await;
        assert_eq!(
            (cancelled.status.as_u16(), &cancelled.json()["state"]),
            (200, &json!("cancelled"))
        );
        assert_eq!(house.counts().await, (5, 0, 0));
    }
    assert_eq!(
        house.confirm(&id, "ann", "pay").await.problem(),
        "cancelled"
    );
    house.held("ann").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_learns_of_anothers_reservation() {
    let house = House::new(Choice::default()).await;
    let id = house.held("ann").await;
    for answer in [
        house.read(&id, "eve").await,
        house.cancel(&id, "eve").await,
        house.confirm(&id, "eve", "pay").await,
    ] {
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (404, "not-found")
        );
    }
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    let order = format!("/v1/orders/{}", id.replacen('r', "o", 1));
    assert_eq!(
        house.ask(Method::GET, &order, "eve", None).await.status,
        404
    );
    assert_eq!(
        house.ask(Method::GET, &order, "ann", None).await.status,
        200
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_shop_confirms_a_visitor_cannot() {
    let house = House::new(Choice {
        confirm_by: ConfirmBy::Shop,
        ..Choice::default()
    })
    .await;
    let id = house.held("ann").await;
    assert_eq!(
        house.confirm(&id, "ann", "pay").await.problem(),
        "forbidden"
    );
    let path = format!("/v1/reservations/{id}/confirm");
    let paid = house
        .operator(Method::POST, &path, Some(json!({ "payment_ref": "pay" })))
        .await;
    assert_eq!(paid.status, 200);
    assert_eq!(house.state(&id, "ann").await, "confirmed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_returns_the_unit_and_the_right_to_buy() {
    let house = House::new(Choice {
        supplied: 1,
        ..Choice::default()
    })
    .await;
    let id = house.held("ann").await;
    house.confirm(&id, "ann", "pay").await;
    let order = id.replacen('r', "o", 1);
    for _ in 0..2 {
        let refund = house
            .operator(Method::POST, &format!("/v1/orders/{order}/refund"), None)
            .await;
        assert_eq!(
            (refund.status.as_u16(), &refund.json()["state"]),
            (200, &json!("refunded"))
        );
        assert_eq!(
            (house.counts().await, house.ledger_counts().await),
            ((1, 0, 0), (0, 0))
        );
    }
    assert_eq!(house.state(&id, "ann").await, "refunded");
    let second = house.held("ann").await;
    assert_eq!(
        house.confirm(&second, "ann", "pay").await.status,
        200,
        "the unit is sold again"
    );
    assert!(
        house
            .purchase
            .ledger()
            .dead_letters(&house.sale)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn supply_is_in_the_ledger_before_it_is_answered() {
    let house = House::new(Choice::default()).await;
    let path = format!("/v1/sales/{}/skus/{}", house.sale, house.sku);
    let set = |supplied: u32| {
        house.operator(
            Method::PUT,
            &path,
            Some(json!({ "supplied": supplied, "limit_per_person": 2 })),
        )
    };
    let raised = set(9).await;
    assert_eq!(
        (raised.status.as_u16(), &raised.json()["available"]),
        (200, &json!(9))
    );
    let totals = house.purchase.ledger().totals(&house.sale).await.unwrap();
    assert_eq!((totals[0].supplied, totals[0].limit), (9, 2));
    assert_eq!(house.reserve("ann", 2).await.status, 201);
    let below = set(1).await;
    assert_eq!(
        (below.problem().as_str(), &below.json()["committed"]),
        ("below-committed", &json!(2))
    );
    assert_eq!(house.counts().await, (7, 2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_that_ran_out_still_names_its_person() {
    let house = House::new(Choice::default()).await;
    let id = house.held("ann").await;
    let old = house.pass_of("main", "ann", -60);
    let request = |method: Method, path: String, body: &str| {
        http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", house.visitors))
            .header("x-entry-pass", &old)
            .header("content-type", "application/json")
            .header("idempotency-key", "k")
            .body(body.to_owned().into())
            .unwrap()
    };
    let reserve = json!({ "sku": house.sku, "quantity": 1 }).to_string();
    let refused = house
        .send(request(Method::POST, "/v1/reservations".into(), &reserve))
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem().as_str()),
        (401, "no-pass")
    );
    let confirm = format!("/v1/reservations/{id}/confirm");
    let paid = house
        .send(request(Method::POST, confirm, r#"{"payment_ref":"p"}"#))
        .await;
    assert_eq!(paid.status, 200);
}
