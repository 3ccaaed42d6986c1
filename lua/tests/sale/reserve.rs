//! Reserving.

use std::collections::BTreeSet;

use lua::sale::Reserved;

use super::fixture::{Shop, id_and_units, person};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_unit_is_sold_once() {
    let shop = std::sync::Arc::new(Shop::with(5, 1).await);
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..200 {
        let shop = std::sync::Arc::clone(&shop);
        callers.spawn(async move { shop.reserve(&person(n), 1).await });
    }
    let (mut units, mut sold_out) = (BTreeSet::new(), 0);
    while let Some(answer) = callers.join_next().await {
        match answer.unwrap() {
            Reserved::New(answer) => assert!(units.insert(id_and_units(&answer).1[0])),
            Reserved::SoldOut { held: 5 } => sold_out += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((units, sold_out), (BTreeSet::from([1, 2, 3, 4, 5]), 195));
    shop.expect(0, 5, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_is_never_over_the_limit() {
    let shop = std::sync::Arc::new(Shop::with(100, 2).await);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let shop = std::sync::Arc::clone(&shop);
        callers.spawn(async move { shop.reserve(&person("same"), 1).await });
    }
    let mut new = 0;
    while let Some(answer) = callers.join_next().await {
        match answer.unwrap() {
            Reserved::New(_) => new += 1,
            Reserved::LimitReached { limit: 2, taken: 2 } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(new, 2);
    shop.expect(98, 2, 0).await;
}

#[tokio::test]
async fn all_or_nothing_and_the_refusal_says_what_is_left() {
    let shop = Shop::with(5, 4).await;
    shop.held(&person(1), 3).await;
    assert_eq!(
        shop.reserve(&person(2), 3).await,
        Reserved::NotEnough { available: 2 }
    );
    shop.expect(2, 3, 0).await;
    assert_eq!(
        shop.reserve(&person(1), 2).await,
        Reserved::LimitReached { limit: 4, taken: 3 },
        "the limit counts what the person has already"
    );
    shop.held(&person(2), 2).await;
    assert_eq!(
        shop.reserve(&person(3), 1).await,
        Reserved::SoldOut { held: 5 }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_is_one_reservation_and_one_answer() {
    let shop = std::sync::Arc::new(Shop::with(9, 9).await);
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..30 {
        let shop = std::sync::Arc::clone(&shop);
        callers.spawn(async move {
            shop.reserve_as(&person(1), 1, &format!("r.{n}"), "key", "body")
                .await
        });
    }
    let (mut new, mut answers) = (0, BTreeSet::new());
    while let Some(answer) = callers.join_next().await {
        match answer.unwrap() {
            Reserved::New(answer) => {
                new += 1;
                answers.insert(answer);
            }
            Reserved::Again(answer) => {
                answers.insert(answer);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((new, answers.len()), (1, 1));
    shop.expect(8, 1, 0).await;
    let other_body = shop.reserve_as(&person(1), 2, "r.x", "key", "other").await;
    assert_eq!(other_body, Reserved::KeyReused);
    let other_person = shop.reserve_as(&person(2), 1, "r.y", "key", "body").await;
    assert!(
        matches!(other_person, Reserved::New(_)),
        "a key belongs to its person"
    );
}

#[tokio::test]
async fn the_key_of_a_hold_that_was_lost_is_decided_anew() {
    let shop = Shop::with(2, 1).await;
    let first = shop.reserve_as(&person(1), 1, "r.1", "key", "body").await;
    let keys = shop.sale.keys().clone();
    // As a rebuild from a ledger that never heard of it leaves the store.
    shop.redis(&["HDEL", &keys.reservations, "r.1"]).await;
    shop.redis(&["HDEL", &keys.slots, "unit p1"]).await;
    shop.redis(&["ZREM", &keys.deadlines, "r.1"]).await;
    let again = shop.reserve_as(&person(1), 1, "r.2", "key", "body").await;
    assert!(
        matches!(again, Reserved::New(_)) && again != first,
        "{again:?}"
    );
    let Reserved::New(answer) = again else {
        panic!()
    };
    assert_eq!(
        shop.reserve_as(&person(1), 1, "r.3", "key", "body").await,
        Reserved::Again(answer)
    );
}

#[tokio::test]
async fn a_refusal_is_decided_anew_with_the_same_key() {
    let shop = Shop::with(1, 1).await;
    let (id, _) = shop.held(&person(1), 1).await;
    let refused = shop.reserve_as(&person(2), 1, "r.2", "key", "body").await;
    assert_eq!(refused, Reserved::SoldOut { held: 1 });
    shop.cancel(&id, &person(1)).await;
    let again = shop.reserve_as(&person(2), 1, "r.2", "key", "body").await;
    assert!(matches!(again, Reserved::New(_)));
}

#[tokio::test]
async fn units_that_came_back_are_allotted_first_and_never_twice() {
    let shop = Shop::with(12, 12).await;
    let (first, units) = shop.held(&person(1), 10).await;
    assert_eq!(units, (1..=10).collect::<Vec<_>>());
    shop.cancel(&first, &person(1)).await;
    assert_eq!(shop.held(&person(2), 3).await.1, [1, 2, 3]);
    assert_eq!(
        shop.held(&person(3), 9).await.1,
        (4..=12).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn an_unknown_sku_is_no_empty_one() {
    let shop = Shop::with(1, 1).await;
    let other = "other".parse().unwrap();
    let what = lua::sale::Reserve {
        id: "r",
        person: &person(1),
        sku: &other,
        quantity: 1,
        hold: super::fixture::HOLD,
        key: "k",
        body: "b",
        key_ttl: super::fixture::KEEP,
    };
    assert_eq!(
        shop.sale.reserve(&what).await.unwrap(),
        Reserved::UnknownSku
    );
}
