//! Dead letters that are tried again.

use lua::sale::Fence;
use purchase::{
    audit::audit,
    ledger::{DeadLetter, Replayed},
};
use sqlx::Executor;

use super::{
    fixture::{Choice, House, Place, until},
    server::shared,
};

impl House {
    /// As `vestibule recorder --replay-dead` does it.
    async fn replay(&self) -> Vec<Replayed> {
        let (ledger, mut outcomes) = (self.purchase.ledger(), Vec::new());
        for letter in self.letters().await {
            outcomes.push(ledger.replay(&self.sale, &letter, 1).await.unwrap());
        }
        outcomes
    }

    async fn until_letters(&self, wanted: usize) {
        until("all are set aside", || async {
            self.letters().await.len() == wanted
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_became_recordable_is_recorded_once_and_the_others_stay() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    let clash = house.forge("confirmed", ("eve", "r.x"), (1, 1)).await;
    let unheard_of = house.forge("unheard-of", ("eve", "r.y"), (2, 2)).await;
    house.until_letters(2).await;
    let before = house.letters().await;
    assert!(matches!(
        &house.replay().await[..],
        [Replayed::Kept(_), Replayed::Kept(_)]
    ));
    let after = house.letters().await;
    assert_eq!(
        after[0].tries,
        before[0].tries + 1,
        "it was tried once more"
    );

    assert_eq!(house.refund(&id).await.status, 200);
    until("the refund is recorded", || async {
        house.ledger_counts().await == (0, 0)
    })
    .await;
    let letters = house.letters().await;
    assert_eq!(house.replay().await[0], Replayed::Recorded);
    assert!(house.has_recorded(&[clash]).await);
    assert_eq!(house.ledger_counts().await, (0, 1));
    let left = house.letters().await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].event_id, unheard_of);
    // Two at once: the second one finds it gone, and the recorder goes on beside them.
    let again = house.purchase.ledger().replay(&house.sale, &letters[0], 1);
    assert_eq!(again.await.unwrap(), Replayed::Gone);
    assert_eq!(house.ledger_counts().await, (0, 1));
    // The unit that eve has was ann's: the store gives it to the next one, who will not pay.
    house.held("dan").await;
    let id = house.held("bob").await;
    assert_eq!(house.confirm(&id, "bob", "pay").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replayed_event_takes_its_own_place_in_the_order() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    // Set aside for the unit that ann has; what came of it later is recorded without it.
    house.forge("confirmed", ("eve", "r.x"), (1, 1)).await;
    house.forge("refunded", ("eve", "r.x"), (1, 1)).await;
    house.until_letters(1).await;
    let marker = house.forge("reopened", ("x", "r.z"), (9, 9)).await;
    let marker = [marker];
    until("the refund is recorded", || house.has_recorded(&marker)).await;
    assert_eq!(house.replay().await, [Replayed::Recorded]);
    assert_eq!(house.ledger_counts().await, (0, 1), "ann's order stands");
    let standing = "SELECT person FROM orders WHERE refunded_at IS NULL";
    assert_eq!(place.column(standing).await, ["ann"]);
    assert_eq!(
        place
            .column("SELECT person FROM orders ORDER BY person")
            .await,
        ["ann", "eve"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replayed_hold_does_not_take_back_what_became_of_it() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    let (ann, bob) = (house.held("ann").await, house.held("bob").await);
    assert_eq!(house.confirm(&ann, "ann", "pay").await.status, 200);
    until("both holds are recorded", || async {
        house.ledger_counts().await == (1, 1)
    })
    .await;
    // As if both reservations had been set aside when they came.
    let mut other = place.database.stranger().await;
    for sql in [
        "DELETE FROM stock_events WHERE kind = 'reserved'",
        "DELETE FROM holds",
    ] {
        other.execute(sql).await.unwrap();
    }
    let ledger = house.purchase.ledger();
    let term = ledger.term(&house.sale).await.unwrap();
    for (event_id, fields) in house.entries().await {
        if fields["kind"] != "reserved" {
            continue;
        }
        let letter = DeadLetter {
            event_id,
            fields: serde_json::to_string(&fields).unwrap(),
            reason: "as if".to_owned(),
            tries: 3,
        };
        ledger
            .set_aside(&house.sale, term, &letter, 1)
            .await
            .unwrap();
    }
    assert_eq!(
        house.replay().await,
        [Replayed::Recorded, Replayed::Recorded]
    );
    assert_eq!(house.ledger_counts().await, (1, 1));
    let states = "SELECT state FROM holds ORDER BY person";
    assert_eq!(place.column(states).await, ["confirmed", "held"]);
    assert_eq!(house.confirm(&bob, "bob", "pay").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_was_discarded_is_never_recorded_though_the_stream_still_has_it() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    let clash = house.forge("confirmed", ("eve", "r.x"), (1, 1)).await;
    house.until_letters(1).await;
    let letter = house.letters().await.remove(0);
    assert_eq!(house.refund(&id).await.status, 200);
    until("the refund is recorded", || async {
        house.ledger_counts().await == (0, 0)
    })
    .await;

    let ledger = house.purchase.ledger();
    let discard = || ledger.discard(&house.sale, clash, 1);
    assert_eq!(discard().await.unwrap(), Some(letter.clone()));
    assert_eq!(discard().await.unwrap(), None, "only once");
    assert_eq!(
        ledger.replay(&house.sale, &letter, 1).await.unwrap(),
        Replayed::Gone
    );
    let desk = house.purchase.desks().next().unwrap().clone();
    let audited = audit(&house.purchase, &desk, true).await.unwrap();
    assert!(
        audited.differences.is_empty() && audited.clean(),
        "{audited}"
    );
    // A repair for another reason reads the whole stream again.
    desk.stock.mark_broken("as a restart would").await.unwrap();
    until("it is open again", || async {
        desk.stock.fence().await.unwrap() == Fence::Open
    })
    .await;
    house.held("dan").await;
    assert!(!house.has_recorded(&[clash]).await);
    assert_eq!(house.ledger_counts().await.1, 0);
    assert!(house.letters().await.is_empty());
}
