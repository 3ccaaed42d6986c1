//! The same request twice has the effect of one.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::json;

use super::{
    fixture::{Choice, House, Place, until},
    server::shared,
};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_forgotten_in_time_and_not_before() {
    let choice = Choice {
        limit: 2,
        hold: Duration::from_secs(1),
        key_kept: Duration::from_secs(4),
        ..Choice::default()
    };
    let house = House::new(choice).await;
    let body = json!({ "sku": house.sku, "quantity": 1 });
    let first = house.reserve_with("ann", "k", body.clone()).await;
    let mut redis = house.purchase.store().fast();
    let desk = house.purchase.desks().next().unwrap();
    let key = desk.stock.keys().idempotency(&"ann".parse().unwrap(), "k");
    let ttl: u64 = redis::cmd("PTTL")
        .arg(&key)
        .query_async(&mut redis)
        .await
        .unwrap();
    assert!((1_000..=4_000).contains(&ttl), "{ttl}");
    until("the hold is over", || async {
        house.counts().await == (5, 0, 0)
    })
    .await;
    let again = house.reserve_with("ann", "k", body.clone()).await;
    assert_eq!(again.bytes, first.bytes);
    until("the key is forgotten", || async {
        let mut redis = house.purchase.store().fast();
        !redis::cmd("EXISTS")
            .arg(&key)
            .query_async::<bool>(&mut redis)
            .await
            .unwrap()
    })
    .await;
    let new = house.reserve_with("ann", "k", body).await;
    assert_eq!(new.status, 201);
    assert_ne!(new.json()["id"], first.json()["id"], "a new attempt");
}

/// There is no moment in which a key is in flight: of many at once one reserves, the rest come after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_bodies_with_one_key_at_once_one_is_taken_and_the_other_refused() {
    for round in 0..5 {
        let house = House::new(Choice {
            limit: 5,
            ..Choice::default()
        });
        let house = Arc::new(house.await);
        let mut callers = tokio::task::JoinSet::new();
        for n in 0..16u32 {
            let house = Arc::clone(&house);
            callers.spawn(async move {
                let quantity = n % 2 + 1;
                let body = json!({ "sku": house.sku, "quantity": quantity });
                (quantity, house.reserve_with("ann", "k", body).await)
            });
        }
        let (mut taken, mut refused) = (BTreeSet::new(), BTreeSet::new());
        while let Some(answer) = callers.join_next().await {
            let (quantity, answer) = answer.unwrap();
            match answer.status.as_u16() {
                201 => drop(taken.insert((quantity, answer.bytes.to_vec()))),
                422 => drop(refused.insert(quantity)),
                other => panic!("{round}: {other}"),
            }
        }
        assert_eq!(
            (taken.len(), refused.len()),
            (1, 1),
            "{round}: one answer, one refused body"
        );
        let quantity = u64::from(taken.first().unwrap().0);
        assert_eq!(house.counts().await, (5 - quantity, quantity, 0), "{round}");
    }
}
