//! The same request twice has the effect of one.

use std::collections::BTreeSet;

use serde_json::json;

use super::fixture::{Choice, House, Place};
use super::server::shared;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_is_answered_byte_for_byte() {
    let house = std::sync::Arc::new(
        House::new(Choice {
            limit: 5,
            ..Choice::default()
        })
        .await,
    );
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..20 {
        let house = std::sync::Arc::clone(&house);
        // Quoted or bare, and with other spaces in the JSON: it is the same request.
        let key = if n % 2 == 0 { "\"k-1\"" } else { "k-1" };
        callers.spawn(async move {
            let body = json!({ "quantity": 1, "sku": house.sku });
            house.reserve_with("ann", key, body).await
        });
    }
    let mut answers = BTreeSet::new();
    while let Some(answer) = callers.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 201);
        answers.insert(answer.bytes.to_vec());
    }
    assert_eq!((answers.len(), house.counts().await), (1, (4, 1, 0)));
    let other = house
        .reserve_with("ann", "k-1", json!({ "sku": house.sku, "quantity": 2 }))
        .await;
    assert_eq!(
        (other.status.as_u16(), other.problem().as_str()),
        (422, "key-reused")
    );
    let bob = house
        .reserve_with("bob", "k-1", json!({ "sku": house.sku, "quantity": 1 }))
        .await;
    assert_eq!(bob.status, 201, "a key belongs to its person");
    assert!(!answers.contains(&bob.bytes.to_vec()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_remembered_by_another_service_and_after_the_hold_ended() {
    let place = Place::at(shared());
    let first = place.open(&Choice::default()).await;
    let body = json!({ "sku": first.sku, "quantity": 1 });
    let answer = first.reserve_with("ann", "k", body.clone()).await;
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    first.stop().await;
    let second = place.open(&Choice::default()).await;
    assert_eq!(
        second.reserve_with("ann", "k", body.clone()).await.bytes,
        answer.bytes
    );
    second.cancel(&id, "ann").await;
    assert_eq!(
        second.reserve_with("ann", "k", body).await.bytes,
        answer.bytes
    );
    assert_eq!(second.counts().await, (5, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_decided_anew() {
    let house = House::new(Choice {
        supplied: 1,
        ..Choice::default()
    })
    .await;
    let id = house.held("ann").await;
    let body = json!({ "sku": house.sku, "quantity": 1 });
    let refused = house.reserve_with("bob", "k", body.clone()).await;
    assert_eq!(
        (refused.problem().as_str(), &refused.json()["held"]),
        ("sold-out", &json!(1))
    );
    house.cancel(&id, "ann").await;
    assert_eq!(house.reserve_with("bob", "k", body).await.status, 201);
}
