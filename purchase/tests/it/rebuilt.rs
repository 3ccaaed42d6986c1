//! What is the same after a restart of the stock store, and after its loss.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;

use super::{
    fixture::{Answer, Choice, House, Place, until},
    server::Server,
};

/// Reserving with a key while the store may be on its way back.
async fn once_open(house: &House, person: &str, key: &str) -> Answer {
    let body = json!({ "sku": house.sku, "quantity": 1 });
    until("the sale is open again", || async {
        let answer = house.reserve_with(person, key, body.clone()).await;
        answer.status != 503
    })
    .await;
    house.reserve_with(person, key, body.clone()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_outlives_a_restart_and_the_loss_of_the_store() {
    let mut redis = Server::start();
    let house = Place::at(&redis.url()).open(&Choice::default()).await;
    let held = once_open(&house, "ann", "k").await;
    let ended = once_open(&house, "bob", "k").await;
    assert_eq!(
        (held.status, ended.status),
        (StatusCode::CREATED, StatusCode::CREATED)
    );
    let id = ended.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(house.cancel(&id, "bob").await.status, 200);
    for wiped in [false, true] {
        if wiped {
            until("all is recorded", || async {
                let row = house.purchase.ledger().hold(&id).await;
                row.is_ok_and(|row| row.is_some_and(|row| row.state == "cancelled"))
            })
            .await;
        }
        redis.kill_9();
        if wiped {
            redis.wipe();
        }
        redis.start_again();
        for (person, first) in [("ann", &held), ("bob", &ended)] {
            let again = once_open(&house, person, "k").await;
            assert_eq!(
                (again.status, &again.bytes),
                (first.status, &first.bytes),
                "{person}, wiped: {wiped}"
            );
        }
        let other = json!({ "sku": house.sku, "quantity": 2 });
        assert_eq!(house.reserve_with("ann", "k", other).await.status, 422);
        assert_eq!(house.counts().await, (4, 1, 0), "wiped: {wiped}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_of_a_rebuilt_sale_still_ends_and_comes_back_once() {
    let mut redis = Server::start();
    let choice = Choice {
        supplied: 2,
        hold: Duration::from_secs(3),
        ..Choice::default()
    };
    let house = Place::at(&redis.url()).open(&choice).await;
    let sold = house.held("bob").await;
    assert_eq!(house.confirm(&sold, "bob", "pay").await.status, 200);
    let id = house.held("ann").await;
    until("the hold is recorded", || async {
        house.ledger_counts().await == (1, 1)
    })
    .await;
    redis.kill_9();
    redis.wipe();
    redis.start_again();
    until("the unit is back", || async {
        let path = format!("/v1/sales/{}", house.sale);
        let sale = house.operator(Method::GET, &path, None).await;
        sale.status == 200 && sale.json()["skus"][&house.sku]["available"] == 1
    })
    .await;
    assert_eq!(house.state(&id, "ann").await, "expired");
    let again = house.reserve("ann", 1).await;
    assert_eq!(again.json()["units"], json!([2]));
    assert_eq!(house.reserve("cid", 1).await.problem(), "sold-out");
    assert_eq!(house.counts().await, (0, 1, 1));
}
