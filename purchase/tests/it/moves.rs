//! Every move in every state: what is allowed does the one thing it says, the rest is refused by
//! name and changes nothing.

use std::time::Duration;

use super::fixture::Place;
use super::{
    fixture::{Answer, Choice, House, until},
    server::shared,
};

/// Where a reservation stands.
const STATES: [&str; 7] = [
    "held",
    "confirmed",
    "cancelled",
    "expired",
    "refunded",
    // The ledger has the hold and the stock store does not.
    "lost",
    "none",
];

const MOVES: [&str; 10] = [
    "confirm",
    "confirm with another payment",
    "shop confirms",
    "cancel",
    "shop cancels",
    "refund",
    "read",
    "read order",
    "another confirms or cancels",
    "another reads",
];

/// By state and move: status, the problem or the state answered, and the state afterwards.
#[rustfmt::skip]
const TABLE: [[&str; 10]; 7] = [
    // confirm, other payment, shop confirms, cancel, shop cancels, refund, read, order, other moves, other reads
    ["200 confirmed", "200 confirmed", "200 confirmed", "200 cancelled", "200 cancelled", "409 wrong-state", "200 held", "404 not-found", "404 not-found", "404 not-found"],
    ["200 confirmed", "409 other-payment", "200 confirmed", "409 confirmed", "409 confirmed", "200 refunded", "200 confirmed", "200 confirmed", "404 not-found", "404 not-found"],
    ["409 cancelled", "409 cancelled", "409 cancelled", "200 cancelled", "200 cancelled", "409 wrong-state", "200 cancelled", "404 not-found", "404 not-found", "404 not-found"],
    ["410 expired", "410 expired", "410 expired", "410 expired", "410 expired", "409 wrong-state", "200 expired", "404 not-found", "404 not-found", "404 not-found"],
    ["409 wrong-state", "409 wrong-state", "409 wrong-state", "409 wrong-state", "409 wrong-state", "200 refunded", "200 refunded", "200 refunded", "404 not-found", "404 not-found"],
    ["410 hold-lost", "410 hold-lost", "410 hold-lost", "410 hold-lost", "410 hold-lost", "404 not-found", "410 hold-lost", "404 not-found", "404 not-found", "404 not-found"],
    ["404 not-found", "404 not-found", "404 not-found", "404 not-found", "404 not-found", "404 not-found", "404 not-found", "404 not-found", "404 not-found", "404 not-found"],
];

/// A reservation in a state; its person is Ann.
async fn in_state(house: &House, state: &str) -> String {
    let id = house.held("ann").await;
    match state {
        "confirmed" | "refunded" => {
            assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
            if state == "refunded" {
                assert_eq!(house.refund(&id).await.status, 200);
            }
        }
        "cancelled" => assert_eq!(house.cancel(&id, "ann").await.status, 200),
        "lost" => lose(house, &id).await,
        "none" => return format!("r.{}.{}", house.sale, "0".repeat(32)),
        _ => {}
    }
    id
}

/// Takes a recorded hold out of the store.
async fn lose(house: &House, id: &str) {
    until("the hold is recorded", || async {
        let hold = house.purchase.ledger().hold(id).await;
        hold.is_ok_and(|hold| hold.is_some())
    })
    .await;
    let keys = house.purchase.desks().next().unwrap().stock.keys().clone();
    redis::pipe()
        .hdel(&keys.reservations, id)
        .zrem(&keys.deadlines, id)
        .exec_async(&mut house.purchase.store().fast())
        .await
        .unwrap();
}

/// Reads, again while the ledger is too busy to be asked: nobody can say then that it has the order.
async fn read(house: &House, id: &str, order: bool) -> Answer {
    loop {
        let answer = if order {
            house.read_order(id, "ann").await
        } else {
            house.read(id, "ann").await
        };
        if answer.json()["state"] != "confirming" {
            return answer;
        }
    }
}

async fn make(house: &House, id: &str, what: &str) -> Answer {
    let shop = |path: &str, body| {
        let path = format!("/v1/reservations/{id}/{path}");
        async move { house.operator(http::Method::POST, &path, body).await }
    };
    match what {
        "confirm" => house.confirm(id, "ann", "pay").await,
        "confirm with another payment" => house.confirm(id, "ann", "another").await,
        "shop confirms" => {
            let payment = serde_json::json!({ "payment_ref": "pay" });
            shop("confirm", Some(payment)).await
        }
        "cancel" => house.cancel(id, "ann").await,
        "shop cancels" => shop("cancel", None).await,
        "refund" => house.refund(id).await,
        "read" => read(house, id, false).await,
        "read order" => read(house, id, true).await,
        "another confirms or cancels" => {
            let confirm = house.confirm(id, "eve", "pay").await;
            let cancel = house.cancel(id, "eve").await;
            assert_eq!(
                (confirm.status, confirm.bytes),
                (cancel.status, cancel.bytes.clone())
            );
            cancel
        }
        "another reads" => {
            assert_eq!(house.read_order(id, "eve").await.problem(), "not-found");
            house.read(id, "eve").await
        }
        _ => unreachable!("no such move"),
    }
}

/// As in the table.
fn said(answer: &Answer) -> String {
    let body = answer.json();
    let word = match &body {
        _ if answer.status.as_u16() >= 400 => answer.problem(),
        body if body["state"].is_string() => body["state"].as_str().unwrap().to_owned(),
        body if body["order"].is_object() => "confirmed".to_owned(),
        other => panic!("{other}"),
    };
    format!("{} {word}", answer.status.as_u16())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wrong_move_is_refused_by_name_and_changes_nothing() {
    let mut wrong = Vec::new();
    for (state, row) in STATES.iter().zip(TABLE) {
        let hold = if *state == "expired" { 1 } else { 600 };
        let choice = Choice {
            supplied: 50,
            limit: 50,
            hold: Duration::from_secs(hold),
            ..Choice::default()
        };
        let house = Place::at(shared()).open(&choice).await;
        let mut ids = Vec::new();
        for _ in MOVES {
            ids.push(in_state(&house, state).await);
        }
        if *state == "expired" {
            // Over is one thing, given back another: that takes a sweep.
            until("all are given back", || async {
                house.counts().await.1 == 0
            })
            .await;
        }
        for ((what, must), id) in MOVES.iter().zip(row).zip(ids) {
            let before = house.counts().await;
            let answer = said(&make(&house, &id, what).await);
            let (status, word) = answer.split_once(' ').unwrap();
            let after = said(&read(&house, &id, false).await);
            // What did something is that now; what did not is what it was.
            let must_be = match (status, *state) {
                ("200", _) if *what != "read order" => format!("200 {word}"),
                (_, "lost") => "410 hold-lost".to_owned(),
                (_, "none") => "404 not-found".to_owned(),
                (_, state) => format!("200 {state}"),
            };
            if answer != must || after != must_be {
                wrong.push(format!(
                    "{state}: {what}: {answer}, must be {must}; then {after}"
                ));
            }
            if status != "200" && house.counts().await != before {
                wrong.push(format!(
                    "{state}: {what}: refused, and yet the counts moved"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
