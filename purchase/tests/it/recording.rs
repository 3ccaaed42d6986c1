//! From the stream to the ledger: once, in order, by one recorder at a time.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    fixture::{Choice, Place, until},
    server::shared,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_records_and_the_confirm_knows() {
    let place = Place::at(shared());
    let alone = Choice {
        recorder: false,
        ..Choice::default()
    };
    let stop = CancellationToken::new();
    let recorder = place.parts(&alone).await;
    let running = tokio::task::spawn(purchase::recorder::run(recorder, stop.clone()));
    let house = place.open(&alone).await;
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_what_a_dead_recorder_left() {
    let place = Place::at(shared());
    let alone = Choice {
        recorder: false,
        supplied: 50,
        ..Choice::default()
    };
    let house = place.open(&alone).await;
    // In a runtime of its own, so that it can die with everything it was doing.
    let first = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let urls = place.clone_for_another();
    first.spawn(async move {
        let parts = urls
            .parts(&Choice {
                recorder: false,
                ..Choice::default()
            })
            .await;
        purchase::recorder::run(parts, CancellationToken::new()).await;
    });
    let id = house.held("p0").await;
    assert_eq!(house.confirm(&id, "p0", "pay").await.status, 200);
    first.shutdown_background();
    let mut redis = house.purchase.store().fast();
    for n in 1..20 {
        house.held(&format!("p{n}")).await;
    }
    let desk = house.purchase.desks().next().unwrap();
    let events = &desk.stock.keys().events;
    // What it read and did not live to write is pending in its name, and its lease still runs.
    redis::cmd("XREADGROUP")
        .arg(&[
            "GROUP", "recorder", "dead", "COUNT", "10", "STREAMS", events, ">",
        ])
        .exec_async(&mut redis)
        .await
        .unwrap();
    let stop = CancellationToken::new();
    for _ in 0..2 {
        tokio::task::spawn(purchase::recorder::run(
            place.parts(&alone).await,
            stop.clone(),
        ));
    }
    until("all is recorded", || async {
        house.ledger_counts().await == (19, 1)
    })
    .await;
    stop.cancel();
    assert!(
        house
            .purchase
            .ledger()
            .dead_letters(&house.sale)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisoned_event_is_set_aside_and_blocks_nobody() {
    let place = Place::at(shared());
    let house = place
        .open(&Choice {
            confirm_wait: Duration::from_secs(20),
            ..Choice::default()
        })
        .await;
    let mut redis = house.purchase.store().fast();
    let events = house
        .purchase
        .desks()
        .next()
        .unwrap()
        .stock
        .keys()
        .events
        .clone();
    let forged = |fields: &[&str]| {
        redis::cmd("XADD")
            .arg(&events)
            .arg("*")
            .arg(fields)
            .to_owned()
    };
    let unit_sold_twice = [
        "v",
        "1",
        "kind",
        "confirmed",
        "person",
        "eve",
        "reservation",
        "r.x",
        "sku",
        &house.sku,
        "quantity",
        "1",
        "units",
        "1",
        "slots",
        "1",
        "payment",
        "p",
        "at",
        "1",
    ];
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    forged(&unit_sold_twice)
        .exec_async(&mut redis)
        .await
        .unwrap();
    forged(&["v", "9", "kind", "unheard-of"])
        .exec_async(&mut redis)
        .await
        .unwrap();
    let id = house.held("bob").await;
    assert_eq!(house.confirm(&id, "bob", "pay").await.status, 200);
    let letters = house
        .purchase
        .ledger()
        .dead_letters(&house.sale)
        .await
        .unwrap();
    assert_eq!(letters.len(), 2);
    assert!(
        letters[0].fields.contains("eve") && letters[1].reason.contains('v'),
        "{letters:?}"
    );
    assert_eq!(house.ledger_counts().await, (0, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_replayed_has_the_effect_of_one_and_an_older_term_has_none() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    house.purchase.desks().next().unwrap();
    let events: Vec<(String, std::collections::HashMap<String, String>)> = redis::cmd("XRANGE")
        .arg(&[
            &house.purchase.desks().next().unwrap().stock.keys().events,
            "-",
            "+",
        ])
        .query_async(&mut house.purchase.store().fast())
        .await
        .unwrap();
    let events: Vec<_> = events
        .iter()
        .map(|(id, fields)| lua::sale::StockEvent::parse(id.parse().unwrap(), fields).unwrap())
        .collect();
    let ledger = house.purchase.ledger();
    let term = ledger.term(&house.sale).await.unwrap();
    ledger.record(&house.sale, term, &events, 1).await.unwrap();
    assert_eq!(house.ledger_counts().await, (0, 1));
    let older = ledger.record(&house.sale, term - 1, &events, 1).await;
    assert!(
        matches!(older, Err(purchase::ledger::RecordError::Fenced)),
        "{older:?}"
    );
}
