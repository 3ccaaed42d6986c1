//! Stores that die, restart or stay away.

use std::time::Duration;

use http::Method;
use tokio_util::sync::CancellationToken;

use super::{
    fixture::{Choice, Place, until},
    server::{Server, shared},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_store_closes_the_sale_and_it_opens_again_by_itself() {
    let mut redis = Server::start();
    let place = Place::at(&redis.url());
    let house = place
        .open(&Choice {
            supplied: 20,
            ..Choice::default()
        })
        .await;
    let paid = house.held("ann").await;
    let held = house.held("bob").await;
    assert_eq!(house.confirm(&paid, "ann", "pay").await.status, 200);
    for round in 0..3 {
        redis.kill_9();
        let away = house.reserve(&format!("x{round}"), 1).await;
        assert_eq!(
            (away.status.as_u16(), away.problem().as_str()),
            (503, "store-away")
        );
        assert!(away.headers.contains_key("retry-after"));
        redis.start_again();
        until("the sale is open again", || async {
            let answer = house.reserve(&format!("y{round}"), 1).await;
            match (answer.status.as_u16(), answer.problem().as_str()) {
                // The request before this one may have been answered into a dead connection.
                (201, _) | (409, "limit-reached") => true,
                (503, "store-away" | "restarting") => false,
                other => panic!("{other:?}"),
            }
        })
        .await;
        assert_eq!(house.state(&paid, "ann").await, "confirmed");
    }
    assert_eq!(
        house.confirm(&held, "bob", "pay").await.status,
        200,
        "a hold survives"
    );
    assert_eq!(house.counts().await, (15, 3, 2));
    until("the ledger agrees", || async {
        house.ledger_counts().await == (3, 2)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirm_without_a_ledger_is_202_and_recorded_later_by_itself() {
    let place = Place::at(shared());
    let wait = Duration::from_millis(300);
    let house = place
        .open(&Choice {
            confirm_wait: wait,
            ..Choice::default()
        })
        .await;
    let id = house.held("ann").await;
    // Another process holds the ledger's write lock: every commit fails until it lets go.
    let still = place.database.hold_still().await;
    for _ in 0..2 {
        let answer = house.confirm(&id, "ann", "pay").await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["state"]),
            (202, &"confirming".into())
        );
        assert_eq!(house.state(&id, "ann").await, "confirming");
    }
    let order = format!("/v1/orders/{}", id.replacen('r', "o", 1));
    assert_eq!(
        house.ask(Method::GET, &order, "ann", None).await.json()["state"],
        "confirming"
    );
    house.held("bob").await;
    still.let_go().await;
    until("it is recorded", || async {
        house.state(&id, "ann").await == "confirmed"
    })
    .await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    assert_eq!(
        house.ask(Method::GET, &order, "ann", None).await.json()["state"],
        "confirmed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_starts_before_its_store_opens_when_the_store_does() {
    let mut redis = Server::start();
    let place = Place::at(&redis.url());
    redis.kill_9();
    let house = place.start(&Choice::default()).await;
    assert_eq!(house.reserve("ann", 1).await.problem(), "store-away");
    redis.start_again();
    house.until_open().await;
    assert_eq!(house.counts().await, (5, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_store_never_sells_again_what_was_sold() {
    let mut redis = Server::start();
    let place = Place::at(&redis.url());
    let house = place
        .open(&Choice {
            supplied: 3,
            ..Choice::default()
        })
        .await;
    let paid = house.held("ann").await;
    assert_eq!(house.confirm(&paid, "ann", "pay").await.status, 200);
    let held = house.held("bob").await;
    until("the hold is recorded", || async {
        house.ledger_counts().await == (1, 1)
    })
    .await;
    redis.kill_9();
    redis.wipe();
    redis.start_again();
    until("the sale is rebuilt", || async {
        match house.reserve("cid", 1).await {
            answer if answer.status == 201 => {
                assert_eq!(answer.json()["units"], serde_json::json!([3]));
                true
            }
            answer if answer.status == 503 => false,
            answer => panic!("{:?}", answer.bytes),
        }
    })
    .await;
    assert_eq!(house.counts().await, (0, 2, 1));
    assert_eq!(house.reserve("ann", 1).await.problem(), "limit-reached");
    assert_eq!(
        house.confirm(&held, "bob", "pay").await.status,
        200,
        "a recorded hold goes on"
    );
    assert_eq!(house.state(&paid, "ann").await, "confirmed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_nobody_recorded_says_that_it_was_lost() {
    let mut redis = Server::start();
    let place = Place::at(&redis.url());
    let alone = Choice {
        recorder: false,
        ..Choice::default()
    };
    let records = |stop: &CancellationToken| {
        let (place, stop) = (place.clone_for_another(), stop.clone());
        tokio::task::spawn(async move {
            let parts = place.parts(&Choice::default()).await;
            purchase::recorder::run(parts, stop).await;
        })
    };
    let house = place.open(&alone).await;
    let stop = CancellationToken::new();
    let recorder = records(&stop);
    let paid = house.held("ann").await;
    assert_eq!(house.confirm(&paid, "ann", "pay").await.status, 200);
    stop.cancel();
    recorder.await.unwrap();
    let held = house.held("bob").await;
    redis.kill_9();
    redis.wipe();
    redis.start_again();
    let stop = CancellationToken::new();
    records(&stop);
    house.until_open().await;
    for lost in [
        house.confirm(&held, "bob", "pay").await,
        house.cancel(&held, "bob").await,
        house
            .ask(
                Method::GET,
                &format!("/v1/reservations/{held}"),
                "bob",
                None,
            )
            .await,
    ] {
        assert_eq!(
            (lost.status.as_u16(), lost.problem().as_str()),
            (410, "hold-lost")
        );
    }
    let later = uuid::Timestamp::from_unix(uuid::NoContext, 4_102_444_800, 0);
    let never = format!("r.{}.{}", house.sale, uuid::Uuid::new_v7(later).simple());
    assert_eq!(house.confirm(&never, "bob", "pay").await.status, 404);
    assert_eq!(house.state(&paid, "ann").await, "confirmed");
    stop.cancel();
}
