//! What the ledger refuses, even if the stock store were wrong.

use std::time::Duration;

use purchase::config::Acknowledge;

use super::{
    fixture::{Choice, Place, until},
    server::shared,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_sold_twice_and_one_too_many_per_person_are_refused_and_the_rest_goes_on() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    let oversold = house.forge("confirmed", ("eve", "r.x"), (1, 1)).await;
    let one_too_many = house.forge("confirmed", ("ann", "r.y"), (4, 1)).await;
    let id = house.held("bob").await;
    assert_eq!(house.confirm(&id, "bob", "pay").await.status, 200);
    let letters = house.letters().await;
    let refused: Vec<_> = letters.iter().map(|letter| letter.event_id).collect();
    assert_eq!(refused, [oversold, one_too_many]);
    for letter in letters {
        let reason = letter.reason.to_lowercase();
        assert!(reason.contains("unique"), "{reason}");
    }
    assert_eq!(house.ledger_counts().await, (0, 2));
    let owners = "SELECT person FROM orders ORDER BY person";
    assert_eq!(place.column(owners).await, ["ann", "bob"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refunded_order_frees_its_unit_and_its_slot_for_the_next_sale() {
    let place = Place::at(shared());
    let one = Choice {
        supplied: 1,
        ..Choice::default()
    };
    let house = place.open(&one).await;
    for round in 0..3 {
        let id = house.held("ann").await;
        let paid = house.confirm(&id, "ann", &format!("pay-{round}")).await;
        assert_eq!(paid.status, 200);
        assert_eq!(house.refund(&id).await.status, 200);
    }
    let id = house.held("bob").await;
    assert_eq!(house.confirm(&id, "bob", "pay").await.status, 200);
    assert_eq!(house.ledger_counts().await, (0, 1));
    assert!(house.letters().await.is_empty());
    let units = "SELECT CAST(unit AS TEXT) || person FROM order_units \
                 ORDER BY refunded_at IS NULL, person";
    assert_eq!(place.column(units).await, ["1ann", "1ann", "1ann", "1bob"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_everything_ends_as_if_recorded_one_by_one() {
    let place = Place::at(shared());
    let alone = Choice {
        recorder: false,
        acknowledge: Acknowledge::Stock,
        confirm_wait: Duration::ZERO,
        ..Choice::default()
    };
    let house = place.open(&alone).await;
    for n in 0..2 {
        let id = house.held("ann").await;
        let paid = house.confirm(&id, "ann", &format!("pay-{n}")).await;
        assert_eq!(paid.status, 200);
        assert!(house.refund(&id).await.status.is_success());
    }
    let id = house.held("bob").await;
    assert_eq!(house.confirm(&id, "bob", "pay").await.status, 200);
    let id = house.held("cid").await;
    assert_eq!(house.cancel(&id, "cid").await.status, 200);
    house.held("dan").await;
    let (ledger, batch) = (house.purchase.ledger(), house.stream().await);
    ledger.record(&house.sale, 1, &batch, 1).await.unwrap();
    assert_eq!(house.ledger_counts().await, (1, 1));
    let holds = "SELECT person || ' ' || state FROM holds ORDER BY reserved_at, reservation_id";
    assert_eq!(
        place.column(holds).await,
        [
            "ann refunded",
            "ann refunded",
            "bob confirmed",
            "cid cancelled",
            "dan held"
        ]
    );
    let units = "SELECT person || CAST(unit AS TEXT) || COALESCE(CAST(0 * refunded_at AS TEXT), '') \
                 FROM order_units ORDER BY order_id";
    assert_eq!(place.column(units).await, ["ann10", "ann10", "bob1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_came_too_early_waits_for_those_before_it() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    // A recorder that woke after its lease reads the refund, and only the resale reaches the other.
    let mut both = redis::pipe();
    both.atomic()
        .add_command(house.forged("*", "refunded", ("ann", &id), (1, 1)))
        .cmd("XREADGROUP")
        .arg(&["GROUP", "recorder", "sleeper", "COUNT", "1", "STREAMS"])
        .arg(&[&house.events_key(), ">"])
        .add_command(house.forged("*", "confirmed", ("eve", "r.x"), (1, 1)));
    both.exec_async(&mut house.purchase.store().fast())
        .await
        .unwrap();
    until("the resale is recorded", || async {
        !place
            .column("SELECT id FROM orders WHERE person = 'eve'")
            .await
            .is_empty()
    })
    .await;
    assert!(
        house.letters().await.is_empty(),
        "{:?}",
        house.letters().await
    );
    assert_eq!(house.ledger_counts().await, (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_the_database_cannot_hold_blocks_nobody() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    let zero = house.forge("confirmed", ("eve", "r.\0"), (3, 1)).await;
    let long = "r.".repeat(200_000);
    let long = house.forge("confirmed", ("eve", &long), (4, 2)).await;
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    let set_aside: Vec<_> = house
        .letters()
        .await
        .iter()
        .map(|one| one.event_id)
        .collect();
    for event in [zero, long] {
        // SQLite holds both, PostgreSQL neither.
        assert_ne!(
            set_aside.contains(&event),
            house.has_recorded(&[event]).await
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirm_never_overtakes_its_reservation() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    let id = house.held("ann").await;
    let paid = house.confirm(&id, "ann", "pay").await;
    assert_eq!(paid.status, 200, "somebody records");
    // A recorder that woke after its lease reads the reservation, and only the confirm reaches the
    // other: the hold would stand in the ledger as held for ever.
    let mut both = redis::pipe();
    let reserved = ["expires_at", "1", "key", "k", "body", "b", "answer", "{}"];
    let mut first = house.forged("*", "reserved", ("eve", "r.x"), (2, 1));
    first.arg(&reserved);
    both.atomic()
        .add_command(first)
        .cmd("XREADGROUP")
        .arg(&["GROUP", "recorder", "sleeper", "COUNT", "1", "STREAMS"])
        .arg(&[&house.events_key(), ">"])
        .add_command(house.forged("*", "confirmed", ("eve", "r.x"), (2, 1)));
    both.exec_async(&mut house.purchase.store().fast())
        .await
        .unwrap();
    let state = || async {
        let of_eve = "SELECT state FROM holds WHERE person = 'eve'";
        place.column(of_eve).await
    };
    until("both are recorded", || async { !state().await.is_empty() }).await;
    until("in order", || async { state().await == ["confirmed"] }).await;
    assert!(house.letters().await.is_empty());
}
