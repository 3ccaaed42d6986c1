//! The limit per person: never more at once, and never less than what one may have again.

use std::{sync::Arc, time::Duration};

use http::Method;
use purchase::{clock::Clock, config::SkuConfig};
use serde_json::json;

use super::{
    fixture::{Choice, House, Place, until},
    server::shared,
};

/// Ann has two and may have two; one of them ends by `way`. Then she may have one, and not two.
async fn one_comes_back(house: &House, one: &str, way: &str) {
    let refused = house.reserve("ann", 1).await;
    assert_eq!(
        (refused.problem().as_str(), &refused.json()["taken"]),
        ("limit-reached", &json!(2)),
        "{way}"
    );
    match way {
        "cancel" => assert_eq!(house.cancel(one, "ann").await.status, 200),
        "refund" => assert_eq!(house.refund(one).await.status, 200),
        _ => {
            // Over is one thing, given back another: that takes a sweep.
            until("it is given back", || async { house.counts().await.1 == 0 }).await;
            assert_eq!(house.state(one, "ann").await, "expired");
        }
    }
    let refused = house.reserve("ann", 2).await;
    assert_eq!(
        (
            refused.problem().as_str(),
            &refused.json()["limit"],
            &refused.json()["taken"]
        ),
        ("limit-reached", &json!(2), &json!(1)),
        "{way}: what is still there counts"
    );
    assert_eq!(house.reserve("ann", 1).await.status, 201, "{way}");
    assert_eq!(
        house.reserve("ann", 1).await.problem(),
        "limit-reached",
        "{way}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_back_may_be_had_again_and_what_did_not_may_not() {
    for way in ["cancel", "expiry", "refund"] {
        let choice = Choice {
            limit: 2,
            hold: Duration::from_secs(if way == "expiry" { 4 } else { 600 }),
            ..Choice::default()
        };
        let house = House::new(choice).await;
        let (one, other) = (house.held("ann").await, house.held("ann").await);
        assert_eq!(house.confirm(&other, "ann", "pay").await.status, 200);
        if way == "refund" {
            assert_eq!(house.confirm(&one, "ann", "pay").await.status, 200);
        }
        one_comes_back(&house, &one, way).await;
        until("the other stays sold", || async {
            house.state(&other, "ann").await == "confirmed"
        })
        .await;
        house.held("bob").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_the_skus_own_or_the_sales_and_an_operator_may_change_it() {
    let place = Place::at(shared());
    let mut config = place.config(&Choice {
        supplied: 9,
        limit: 2,
        ..Choice::default()
    });
    let own = format!("{}-own", place.sku());
    let sale = config.sales.get_mut(&place.sale).unwrap();
    let sku = SkuConfig {
        supplied: 9,
        limit_per_person: Some(4),
    };
    sale.skus.insert(own.parse().unwrap(), sku);
    let house = place.start_as(config).await;
    house.until_open().await;
    let ask = |sku: &str, quantity: u32, key: &str| {
        let body = json!({ "sku": sku, "quantity": quantity });
        let key = key.to_owned();
        let house = &house;
        async move { house.reserve_with("ann", &key, body).await }
    };
    assert_eq!(ask(&house.sku, 3, "a").await.problem(), "limit-reached");
    assert_eq!(ask(&own, 5, "b").await.problem(), "limit-reached");
    assert_eq!(ask(&own, 4, "c").await.status, 201);
    assert_eq!(
        ask(&house.sku, 2, "d").await.status,
        201,
        "each sku has its own"
    );
    let path = format!("/v1/sales/{}/skus/{}", house.sale, house.sku);
    for (limit, status) in [(1, 409), (2, 409), (3, 201)] {
        let body = json!({ "supplied": 9, "limit_per_person": limit });
        assert_eq!(
            house.operator(Method::PUT, &path, Some(body)).await.status,
            200
        );
        let more = ask(&house.sku, 1, &format!("e{limit}")).await;
        assert_eq!(more.status, status, "{limit}: {:?}", more.bytes);
    }
}

/// Around the end of a hold, its confirm and the next reservation race: one of them wins, and then
/// the other does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_has_more_than_the_limit_while_confirm_and_expiry_race() {
    const PERSONS: u64 = 12;
    let choice = Choice {
        supplied: 100,
        hold: Duration::from_secs(1),
        ..Choice::default()
    };
    let house = Arc::new(House::new(choice).await);
    let mut persons = tokio::task::JoinSet::new();
    for n in 0..PERSONS {
        let house = Arc::clone(&house);
        persons.spawn(async move { race(&house, &format!("p{n}"), n * 4).await });
    }
    let mut sold = 0;
    while let Some(confirmed) = persons.join_next().await {
        sold += u64::from(confirmed.unwrap());
    }
    until("all holds are over", || async {
        house.counts().await == (100 - sold, 0, sold)
    })
    .await;
    assert_eq!(house.ledger_counts().await.1, sold);
}

/// Confirms some 20 ms before the end of the hold to as many after it, while reserving again and again.
/// Whether the confirm came in time.
async fn race(house: &House, person: &str, after: u64) -> bool {
    let first = house.reserve(person, 1).await.json();
    let (id, ends) = (
        first["id"].as_str().unwrap(),
        first["expires_at"].as_u64().unwrap(),
    );
    assert!(ends < Clock::System.now_ms() + 5_000, "a hold of a second");
    let begin = ends - 24 + after;
    while Clock::System.now_ms() < begin {
        let refused = house.reserve(person, 1).await;
        // The last one before the end may come after it.
        if refused.status == 201 {
            assert_eq!(house.confirm(id, person, "pay").await.problem(), "expired");
            return false;
        }
        assert_eq!(refused.problem(), "limit-reached");
    }
    let (confirmed, second) =
        tokio::join!(house.confirm(id, person, "pay"), house.reserve(person, 1));
    if confirmed.status == 200 {
        assert_eq!(second.problem(), "limit-reached", "{person} would have two");
        assert_eq!(house.reserve(person, 1).await.problem(), "limit-reached");
        return true;
    }
    assert_eq!(confirmed.problem(), "expired");
    if second.status != 201 {
        until("the slot is free", || async {
            house.reserve(person, 1).await.status == 201
        })
        .await;
    }
    assert_eq!(house.confirm(id, person, "pay").await.problem(), "expired");
    false
}
