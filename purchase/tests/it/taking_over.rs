//! Recorders that die, sleep or stand by, and what is left in the stream meanwhile.

use lua::sale::EventId;
use purchase::{
    config::Acknowledge,
    ledger::{DeadLetter, RecordError},
    stream::Stream,
};
use tokio_util::sync::CancellationToken;

use super::{
    fixture::{Choice, House, Place, until},
    server::shared,
};

/// An id that makes everything before it old enough to be trimmed.
const FAR_AHEAD: &str = "9999999999999-0";

impl House {
    /// Reads for a recorder that will not live to record it.
    async fn read_by_a_sleeper(&self, count: &str) -> redis::Value {
        redis::cmd("XREADGROUP")
            .arg(&["GROUP", "recorder", "sleeper", "COUNT", count])
            .arg(&["STREAMS", &self.events_key(), ">"])
            .query_async(&mut self.purchase.store().fast())
            .await
            .unwrap()
    }

    async fn redis(&self, command: &[&str]) -> redis::Value {
        redis::cmd(command[0])
            .arg(&command[1..])
            .query_async(&mut self.purchase.store().fast())
            .await
            .unwrap()
    }

    async fn stream_length(&self) -> u64 {
        redis::from_redis_value(self.redis(&["XLEN", &self.events_key()]).await).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_gone_from_the_stream_is_said_and_blocks_nobody() {
    let place = Place::at(shared());
    let alone = Choice {
        recorder: false,
        ..Choice::default()
    };
    let (house, stop) = (
        place.open(&Choice::default()).await,
        CancellationToken::new(),
    );
    let recorded = house.held("ann").await;
    assert_eq!(house.confirm(&recorded, "ann", "pay").await.status, 200);
    house.stop().await;

    let house = place.open(&alone).await;
    let known = house.stream().await.last().unwrap().id;
    let lost = house.forge("reopened", ("x", "r.x"), (1, 1)).await;
    house.held("bob").await;
    // All is read once more and not acknowledged; then two entries vanish, one of them recorded.
    let key = house.events_key();
    house
        .redis(&["XGROUP", "SETID", &key, "recorder", "0"])
        .await;
    house.read_by_a_sleeper("100").await;
    for id in [known, lost] {
        house.redis(&["XDEL", &key, &id.to_string()]).await;
    }
    let next = place.parts(&alone).await;
    tokio::task::spawn(purchase::recorder::run(next, stop.clone()));
    until("it is set aside", || async {
        !house.letters().await.is_empty()
    })
    .await;
    assert_eq!(house.ledger_counts().await, (1, 1));
    let letters = house.letters().await;
    stop.cancel();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].event_id, lost);
    assert!(letters[0].reason.contains("gone"), "{letters:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trimming_never_passes_what_the_ledger_has() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    let id = house.held("ann").await;
    let paid = house.confirm(&id, "ann", "pay").await;
    assert_eq!(paid.status, 200, "somebody records");
    let nothing = (("x", "r.x"), (1, 1));
    // A sleeper has read what lies years behind the event that the recorder gets.
    let mut all = redis::pipe();
    all.atomic();
    for _ in 0..250 {
        all.add_command(house.forged("*", "reopened", nothing.0, nothing.1));
    }
    all.cmd("XREADGROUP")
        .arg(&["GROUP", "recorder", "sleeper", "COUNT", "250", "STREAMS"])
        .arg(&[&house.events_key(), ">"])
        .ignore()
        .add_command(house.forged(FAR_AHEAD, "reopened", nothing.0, nothing.1));
    let ids: Vec<String> = all
        .query_async(&mut house.purchase.store().fast())
        .await
        .unwrap();
    let ids: Vec<EventId> = ids.iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(ids.len(), 251);
    until("the stream is trimmed", || async {
        house.stream_length().await < 200
    })
    .await;
    assert!(
        house.has_recorded(&ids).await,
        "{:?}",
        house.letters().await
    );
    assert!(house.letters().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_read_and_did_not_acknowledge_is_never_trimmed() {
    let place = Place::at(shared());
    let house = place
        .open(&Choice {
            recorder: false,
            ..Choice::default()
        })
        .await;
    let desk = house.purchase.desks().next().unwrap();
    let mut stream = Stream::open(&desk.stock, "here").await.unwrap();
    for _ in 0..300 {
        house.forge("reopened", ("x", "r.x"), (1, 1)).await;
    }
    house.read_by_a_sleeper("1000").await;
    let length = house.stream_length().await;
    let everything = EventId {
        ms: u64::MAX,
        seq: 0,
    };
    stream.trim(everything).await.unwrap();
    let pending = stream.pending().await.unwrap();
    assert_eq!(
        (house.stream_length().await, pending.len() as u64),
        (length, length)
    );
    assert!(pending.iter().all(|entry| !entry.is_gone()));
    stream.acknowledge(&pending[..200]);
    stream.trim(everything).await.unwrap();
    assert!((100..length - 50).contains(&house.stream_length().await));
    let left = stream.pending().await.unwrap();
    assert_eq!(left, pending[200..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorder_of_an_earlier_term_writes_nothing_and_sets_nothing_aside() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    let (ledger, sale) = (house.purchase.ledger(), &house.sale);
    let mine = ledger.term(sale).await.unwrap();
    // Its successor has recorded; it wakes with a batch in its hands.
    ledger.record(sale, mine + 10, &[], 1).await.unwrap();
    let mut event = house.stream().await.pop().unwrap();
    event.id.seq += 1;
    let late = ledger.record(sale, mine, &[event.clone()], 1).await;
    assert!(matches!(late, Err(RecordError::Fenced)), "{late:?}");
    let letter = DeadLetter {
        event_id: event.id,
        fields: "{}".to_owned(),
        reason: "late".to_owned(),
        tries: 3,
    };
    let late = ledger.set_aside(sale, mine, &letter, 1).await;
    assert!(matches!(late, Err(RecordError::Fenced)), "{late:?}");
    assert!(!house.has_recorded(&[event.id]).await);
    assert!(house.letters().await.is_empty());
    // The one that runs has lost its term, takes a higher one and goes on.
    let id = house.held("bob").await;
    assert_eq!(house.confirm(&id, "bob", "pay").await.status, 200);
    assert!(ledger.term(sale).await.unwrap() > mine + 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorder_that_sleeps_is_followed_by_a_standby_and_does_no_harm_when_it_wakes() {
    let place = Place::at(shared());
    let alone = Choice {
        recorder: false,
        supplied: 50,
        limit: 50,
        ..Choice::default()
    };
    let house = place.open(&alone).await;
    // One thread is all its runtime has: while something blocks it, it sleeps.
    let sleeper = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (there, choice) = (
        place.clone_for_another(),
        Choice {
            recorder: false,
            ..Choice::default()
        },
    );
    sleeper.spawn(async move {
        let parts = there.parts(&choice).await;
        purchase::recorder::run(parts, CancellationToken::new()).await;
    });
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    let term = house.purchase.ledger().term(&house.sale).await.unwrap();
    let (wake, asleep) = std::sync::mpsc::channel::<()>();
    sleeper.spawn(async move { asleep.recv() });
    let stop = CancellationToken::new();
    let standby = place.parts(&alone).await;
    tokio::task::spawn(purchase::recorder::run(standby, stop.clone()));
    for n in 0..10 {
        let id = house.held("ann").await;
        assert_eq!(
            house.confirm(&id, "ann", &format!("pay-{n}")).await.status,
            200
        );
    }
    assert!(house.purchase.ledger().term(&house.sale).await.unwrap() > term);
    wake.send(()).unwrap();
    for n in 10..20 {
        let id = house.held("ann").await;
        assert_eq!(
            house.confirm(&id, "ann", &format!("pay-{n}")).await.status,
            200
        );
    }
    stop.cancel();
    sleeper.shutdown_background();
    assert!(house.letters().await.is_empty());
    assert_eq!(house.ledger_counts().await, (0, 21));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_store_is_enough_a_confirm_does_not_wait_for_the_ledger() {
    let place = Place::at(shared());
    let house = place
        .open(&Choice {
            acknowledge: Acknowledge::Stock,
            ..Choice::default()
        })
        .await;
    let id = house.held("ann").await;
    let still = place.database.hold_still().await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    assert_eq!(
        house.ledger_counts().await.1,
        0,
        "answered before it is recorded"
    );
    still.let_go().await;
    until("it is recorded by itself", || async {
        house.ledger_counts().await == (0, 1)
    })
    .await;
    assert_eq!(house.state(&id, "ann").await, "confirmed");
}
