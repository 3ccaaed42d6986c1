//! The fence and the open clock.

use std::{sync::atomic::Ordering, time::Duration};

use lua::sale::{Confirmed, EventKind, Fence, Reopened, Reserved, SaleError, Shut, Swept};

use super::{
    fixture::{ALMOST, HOLD, KEEP, Shop, lead, person},
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
    let mut swept = shop.sale.sweep(100, KEEP).await;
    while matches!(swept, Err(SaleError::Script(_))) {
        tokio::task::yield_now().await;
        swept = shop.sale.sweep(100, KEEP).await;
    }
    assert!(matches!(swept, Err(SaleError::Restarted)));
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
        assert_eq!(
            shop.sale
                .reopen(&other, &lead(&shop.sale).await)
                .await
                .unwrap(),
            Reopened::Changed
        );
    }
    shop.time.fetch_add(60_000, Ordering::Relaxed);
    assert_eq!(
        shop.sale
            .reopen(&before, &lead(&shop.sale).await)
            .await
            .unwrap(),
        Reopened::Now(60_000)
    );
    assert_eq!(
        shop.sale
            .reopen(&before, &lead(&shop.sale).await)
            .await
            .unwrap(),
        Reopened::Already
    );
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
