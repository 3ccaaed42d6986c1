//! The lease and the events.

use std::{collections::HashMap, sync::atomic::Ordering, time::Duration};

use lua::sale::{EventKind, Fence, Lead, Lease, Part, Reopened, SaleError, StockEvent};

use super::fixture::{HOLD, Shop, lead, person};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_no_longer_records_neither_opens_nor_empties_a_sale() {
    let shop = Shop::with(3, 1).await;
    let first = lead(&shop.sale).await;
    assert!(shop.sale.mark_broken("a test").await.unwrap());
    let Fence::Shut(shut) = shop.sale.fence().await.unwrap() else {
        panic!()
    };
    // The first one waits for a disk until its lease is over, and another one takes it.
    shop.sale.give_up_lease(&first.owner).await.unwrap();
    let ttl = Duration::from_mins(1);
    let Lease::Leading { term } = shop.sale.lease("another", ttl, 0).await.unwrap() else {
        panic!()
    };
    let reopened = shop.sale.reopen(&shut, &first).await.unwrap();
    assert_eq!(reopened, Reopened::Fenced);
    let rebuild = shop.sale.rebuild(&first).await;
    assert!(matches!(rebuild, Err(SaleError::Closed)));
    assert_eq!(shop.counts().await.available, 3, "nothing was emptied");

    let second = Lead {
        owner: "another".to_owned(),
        term,
    };
    let rebuild = shop.sale.rebuild(&second).await.unwrap().unwrap();
    assert!(matches!(
        shop.sale.lease("a third", ttl, 0).await.unwrap(),
        Lease::Standby
    ));
    // And so in the middle of it: every step asks.
    shop.sale.give_up_lease("another").await.unwrap();
    shop.sale.lease("a third", ttl, 0).await.unwrap();
    let put = [("unit:supplied".to_owned(), "3".to_owned())];
    let put = rebuild.put(Part::Stock, &put).await;
    assert!(matches!(put, Err(SaleError::Closed)));
}
