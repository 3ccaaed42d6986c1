//! A PostgreSQL that dies, hangs, or refuses for a while.

use std::time::Duration;

use http::Method;
use sqlx::Executor;

use super::it::{
    database::Database,
    fixture::{Choice, House, Place, until},
    postgres::Postgres,
    server::shared,
};
use super::wire::Wire;

fn impatient() -> Choice {
    Choice {
        supplied: 100,
        limit: 100,
        confirm_wait: Duration::from_millis(300),
        ..Choice::default()
    }
}

/// Held and sold, if the ledger answers and knows the sale.
async fn counts(house: &House) -> Option<(u64, u64)> {
    let totals = house.purchase.ledger().totals(&house.sale).await.ok()?;
    totals.first().map(|sku| (sku.held, sku.sold))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_again_and_again_loses_nothing_and_records_nothing_twice() {
    let mut server = Postgres::start();
    let place = Place::with(shared(), Database::on(&server));
    let house = place.open(&impatient()).await;
    let mut sold = Vec::new();
    for round in 0..3 {
        let id = house.held("ann").await;
        let paid = house.confirm(&id, "ann", "pay").await;
        sold.push((id, paid.status));
        server.kill_9();
        for n in 0..5 {
            let id = house.held("ann").await;
            let paid = house.confirm(&id, "ann", &format!("{round}-{n}")).await;
            assert_eq!(
                (paid.status.as_u16(), &paid.json()["state"]),
                (202, &"confirming".into())
            );
            sold.push((id, paid.status));
        }
        server.start_again();
        // What was in flight when it died is recorded too, without being asked for again.
        until("all is recorded", || async {
            counts(&house).await == Some((0, sold.len() as u64))
        })
        .await;
    }
    for (id, _) in &sold {
        assert_eq!(house.state(id, "ann").await, "confirmed");
    }
    assert!(house.letters().await.is_empty());
    assert_eq!(house.counts().await, (82, 0, 18));
    let events = place.column("SELECT event_id FROM stock_events").await;
    assert_eq!(events.len(), house.stream().await.len(), "each event once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_an_honest_202_and_nobody_waits_for_it() {
    let server = Postgres::start();
    let place = Place::with(shared(), Database::on(&server));
    let house = place.open(&impatient()).await;
    let id = house.held("ann").await;
    let order = format!("/v1/orders/{}", id.replacen('r', "o", 1));
    server.signal("-STOP");
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 202);
    // Long enough for every connection to be caught by the silence once.
    for n in 0..12 {
        let id = house.held("ann").await;
        assert_eq!(house.confirm(&id, "ann", &format!("{n}")).await.status, 202);
    }
    let read = house.ask(Method::GET, &order, "ann", None).await;
    assert_eq!(
        (read.status.as_u16(), &read.json()["state"]),
        (200, &"confirming".into())
    );
    server.signal("-CONT");
    until("all is recorded", || async {
        counts(&house).await == Some((0, 13))
    })
    .await;
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    assert!(house.letters().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_went_silent_are_given_up_for_new_ones() {
    let (wire, database) = Wire::to_a_database();
    let place = Place::with(shared(), database);
    let house = place.open(&impatient()).await;
    for n in 0..3 {
        let id = house.held("ann").await;
        // The recorder, and whoever reads, sit on connections that will never answer.
        wire.cut();
        house.confirm(&id, "ann", &format!("pay-{n}")).await;
        until("it is recorded over another connection", || async {
            house.state(&id, "ann").await == "confirmed"
        })
        .await;
    }
    assert!(house.letters().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_tried_again_and_nothing_is_set_aside_for_it() {
    let place = Place::at(shared());
    let house = place
        .open(&Choice {
            supplied: 20,
            ..Choice::default()
        })
        .await;
    // Serialization failure, deadlock, shutdown, disk full, lock not available, cancelled.
    let mut other = place.database.stranger().await;
    other
        .execute(
            "CREATE SEQUENCE tries;
             CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
             DECLARE code text := (ARRAY['40001', '40P01', '57P01', '53100', '55P03', '57014'])
                [nextval('tries')];
             BEGIN
                IF code IS NOT NULL THEN RAISE EXCEPTION 'for a while' USING ERRCODE = code; END IF;
                RETURN NEW;
             END $$;
             CREATE TRIGGER fail BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION fail()",
        )
        .await
        .unwrap();
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    assert_eq!(
        place
            .column("SELECT CAST(last_value AS TEXT) FROM tries")
            .await,
        ["7"]
    );
    // And as an operator ends the connections of a server that is to go down.
    let ended = "SELECT CAST(pg_terminate_backend(pid) AS TEXT) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for n in 0..5 {
        assert!(!place.column(ended).await.is_empty());
        let id = house.held(&format!("p{n}")).await;
        let paid = house.confirm(&id, &format!("p{n}"), "pay").await;
        assert_eq!(paid.status, 200);
    }
    assert!(house.letters().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_on_the_disk_whatever_the_servers_default_is() {
    let place = Place::at(shared());
    assert_eq!(place.column("SHOW synchronous_commit").await, ["off"]);
    let house = place.open(&Choice::default()).await;
    let mut other = place.database.stranger().await;
    other
        .execute(
            "CREATE TABLE seen (setting text);
             CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                INSERT INTO seen VALUES (current_setting('synchronous_commit'));
                RETURN NEW;
             END $$;
             CREATE TRIGGER see BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION see()",
        )
        .await
        .unwrap();
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    assert_eq!(place.column("SELECT setting FROM seen").await, ["on"]);
}
