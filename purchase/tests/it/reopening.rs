//! How long a large sale is closed after its store restarted or lost everything. Too slow for every
//! run: `cargo test --release -p purchase --test it -- --ignored --nocapture selling_again`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lua::sale::{Confirmed, Reserve, Reserved};

use super::{
    fixture::{Choice, House, Place, until},
    server::Server,
};

const ORDERS: u32 = 100_000;
const BUYERS: u32 = 64;

async fn sell(house: &House) {
    let desk = Arc::clone(house.purchase.desks().next().unwrap());
    let mut buyers = tokio::task::JoinSet::new();
    for buyer in 0..BUYERS {
        let (desk, sku) = (Arc::clone(&desk), house.sku.parse().unwrap());
        buyers.spawn(async move {
            for n in (buyer..ORDERS).step_by(BUYERS as usize) {
                let name = uuid::Uuid::now_v7().simple().to_string();
                let id = format!("r.{}.{name}", desk.stock.id());
                let what = Reserve {
                    id: &id,
                    person: &format!("visitor-{n}").parse().unwrap(),
                    sku: &sku,
                    quantity: 1,
                    hold: Duration::from_mins(10),
                    key: &name,
                    body: "fingerprint-of-a-body",
                    key_ttl: Duration::from_hours(24),
                };
                let reserved = desk.stock.reserve(&what).await.unwrap();
                assert!(matches!(reserved, Reserved::New(_)));
                // One in fifty is still about to pay.
                if n % 50 > 0 {
                    let paid = desk.stock.confirm(&id, None, &format!("pay-{name}")).await;
                    assert!(matches!(paid.unwrap(), Confirmed::Sold(_)));
                }
            }
        });
    }
    while let Some(buyer) = buyers.join_next().await {
        buyer.unwrap();
    }
}

/// From the store's first answer to the first unit sold again.
async fn selling_again(house: &House, what: &str) -> Duration {
    let began = Instant::now();
    until("it sells again", || async {
        house
            .reserve(&format!("after {what}").replace(' ', "-"), 1)
            .await
            .status
            == 201
    })
    .await;
    let took = began.elapsed();
    println!(
        "{what}: selling again after {} ms at {ORDERS} reservations",
        took.as_millis()
    );
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "sells a hundred thousand units first"]
async fn selling_again_within_five_seconds_of_a_restart_or_a_loss() {
    let mut redis = Server::start();
    let place = Place::at(&redis.url());
    let house = place
        .open(&Choice {
            supplied: ORDERS + 10,
            ..Choice::default()
        })
        .await;
    let began = Instant::now();
    sell(&house).await;
    println!("sold in {} s", began.elapsed().as_secs());
    let sold = u64::from(ORDERS - ORDERS / 50);
    let end = Instant::now() + Duration::from_mins(10);
    while house.ledger_counts().await != (u64::from(ORDERS / 50), sold) {
        assert!(Instant::now() < end, "not recorded");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("recorded after {} s", began.elapsed().as_secs());

    let began = Instant::now();
    let desk = Arc::clone(house.purchase.desks().next().unwrap());
    let audited = purchase::audit::audit(&house.purchase, &desk, false)
        .await
        .unwrap();
    println!("audited in {} ms: {audited}", began.elapsed().as_millis());

    redis.kill_9();
    redis.start_again();
    let compared = selling_again(&house, "a restart").await;
    redis.kill_9();
    redis.wipe();
    redis.start_again();
    let rebuilt = selling_again(&house, "a loss of everything").await;
    assert_eq!(house.counts().await.2, sold, "every order is back");
    assert!(compared < Duration::from_secs(5) && rebuilt < Duration::from_secs(5));
}
