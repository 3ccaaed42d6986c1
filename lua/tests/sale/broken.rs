//! A sale that lost a part of itself, or cannot be as it is.

use std::{sync::atomic::Ordering, time::Duration};

use lua::sale::{Confirmed, Fence, Reopened, SaleError};

use super::fixture::{HOLD, KEEP, Shop, lead, person, sku};

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
    for case in 0..8 {
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
                let (figure, value) = match case {
                    6 => ("unit:minted", "many"),
                    _ => ("unit:available", "99"),
                };
                shop.redis(&["HSET", &keys.stock, figure, value]).await;
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
                match case {
                    6 => "are no numbers",
                    _ => "do not add up",
                }
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
    assert_eq!(
        shop.sale
            .reopen(&one, &lead(&shop.sale).await)
            .await
            .unwrap(),
        Reopened::Changed
    );
    let Fence::Shut(two) = shop.sale.fence().await.unwrap() else {
        panic!()
    };
    assert_eq!(two.broken.as_deref(), Some("two"));
    assert!(matches!(
        shop.sale
            .reopen(&two, &lead(&shop.sale).await)
            .await
            .unwrap(),
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
