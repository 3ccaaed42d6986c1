//! The fence and the open clock.

use std::{sync::atomic::Ordering, time::Duration};

use lua::sale::{Confirmed, EventKind, Fence, Reopened, Reserved, SaleError, Shut, Swept};

use super::{
    fixture::{ALMOST, HOLD, KEEP, Shop, person, sku},
    server::Server,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_moves_after_a_restart_until_the_sale_is_reopened() {
    let mut server = Server::start();
    let shop = Shop::at(&server.url()).await;
    shop.seed(5, 1).await;
    let (id, _) = shop.held(&person(1), 1).await;
    server.kill_9();
    assert!(
        matches!(shop.sale.look(&id).await, Err(SaleError::Script(_))),
        "away is away"
    );
    server.start_again();
    // The first call may still find the connection of before.
    let mut looked = shop.sale.look(&id).await;
    while matches!(looked, Err(SaleError::Script(_))) {
        tokio::task::yield_now().await;
        looked = shop.sale.look(&id).await;
    }
    assert!(matches!(looked, Err(SaleError::Restarted)));
    let confirm = shop.sale.confirm(&id, None, "pay").await;
    assert!(matches!(confirm, Err(SaleError::Restarted)));
    assert!(matches!(
        shop.sale.sweep(100, KEEP).await,
        Err(SaleError::Restarted)
    ));
    let counts = shop.sale.counts().await.unwrap();
    assert!(
        !counts.open && counts.skus[0].held == 1,
        "the last figures, and that it is shut"
    );

    let Fence::Shut(before) = shop.sale.fence().await.unwrap() else {
        panic!()
    };
    assert_eq!(before.broken, None);
    for other in [
        Shut {
            run_id: "another".to_owned(),
            ..before.clone()
        },
        Shut {
            broken: Some("since then".to_owned()),
            ..before.clone()
        },
    ] {
        assert_eq!(shop.sale.reopen(&other).await.unwrap(), Reopened::Changed);
    }
    shop.time.fetch_add(60_000, Ordering::Relaxed);
    assert_eq!(
        shop.sale.reopen(&before).await.unwrap(),
        Reopened::Now(60_000)
    );
    assert_eq!(shop.sale.reopen(&before).await.unwrap(), Reopened::Already);
    assert_eq!(shop.sale.fence().await.unwrap(), Fence::Open);
    // The time closed does not count against the hold.
    assert_eq!(shop.pass(ALMOST).await, 0);
    assert!(matches!(
        shop.confirm(&id, &person(1)).await,
        Confirmed::Sold(_)
    ));
}

#[tokio::test]
async fn nobody_expires_by_a_jump_of_the_clock() {
    let shop = Shop::with(2, 1).await;
    let (id, _) = shop.held(&person(1), 1).await;
    for jump in [3_600_000_i64, -7_200_000] {
        shop.time.fetch_add(jump as u64, Ordering::Relaxed);
        let looked = shop.sale.look(&id).await.unwrap().unwrap();
        assert!(!looked.over, "before a sweeper saw the jump");
        assert_eq!(
            shop.sale.sweep(100, KEEP).await.unwrap(),
            Swept::ReAnchored(jump)
        );
    }
    assert_eq!(shop.pass(ALMOST).await, 0);
    assert_eq!(shop.pass(Duration::from_millis(1)).await, 1);
}

#[tokio::test]
async fn time_stands_still_while_nobody_sweeps() {
    let shop = Shop::with(2, 1).await;
    let (id, _) = shop.held(&person(1), 1).await;
    shop.time
        .fetch_add(HOLD.as_millis() as u64 * 2, Ordering::Relaxed);
    assert!(matches!(
        shop.confirm(&id, &person(1)).await,
        Confirmed::Sold(_)
    ));
}

#[tokio::test]
async fn a_sale_that_lost_any_of_its_keys_is_closed_and_never_starts_with_n() {
    for (at, name) in WHOLE.iter().enumerate() {
        let shop = Shop::with(5, 1).await;
        let (id, _) = shop.held(&person(1), 1).await;
        shop.redis(&["DEL", shop.sale.keys().whole()[at]]).await;
        assert!(shut_for_everybody(&shop, &id).await, "{name}");
        let seed = lua::sale::SetSupply {
            sku: &sku(),
            supplied: 5,
            limit: 1,
            seed: true,
        };
        let seeded = shop.sale.supply(&seed).await;
        assert!(
            matches!(seeded, Err(SaleError::Closed)),
            "{name}: {seeded:?}"
        );
        let Fence::Missing { keys, all: false } = shop.sale.fence().await.unwrap() else {
            panic!("{name}")
        };
        assert_eq!(keys, [*name]);
        let left = shop.redis(&["EXISTS", shop.sale.keys().whole()[at]]).await;
        assert_eq!(left, redis::Value::Int(0), "{name}: made anew by a look");
    }
}

#[tokio::test]
async fn a_key_of_another_type_is_a_lost_key() {
    for (at, name) in WHOLE.iter().enumerate() {
        let shop = Shop::with(5, 1).await;
        shop.redis(&["SET", shop.sale.keys().whole()[at], "foreign"])
            .await;
        let Fence::Missing { keys, all: false } = shop.sale.fence().await.unwrap() else {
            panic!("{name}")
        };
        assert_eq!(keys, [*name]);
        assert_eq!(
            shop.sale.mark_broken("a part was lost").await.unwrap(),
            *name != "state"
        );
    }
}

#[tokio::test]
async fn an_empty_sale_is_no_lost_sale() {
    let shop = Shop::with(1, 1).await;
    for _ in 0..2 {
        let (id, _) = shop.held(&person(1), 1).await;
        assert_eq!(shop.sale.fence().await.unwrap(), Fence::Open);
        shop.cancel(&id, &person(1)).await;
        let keep = Duration::from_secs(3);
        shop.time.fetch_add(3_000, Ordering::Relaxed);
        shop.sale.sweep(100, keep).await.unwrap();
        assert_eq!(shop.sale.look(&id).await.unwrap(), None, "forgotten");
        assert_eq!(shop.sale.fence().await.unwrap(), Fence::Open);
    }
}

#[tokio::test]
async fn what_cannot_be_closes_the_sale_for_everybody_and_names_the_reason() {
    for case in 0..7 {
        let shop = Shop::with(5, 1).await;
        let (id, _) = shop.held(&person(1), 1).await;
        let (other, _) = shop.held(&person(2), 1).await;
        let keys = shop.sale.keys().clone();
        let told = match case {
            0 => {
                shop.redis(&["HDEL", &keys.reservations, &id]).await;
                shop.due().await;
                "a deadline without a record"
            }
            1 => {
                shop.redis(&["HSET", &keys.reservations, &id, "held by nobody"])
                    .await;
                let _ = shop.sale.look(&id).await;
                "a record of another shape"
            }
            2 => {
                shop.redis(&["HSET", &keys.stock, "unit:held", "0"]).await;
                let _ = shop.sale.confirm(&id, None, "pay").await;
                "do not hold"
            }
            3 => {
                shop.redis(&["HSET", &keys.stock, "unit:available", "five"])
                    .await;
                let _ = shop.sale.cancel(&id, None).await;
                "cannot give back"
            }
            4 => {
                let Confirmed::Sold(_) = shop.confirm(&id, &person(1)).await else {
                    panic!()
                };
                shop.redis(&["ZADD", &keys.deadlines, "1", &id]).await;
                shop.due().await;
                "a deadline of what is not held"
            }
            5 => {
                shop.confirm(&id, &person(1)).await;
                shop.redis(&["ZADD", &keys.ended, "1", &id]).await;
                let _ = shop.sale.sweep(100, KEEP).await;
                "ended and yet sold"
            }
            _ => {
                shop.redis(&["HSET", &keys.stock, "unit:minted", "many"])
                    .await;
                let what = lua::sale::Reserve {
                    id: "r.new",
                    person: &person(3),
                    sku: &sku(),
                    quantity: 1,
                    hold: HOLD,
                    key: "new",
                    body: "b",
                    key_ttl: KEEP,
                };
                let _ = shop.sale.reserve(&what).await;
                "are no numbers"
            }
        };
        let Fence::Shut(shut) = shop.sale.fence().await.unwrap() else {
            panic!("{told}: not marked")
        };
        let reason = shut.broken.unwrap_or_default();
        assert!(reason.contains(told), "{told}: {reason}");
        assert!(shut_for_everybody(&shop, &other).await, "{told}");
    }
}

#[tokio::test]
async fn a_mark_is_taken_away_by_who_repaired_what_it_names() {
    let shop = Shop::with(5, 1).await;
    let (id, _) = shop.held(&person(1), 1).await;
    assert!(shop.sale.mark_broken("one").await.unwrap());
    let Fence::Shut(one) = shop.sale.fence().await.unwrap() else {
        panic!()
    };
    shop.sale.mark_broken("two").await.unwrap();
    assert_eq!(shop.sale.reopen(&one).await.unwrap(), Reopened::Changed);
    let Fence::Shut(two) = shop.sale.fence().await.unwrap() else {
        panic!()
    };
    assert_eq!(two.broken.as_deref(), Some("two"));
    assert!(matches!(
        shop.sale.reopen(&two).await.unwrap(),
        Reopened::Now(0)
    ));
    assert!(shop.sale.look(&id).await.unwrap().is_some());
    let nobody = Shop::empty().await;
    assert!(!nobody.sale.mark_broken("one").await.unwrap());
    assert!(matches!(
        nobody.sale.fence().await.unwrap(),
        Fence::Missing { all: true, .. }
    ));
}

#[tokio::test]
async fn what_was_closed_is_the_sum_of_what_the_events_say() {
    let shop = Shop::with(5, 5).await;
    shop.held(&person(1), 1).await;
    shop.time.fetch_add(3_600_000, Ordering::Relaxed);
    // Before any sweeper saw the jump.
    let Reserved::New(answer) = shop.reserve(&person(2), 1).await else {
        panic!()
    };
    shop.time.fetch_add(60_000, Ordering::Relaxed);
    shop.sale.sweep(100, KEEP).await.unwrap();
    let expires_at = serde_json::from_str::<serde_json::Value>(&answer).unwrap()["expires_at"]
        .as_u64()
        .unwrap();
    let asked_at = super::fixture::START + 3_600_000;
    assert_eq!(expires_at, asked_at + HOLD.as_millis() as u64);
    let closed: Vec<i64> = shop
        .events()
        .await
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::Reopened { closed_ms } => Some(closed_ms),
            _ => None,
        })
        .collect();
    assert_eq!(closed, [3_600_000, 60_000]);
    let booked = shop
        .redis(&["HGET", &shop.sale.keys().state, "closed_ms"])
        .await;
    let booked: i64 = redis::from_redis_value(booked).unwrap();
    assert_eq!(booked, closed.iter().sum::<i64>());
}

const WHOLE: [&str; 8] = [
    "state",
    "stock",
    "free",
    "slots",
    "reservations",
    "deadlines",
    "ended",
    "events",
];

/// Whether every script answers `closed`.
async fn shut_for_everybody(shop: &Shop, id: &str) -> bool {
    let (two, sku) = (person(2), sku());
    let what = lua::sale::Reserve {
        id: "r.2",
        person: &two,
        sku: &sku,
        quantity: 1,
        hold: HOLD,
        key: "k",
        body: "b",
        key_ttl: KEEP,
    };
    let closed = |result: Result<(), SaleError>| matches!(result, Err(SaleError::Closed));
    closed(shop.sale.reserve(&what).await.map(drop))
        && closed(shop.sale.confirm(id, None, "pay").await.map(drop))
        && closed(shop.sale.cancel(id, None).await.map(drop))
        && closed(shop.sale.refund(id).await.map(drop))
        && closed(shop.sale.look(id).await.map(drop))
        && closed(shop.sale.sweep(100, KEEP).await.map(drop))
        && !shop.sale.counts().await.unwrap().open
}
