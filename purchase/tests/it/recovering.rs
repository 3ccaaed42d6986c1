//! A sale that lost a part of itself, or cannot be as it is, repairs itself.

use std::time::Duration;

use http::Method;
use lua::sale::Fence;
use purchase::ledger::DeadLetter;
use serde_json::json;

use super::{
    fixture::{Choice, House, Place, until},
    server::{Server, shared},
};

async fn redis(house: &House, command: &[&str]) {
    redis::cmd(command[0])
        .arg(&command[1..])
        .exec_async(&mut house.purchase.store().fast())
        .await
        .unwrap();
}

/// Some of everything, all of it recorded.
async fn some(house: &House) -> (String, String) {
    let paid = house.held("ann").await;
    assert_eq!(house.confirm(&paid, "ann", "pay").await.status, 200);
    let gone = house.held("cid").await;
    house.cancel(&gone, "cid").await;
    let held = house.held("bob").await;
    until("all is recorded", || async {
        house.ledger_counts().await == (1, 1)
    })
    .await;
    (paid, held)
}

async fn whole_again(house: &House, what: &str, paid: &str, held: &str) {
    let desk = house.purchase.desks().next().unwrap();
    until(what, || async {
        desk.stock.fence().await.unwrap() == Fence::Open
    })
    .await;
    let answer = house.reserve("ann", 1).await;
    assert_eq!(answer.problem(), "limit-reached", "{what}");
    assert_eq!(house.state(paid, "ann").await, "confirmed", "{what}");
    assert_eq!(house.state(held, "bob").await, "held", "{what}");
    assert_eq!(house.counts().await, (3, 1, 1), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_that_lost_any_key_is_rebuilt_by_itself() {
    let house = House::new(Choice::default()).await;
    let (paid, held) = some(&house).await;
    let keys = house.purchase.desks().next().unwrap().stock.keys().clone();
    for key in keys.whole() {
        redis(&house, &["DEL", key]).await;
        let answer = house.reserve("dan", 1).await;
        assert!(
            answer.status != 409,
            "never sold out, nor a limit: {:?}",
            answer.bytes
        );
        whole_again(&house, key, &paid, &held).await;
    }
    redis(&house, &["SET", &keys.free, "foreign"]).await;
    whole_again(&house, "a key of another type", &paid, &held).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_broken_record_never_stops_the_sweeper_for_the_rest() {
    let house = House::new(Choice {
        hold: Duration::from_secs(2),
        ..Choice::default()
    })
    .await;
    let broken = house.held("ann").await;
    house.held("bob").await;
    until("both are recorded", || async {
        house.ledger_counts().await == (2, 0)
    })
    .await;
    let keys = house.purchase.desks().next().unwrap().stock.keys().clone();
    redis(
        &house,
        &["HSET", &keys.reservations, &broken, "held by nobody"],
    )
    .await;
    until("both come back", || async {
        house.counts_if_open().await == Some((5, 0, 0))
    })
    .await;
    assert_eq!(house.state(&broken, "ann").await, "expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirm_that_was_set_aside_keeps_its_unit_through_a_rebuild() {
    let mut server = Server::start();
    let place = Place::at(&server.url());
    let house = place
        .open(&Choice {
            supplied: 2,
            ..Choice::default()
        })
        .await;
    let id = house.held("ann").await;
    until("it is recorded", || async {
        house.ledger_counts().await == (1, 0)
    })
    .await;
    let at = house.purchase.clock().now_ms();
    let fields = json!({
        "v": "1", "kind": "confirmed", "person": "ann", "reservation": id, "sku": house.sku,
        "quantity": "1", "units": "1", "slots": "1", "payment": "pay",
        "confirmed_at": at.to_string(), "at": at.to_string(),
    });
    house
        .set_aside(&format!("{at}-0"), &fields, "a disk that was full")
        .await;
    // One that contradicts what is there: somebody else has the unit.
    let mut other = fields.clone();
    other["person"] = "eve".into();
    other["reservation"] = format!("r.{}.{}", house.sale, "e".repeat(32)).into();
    other["payment"] = "evil".into();
    house
        .set_aside(&format!("{at}-1"), &other, "the unit is taken")
        .await;
    server.kill_9();
    server.wipe();
    server.start_again();
    until("the sale is rebuilt", || async {
        house.counts_if_open().await == Some((1, 0, 1))
    })
    .await;
    assert_eq!(
        house.confirm(&id, "ann", "other").await.problem(),
        "other-payment"
    );
    assert_eq!(house.reserve("ann", 1).await.problem(), "limit-reached");
    let bob = house.reserve("bob", 1).await;
    assert_eq!(
        bob.json()["units"],
        json!([2]),
        "the unit stays with who paid"
    );
    let desk = house.purchase.desks().next().unwrap();
    let audited = purchase::audit::audit(&house.purchase, desk, false)
        .await
        .unwrap();
    let refunds: Vec<_> = audited
        .refunds
        .iter()
        .map(|found| found.payment_ref.clone())
        .collect();
    assert_eq!(refunds, [Some("evil".to_owned())], "{audited}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_ends_when_it_was_said_to_through_a_rebuild() {
    let house = House::new(Choice::default()).await;
    let held = house.held("bob").await;
    let said = house.read(&held, "bob").await.json()["expires_at"]
        .as_u64()
        .unwrap();
    until("it is recorded", || async {
        house.ledger_counts().await == (1, 0)
    })
    .await;
    let desk = house.purchase.desks().next().unwrap().clone();
    let mut before = 0;
    for round in 0..3 {
        redis(&house, &["DEL", &desk.stock.keys().slots]).await;
        until("it is rebuilt", || async {
            desk.stock.fence().await.unwrap() == Fence::Open
        })
        .await;
        let now = house.read(&held, "bob").await.json()["expires_at"]
            .as_u64()
            .unwrap();
        let closed = desk.stock.picture().await.unwrap().instant.state["closed_ms"].clone();
        let closed: u64 = closed.parse().unwrap();
        assert!(
            closed >= before,
            "round {round}: what was closed stays closed"
        );
        before = closed;
        assert_eq!(
            now,
            said + closed,
            "round {round}: moved by the time closed"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audit_has_the_active_recorder_repair() {
    let house = House::new(Choice::default()).await;
    let (paid, held) = some(&house).await;
    let desk = house.purchase.desks().next().unwrap().clone();
    redis(
        &house,
        &[
            "HDEL",
            &desk.stock.keys().slots,
            &format!("{} ann", house.sku),
        ],
    )
    .await;
    let audited = purchase::audit::audit(&house.purchase, &desk, true)
        .await
        .unwrap();
    assert!(
        audited.clean() && audited.differences.len() == 1,
        "{audited}"
    );
    whole_again(&house, "after the audit", &paid, &held).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_ledger_never_empties_a_store() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    house.held("ann").await;
    // Else the other ledger would get it from the stream, and rightly.
    until("it is recorded", || async {
        house.ledger_counts().await == (1, 0)
    })
    .await;
    let sale = house.sale.clone();
    house.stop().await;
    let mut other = Place::at(shared());
    other.sale = sale;
    let house = other.start(&Choice::default()).await;
    let desk = house.purchase.desks().next().unwrap().clone();
    desk.stock.mark_broken("as a restart would").await.unwrap();
    let path = format!("/v1/sales/{}", house.sale);
    for _ in 0..30 {
        let answer = house.operator(Method::GET, &path, None).await;
        assert_eq!(answer.json()["open"], false);
        let held = &answer.json()["skus"][&house.sku]["held"];
        assert!(held.is_null() || *held == 1, "{held}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(desk.stock.picture().await.unwrap().reservations.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_forgot_its_last_events_gets_them_from_the_stream() {
    let place = Place::at(shared());
    let house = place.open(&Choice::default()).await;
    let id = house.held("ann").await;
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    // A backup of a moment ago, or a replica that took over: the confirm was acknowledged.
    let mut other = place.database.stranger().await;
    for forget in [
        "DELETE FROM stock_events WHERE kind = 'confirmed'",
        "DELETE FROM order_units",
        "DELETE FROM orders",
        "UPDATE holds SET state = 'held', settled_at = NULL",
    ] {
        sqlx::query(forget).execute(&mut other).await.unwrap();
    }
    let desk = house.purchase.desks().next().unwrap();
    desk.stock.mark_broken("as a restart would").await.unwrap();
    house.until_open().await;
    assert_eq!(house.state(&id, "ann").await, "confirmed");
    until("the ledger has it again", || async {
        house.ledger_counts().await == (0, 1)
    })
    .await;
}

impl House {
    /// available, held and sold, if it sells.
    pub(crate) async fn counts_if_open(&self) -> Option<(u64, u64, u64)> {
        let path = format!("/v1/sales/{}", self.sale);
        let answer = self.operator(Method::GET, &path, None).await;
        if answer.status != 200 || answer.json()["open"] != true {
            return None;
        }
        let sku = &answer.json()["skus"][&self.sku];
        let figure = |name: &str| sku[name].as_u64();
        Some((figure("available")?, figure("held")?, figure("sold")?))
    }

    async fn set_aside(&self, id: &str, fields: &serde_json::Value, reason: &str) {
        let letter = DeadLetter {
            event_id: id.parse().unwrap(),
            fields: fields.to_string(),
            reason: reason.to_owned(),
            tries: 3,
        };
        let ledger = self.purchase.ledger();
        let term = ledger.term(&self.sale).await.unwrap();
        let set_aside = ledger.set_aside(&self.sale, term, &letter, 1).await;
        set_aside.unwrap();
    }
}
