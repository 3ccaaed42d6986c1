//! Starting and stopping.

use purchase::{Config, PassKeys, Purchase, StartError, Urls, clock::Clock};

use super::{
    fixture::{Choice, Place},
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
    let house = place
        .open(&Choice {
            supplied: 30,
            ..Choice::default()
        })
        .await;
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push((house.held(&format!("p{n}")).await, format!("p{n}")));
    }
    let confirms = futures::future::join_all(
        ids.iter()
            .map(|(id, person)| house.confirm(id, person, "pay")),
    );
    let stop = house.stop.clone();
    let (answers, ()) = tokio::join!(confirms, async move {
        tokio::task::yield_now().await;
        stop.cancel();
    });
    let confirmed = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(house.ledger_counts().await.1, confirmed as u64);
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
