//! What becomes of a hold.

use std::{sync::Arc, time::Duration};

use lua::sale::{Cancelled, Confirmed, Refunded, Reserved, State, Swept};

use super::fixture::{ALMOST, HOLD, Shop, person};

#[tokio::test]
async fn a_hold_becomes_a_sale_once() {
    let shop = Shop::with(3, 1).await;
    let (id, _) = shop.held(&person(1), 1).await;
    let Confirmed::Sold(first) = shop.confirm(&id, &person(1)).await else {
        panic!()
    };
    let Confirmed::Sold(again) = shop.confirm(&id, &person(1)).await else {
        panic!()
    };
    assert_eq!((first.state, &first), (State::Sold, &again));
    let other = shop
        .sale
        .confirm(&id, Some(&person(1)), "other")
        .await
        .unwrap();
    assert_eq!(other, Confirmed::OtherPayment);
    assert_eq!(shop.cancel(&id, &person(1)).await, Cancelled::Confirmed);
    shop.expect(2, 0, 1).await;
}

#[tokio::test]
async fn nobody_touches_anothers_reservation_but_the_shop_does() {
    let shop = Shop::with(3, 1).await;
    let (id, _) = shop.held(&person(1), 1).await;
    assert_eq!(shop.confirm(&id, &person(2)).await, Confirmed::NotFound);
    assert_eq!(shop.cancel(&id, &person(2)).await, Cancelled::NotFound);
    assert!(matches!(
        shop.sale.confirm(&id, None, "pay").await.unwrap(),
        Confirmed::Sold(_)
    ));
}

#[tokio::test]
async fn a_cancelled_hold_comes_back_once() {
    let shop = Shop::with(3, 1).await;
    let (id, _) = shop.held(&person(1), 1).await;
    for _ in 0..2 {
        assert!(matches!(
            shop.cancel(&id, &person(1)).await,
            Cancelled::Done(_)
        ));
        shop.expect(3, 0, 0).await;
    }
    assert_eq!(shop.confirm(&id, &person(1)).await, Confirmed::Cancelled);
    assert!(
        matches!(shop.reserve(&person(1), 1).await, Reserved::New(_)),
        "the slot is free"
    );
}

#[tokio::test]
async fn an_expired_hold_comes_back_once_and_never_before_its_time() {
    let shop = Shop::with(3, 1).await;
    let (id, _) = shop.held(&person(1), 1).await;
    assert_eq!(shop.pass(ALMOST).await, 0);
    assert_eq!(shop.pass(Duration::from_millis(1)).await, 1);
    assert_eq!(shop.pass(HOLD).await, 0);
    shop.expect(3, 0, 0).await;
    assert_eq!(shop.confirm(&id, &person(1)).await, Confirmed::Expired);
    assert_eq!(shop.cancel(&id, &person(1)).await, Cancelled::Expired);
    shop.held(&person(1), 1).await;
}

#[tokio::test]
async fn a_late_confirm_is_late_though_no_sweeper_came_by() {
    let shop = Shop::with(1, 1).await;
    let (id, _) = shop.held(&person(1), 1).await;
    shop.pass(ALMOST).await;
    shop.time.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(shop.confirm(&id, &person(1)).await, Confirmed::Expired);
    let looked = shop.sale.look(&id).await.unwrap().unwrap();
    assert_eq!((looked.reservation.state, looked.over), (State::Held, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn confirm_cancel_and_expiry_at_once_have_one_winner() {
    let shop = Arc::new(Shop::with(40, 1).await);
    let mut holds = Vec::new();
    for n in 0..40 {
        holds.push((shop.held(&person(n), 1).await.0, person(n)));
    }
    shop.pass(ALMOST).await;
    let mut callers = tokio::task::JoinSet::new();
    for (n, (id, who)) in holds.iter().cloned().enumerate() {
        let (a, id2, who2) = (Arc::clone(&shop), id.clone(), who.clone());
        callers.spawn(async move { matches!(a.confirm(&id, &who).await, Confirmed::Sold(_)) });
        let b = Arc::clone(&shop);
        callers.spawn(async move {
            b.cancel(&id2, &who2).await;
            false
        });
        if n == 20 {
            shop.time.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        let c = Arc::clone(&shop);
        callers.spawn(async move { c.sale.sweep(100, HOLD).await.is_err() });
    }
    let mut sold = 0;
    while let Some(confirmed) = callers.join_next().await {
        sold += u64::from(confirmed.unwrap());
    }
    shop.pass(HOLD).await;
    shop.expect(40 - sold, 0, sold).await;
    for (id, _) in holds {
        let state = shop
            .sale
            .look(&id)
            .await
            .unwrap()
            .unwrap()
            .reservation
            .state;
        assert_ne!(state, State::Held);
    }
}

#[tokio::test]
async fn a_refund_returns_units_and_slot_once() {
    let shop = Shop::with(1, 1).await;
    let (id, units) = shop.held(&person(1), 1).await;
    assert_eq!(shop.sale.refund(&id).await.unwrap(), Refunded::NotSold);
    shop.confirm(&id, &person(1)).await;
    for _ in 0..2 {
        assert!(matches!(
            shop.sale.refund(&id).await.unwrap(),
            Refunded::Done(_)
        ));
        shop.expect(1, 0, 0).await;
    }
    assert_eq!(
        shop.sale.refund("r.none").await.unwrap(),
        Refunded::NotFound
    );
    assert_eq!(shop.confirm(&id, &person(1)).await, Confirmed::Refunded);
    assert_eq!(shop.held(&person(1), 1).await.1, units);
}

#[tokio::test]
async fn an_ended_record_is_forgotten_in_time_and_a_sale_never() {
    let shop = Shop::with(3, 1).await;
    let (gone, _) = shop.held(&person(1), 1).await;
    let (sold, _) = shop.held(&person(2), 1).await;
    shop.cancel(&gone, &person(1)).await;
    shop.confirm(&sold, &person(2)).await;
    let keep = Duration::from_secs(3);
    shop.time
        .fetch_add(3_000, std::sync::atomic::Ordering::Relaxed);
    shop.sale.sweep(100, keep).await.unwrap();
    assert_eq!(shop.sale.look(&gone).await.unwrap(), None);
    assert!(shop.sale.look(&sold).await.unwrap().is_some());
}

#[tokio::test]
async fn one_step_of_the_sweeper_does_no_more_than_it_was_told() {
    let shop = Shop::with(5, 1).await;
    for n in 0..5 {
        shop.held(&person(n), 1).await;
    }
    shop.pass(ALMOST).await;
    shop.time.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let keep = Duration::from_hours(1);
    for (keep, expired, forgotten, more) in [
        (keep, 2, 0, true),
        (keep, 2, 0, true),
        (keep, 1, 0, false),
        (Duration::ZERO, 0, 2, false),
        (Duration::ZERO, 0, 2, false),
        (Duration::ZERO, 0, 1, false),
    ] {
        let must = Swept::Step {
            expired,
            forgotten,
            more,
        };
        assert_eq!(shop.sale.sweep(2, keep).await.unwrap(), must);
    }
}
