//! How many confirms a second are answered 200, the ledger's commit awaited, and in what time.
//!
//! Everything is real and a process of its own: `vestibule purchase` with its recorder, a private
//! Redis that syncs every write, a private PostgreSQL (or SQLite), and this client, which confirms
//! as a payment service does, over HTTP on the operator listener. Reserving comes before and is not
//! measured. At the end the orders are counted in the ledger. Run by `scripts/bench-confirms.sh`.

#![expect(
    clippy::disallowed_methods,
    reason = "an example's tasks end with its runtime, and it has the machine's clock"
)]

mod client;
#[path = "../../../purchase/tests/it/postgres.rs"]
#[expect(dead_code, reason = "the tests have need of more of it")]
mod postgres;
#[path = "../../../purchase/tests/it/server.rs"]
#[expect(dead_code, reason = "the tests have need of more of it")]
mod server;
mod service;

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use sqlx::{AnyConnection, Connection, Row};

use service::Service;

/// Most units a person may have here, so that few passes have to be made.
const EACH: usize = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = |otherwise: usize| {
        let argument = arguments.next();
        argument.map_or(otherwise, |text| text.parse().expect("a number"))
    };
    let (confirms, at_once, runs) = (next(20_000), next(256), next(3));
    sqlx::any::install_default_drivers();
    for run in 1..=runs {
        let postgres = postgres::Postgres::start();
        let url = postgres.new_database();
        measure("PostgreSQL", run, &url, confirms, at_once).await;
        drop(postgres);
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/ledger.sqlite", directory.path().display());
        measure("SQLite", run, &url, confirms, at_once).await;
    }
}

async fn measure(name: &str, run: usize, ledger: &str, confirms: usize, at_once: usize) {
    let redis = server::Server::start();
    let service = Service::start(&redis.url(), ledger, confirms);
    service.until_open().await;
    let held = client::reserve(&service, confirms, at_once).await;
    service.until_recorded(confirms as u64 + 1).await;
    let before = service.batches().await;
    let began = Instant::now();
    let (times, later) = client::confirm(&service, held, at_once).await;
    let took = began.elapsed();
    let after = service.batches().await;

    let mut other = AnyConnection::connect(ledger).await.unwrap();
    let orders = sqlx::query("SELECT COUNT(*) FROM orders WHERE refunded_at IS NULL");
    let orders: i64 = orders.fetch_one(&mut other).await.unwrap().get(0);
    let recorded = (confirms - later) as i64;
    assert!(
        orders >= recorded,
        "{orders} of {recorded} are in the ledger"
    );
    let mut spread = Histogram::<u64>::new(3).unwrap();
    for time in times {
        spread.record(time.as_micros() as u64).unwrap();
    }
    let ms = |quantile| spread.value_at_quantile(quantile) as f64 / 1000.0;
    let (events, batches) = (after.0 - before.0, after.1 - before.1);
    println!(
        "run {run} {name:<10} {:>6.0} confirms/s  p50 {:>5.1} ms  p99 {:>5.1} ms  {:>4.0} events \
         a batch ({batches:.0} batches)  {confirms} confirms, {at_once} in flight, {later} answered 202",
        rate(recorded as usize, took),
        ms(0.5),
        ms(0.99),
        events / batches.max(1.0),
    );
}

fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
