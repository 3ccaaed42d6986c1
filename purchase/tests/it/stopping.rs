//! Starting and stopping.

use lua::sale::State;
use purchase::{Config, PassKeys, Purchase, StartError, Urls, clock::Clock};

use super::{
    fixture::{Choice, Place, until},
    server::shared,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_with_the_same_stock() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    let paid = house.held("ann").await;
    house.confirm(&paid, "ann", "pay").await;
    let held = house.held("bob").await;
    house.stop().await;
    let house = place
        .open(&Choice {
            supplied: 99,
            ..Choice::default()
        })
        .await;
    assert_eq!(
        house.counts().await,
        (3, 1, 1),
        "the configuration seeds only once"
    );
    assert_eq!(house.confirm(&held, "bob", "pay").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_flight_is_answered_before_the_stop() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    let id = house.held("ann").await;
    // The confirm cannot be answered while another process has the ledger's write lock.
    let still = place.database.hold_still().await;
    let desk = house.purchase.desks().next().unwrap();
    let (answer, ()) = tokio::join!(house.confirm(&id, "ann", "pay"), async {
        until("it is sold", || async {
            desk.stock
                .look(&id)
                .await
                .unwrap()
                .unwrap()
                .reservation
                .state
                == State::Sold
        })
        .await;
        house.stop.cancel();
        still.let_go().await;
    });
    assert_eq!(answer.status, 200);
    assert_eq!(house.ledger_counts().await, (0, 1));
    house.stop().await;
}

#[tokio::test]
async fn a_configuration_that_cannot_be_is_refused_with_all_complaints() {
    let place = Place::at(shared());
    let mut config: Config = place.config(&Choice::default());
    config.most_at_once = 0;
    config.sweep_every = std::time::Duration::ZERO;
    let urls = Urls {
        stock: shared().to_owned(),
        ledger: "sqlite:///nowhere".to_owned(),
    };
    let pem = entry_pass::KeyRing::generate_pem().unwrap();
    let ring = entry_pass::KeyRing::from_pems([pem.as_str()]).unwrap();
    let passes = PassKeys {
        keys: ring.public(),
        issuer: "x".to_owned(),
    };
    let opened = Purchase::open(config, &urls, passes, Clock::System).await;
    let Err(StartError::Config(complaints)) = opened.map(drop) else {
        panic!()
    };
    assert_eq!(complaints.len(), 2);
}
