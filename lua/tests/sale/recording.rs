//! The lease and the events.

use std::{collections::HashMap, sync::atomic::Ordering, time::Duration};

use lua::sale::{EventKind, Lease, StockEvent};

use super::fixture::{HOLD, Shop, person};

const TTL: Duration = Duration::from_secs(3);

#[tokio::test]
async fn one_recorder_leads_and_the_term_rises_with_every_change_of_hands() {
    let shop = Shop::empty().await;
    let lease = |owner: &'static str, least| {
        let sale = shop.sale.clone();
        async move { sale.lease(owner, TTL, least).await.unwrap() }
    };
    assert_eq!(lease("a", 0).await, Lease::Leading { term: 1 });
    assert_eq!(lease("b", 0).await, Lease::Standby);
    shop.time.fetch_add(2_999, Ordering::Relaxed);
    assert_eq!(lease("b", 0).await, Lease::Standby);
    assert_eq!(lease("a", 0).await, Lease::Leading { term: 1 }, "renewed");
    shop.time.fetch_add(3_000, Ordering::Relaxed);
    assert_eq!(lease("b", 0).await, Lease::Leading { term: 2 });
    assert_eq!(lease("a", 0).await, Lease::Standby);
    shop.sale.give_up_lease("a").await.unwrap();
    assert_eq!(
        lease("a", 0).await,
        Lease::Standby,
        "only one's own can be given up"
    );
    shop.sale.give_up_lease("b").await.unwrap();
    assert_eq!(
        lease("a", 9).await,
        Lease::Leading { term: 10 },
        "above the ledger's"
    );
}

#[tokio::test]
async fn every_transition_leaves_its_event_in_the_stream() {
    let shop = Shop::with(5, 5).await;
    let (sold, _) = shop.held(&person(1), 2).await;
    shop.confirm(&sold, &person(1)).await;
    shop.sale.refund(&sold).await.unwrap();
    let (cancelled, _) = shop.held(&person(2), 1).await;
    shop.cancel(&cancelled, &person(2)).await;
    shop.held(&person(3), 1).await;
    shop.pass(HOLD).await;
    let events: Vec<(String, HashMap<String, String>)> = redis::cmd("XRANGE")
        .arg(&shop.sale.keys().events)
        .arg("-")
        .arg("+")
        .query_async(&mut shop.sale.store().fast())
        .await
        .unwrap();
    let events: Vec<StockEvent> = events
        .iter()
        .map(|(id, fields)| StockEvent::parse(id.parse().unwrap(), fields).unwrap())
        .collect();
    let words: Vec<_> = events.iter().map(|event| event.kind.word()).collect();
    assert_eq!(
        words,
        [
            "supplied",
            "reserved",
            "confirmed",
            "refunded",
            "reserved",
            "cancelled",
            "reserved",
            "expired"
        ]
    );
    let EventKind::Reserved { answer, .. } = &events[1].kind else {
        panic!()
    };
    assert!(answer.contains(&sold));
    assert_eq!(
        events[2].kind,
        EventKind::Confirmed {
            payment_ref: format!("pay-{sold}")
        }
    );
    assert_eq!(events[2].taken.as_ref().unwrap().units, [1, 2]);
}
