//! What the line learns.

use lua::sale::Mark;

use super::fixture::{HOLD, Shop, person};

#[tokio::test]
async fn the_feed_tells_each_change_once_and_in_order() {
    let shop = Shop::with(5, 1).await;
    let (first, _) = shop.held(&person(1), 1).await;
    shop.held(&person(2), 1).await;
    shop.cancel(&first, &person(1)).await;
    let feed = shop.sale.feed("0-0").await.unwrap();
    assert_eq!(
        feed.marks,
        [
            Mark::Reserved(person(1)),
            Mark::Reserved(person(2)),
            Mark::Freed(person(1))
        ]
    );
    assert!(feed.open && !feed.more);
    assert_eq!((feed.skus[0].available, feed.skus[0].held), (4, 1));
    let nothing = shop.sale.feed(&feed.cursor).await.unwrap();
    assert_eq!((nothing.marks.len(), &nothing.cursor), (0, &feed.cursor));
    shop.held(&person(1), 1).await;
    let more = shop.sale.feed(&feed.cursor).await.unwrap();
    assert_eq!(more.marks, [Mark::Reserved(person(1))]);
}

#[tokio::test]
async fn what_a_refund_or_an_expiry_returns_is_offered_to_the_line() {
    let shop = Shop::with(2, 1).await;
    let (sold, _) = shop.held(&person(1), 1).await;
    shop.confirm(&sold, &person(1)).await;
    shop.held(&person(2), 1).await;
    let none = shop.sale.feed("0-0").await.unwrap();
    let left = |feed: &lua::sale::Feed| (feed.skus[0].available, feed.skus[0].held);
    assert_eq!(left(&none), (0, 1), "none left, one in a basket");

    shop.sale.refund(&sold).await.unwrap();
    let refunded = shop.sale.feed(&none.cursor).await.unwrap();
    assert_eq!(left(&refunded), (1, 1));
    // Who was paid back, or let it run out, had the turn: the unit is for the next, not for them.
    assert_eq!(refunded.marks, []);

    assert_eq!(shop.pass(HOLD).await, 1);
    let expired = shop.sale.feed(&refunded.cursor).await.unwrap();
    assert_eq!(left(&expired), (2, 0));
    assert_eq!(expired.marks, []);
    assert_ne!(
        expired.cursor, refunded.cursor,
        "and the line is told that something moved"
    );
}

#[tokio::test]
async fn a_long_stream_comes_in_parts() {
    let shop = Shop::with(1_200, 1).await;
    for n in 0..1_100 {
        shop.held(&person(n), 1).await;
    }
    let (mut cursor, mut marks) = ("0-0".to_owned(), 0);
    loop {
        let feed = shop.sale.feed(&cursor).await.unwrap();
        marks += feed.marks.len();
        cursor = feed.cursor;
        if !feed.more {
            break;
        }
    }
    assert_eq!(marks, 1_100);
}

#[tokio::test]
async fn a_sale_nobody_seeded_is_shut_and_not_sold_out() {
    let shop = Shop::empty().await;
    for cursor in ["0-0", "nonsense", ""] {
        let feed = shop.sale.feed(cursor).await.unwrap();
        assert!(!feed.open && feed.skus.is_empty());
    }
}
