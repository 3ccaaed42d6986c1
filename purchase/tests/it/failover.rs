//! The stock store dies and a replica takes its address, one that had everything or one that lagged.

use std::{net::TcpListener, time::Duration};

use redis::Value;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    fixture::{Choice, House, Place, until},
    server::Server,
};

struct Pair {
    master: Server,
    replica: Server,
}

async fn ask(server: &Server, command: &[&str]) -> Value {
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd(command[0])
        .arg(&command[1..])
        .query_async(&mut connection)
        .await
        .unwrap_or(Value::Nil)
}

impl Pair {
    fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        Self {
            master: Server::start_with(&["--port", &port, "--repl-diskless-sync-delay", "0"]),
            replica: Server::start_with(&["--replicaof", "127.0.0.1", &port]),
        }
    }

    /// Waits until the replica has everything.
    async fn in_step(&self) {
        until("the replica has everything", || async {
            ask(&self.master, &["WAIT", "1", "100"]).await == Value::Int(1)
                && self.length(&self.master).await == self.length(&self.replica).await
        })
        .await;
    }

    async fn length(&self, server: &Server) -> Value {
        ask(server, &["DBSIZE"]).await
    }

    /// The replica hears nothing from now on.
    async fn cut(&self) {
        ask(&self.replica, &["REPLICAOF", "NO", "ONE"]).await;
    }

    async fn fail_over(&mut self) {
        self.master.kill_9();
        self.cut().await;
        self.replica.take_the_address_of(&self.master);
    }
}

async fn open_again(house: &House) {
    until("the sale is open again", || async {
        let answer = house.reserve("probe", 1).await;
        match (answer.status.as_u16(), answer.problem().as_str()) {
            (503, "store-away" | "restarting") => false,
            (201, _) | (409, "limit-reached") => true,
            other => panic!("{other:?}"),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_had_everything_goes_on_with_everything() {
    let mut stores = Pair::start();
    let place = Place::at(&stores.master.url());
    let house = place.open(&Choice::default()).await;
    let paid = house.held("ann").await;
    assert_eq!(house.confirm(&paid, "ann", "pay").await.status, 200);
    let held = house.held("bob").await;
    stores.in_step().await;
    stores.fail_over().await;
    open_again(&house).await;
    assert_eq!(house.state(&paid, "ann").await, "confirmed");
    assert_eq!(house.confirm(&held, "bob", "pay").await.status, 200);
    assert_eq!(house.counts().await, (2, 1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_lagged_is_brought_to_what_the_ledger_has() {
    let mut stores = Pair::start();
    let place = Place::at(&stores.master.url());
    let alone = Choice {
        supplied: 4,
        recorder: false,
        ..Choice::default()
    };
    let record = || async {
        let stop = CancellationToken::new();
        let parts = place.parts(&alone).await;
        let running = tokio::task::spawn(purchase::recorder::run(parts, stop.clone()));
        (stop, running)
    };
    let (stop, running) = record().await;
    let house = place.open(&alone).await;
    let paid = house.held("ann").await;
    assert_eq!(house.confirm(&paid, "ann", "pay").await.status, 200);
    let held = house.held("bob").await;
    stores.in_step().await;
    stores.cut().await;
    // All of this is news to the replica; the ledger knows Bob's order and Cid's hold.
    assert_eq!(house.confirm(&held, "bob", "pay").await.status, 200);
    let recorded = house.held("cid").await;
    until("it is recorded", || async {
        house.ledger_counts().await == (1, 2)
    })
    .await;
    stop.cancel();
    running.await.unwrap();
    let body = json!({ "sku": house.sku, "quantity": 1 });
    let lost = house.reserve_with("dan", "key", body.clone()).await;
    assert_eq!(lost.status, 201);
    let lost = lost.json()["id"].as_str().unwrap().to_owned();
    stores.fail_over().await;
    let (stop, running) = record().await;
    until("the ledger has won", || async {
        house.counts_if_open().await == Some((1, 1, 2))
    })
    .await;

    assert_eq!(house.state(&held, "bob").await, "confirmed", "paid is paid");
    assert_eq!(house.reserve("bob", 1).await.problem(), "limit-reached");
    assert_eq!(house.state(&recorded, "cid").await, "held");
    for answer in [
        house.read(&lost, "dan").await,
        house.confirm(&lost, "dan", "pay").await,
        house.cancel(&lost, "dan").await,
    ] {
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (410, "hold-lost")
        );
    }
    let again = house.reserve_with("dan", "key", body).await;
    assert_eq!(again.status, 201, "decided anew");
    assert_ne!(again.json()["id"], lost.as_str());
    assert_eq!(house.reserve("eve", 1).await.problem(), "sold-out");
    assert_eq!(house.confirm(&recorded, "cid", "pay").await.status, 200);
    assert_eq!(house.counts().await, (0, 1, 3));
    stop.cancel();
    running.await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), house.stop())
        .await
        .unwrap();
}
