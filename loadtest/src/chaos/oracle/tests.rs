use std::collections::BTreeMap;

use super::*;
use crate::chaos::{
    plan::Ware,
    rest::{EventRow, Figures, HoldRow, OrderRow},
};

/// A round in which everything was kept: one hold paid, one refunded, one given back, one run out.
struct Scene {
    round: Round,
    heard: Vec<Heard>,
    rest: Rest,
    disturbed: Vec<(u64, u64)>,
    wiped: Vec<u64>,
    not_reopened: Vec<String>,
    fallen: Vec<String>,
}

const PERSONS: [(&str, &str); 4] = [
    ("paid", "confirmed"),
    ("back", "refunded"),
    ("gave", "cancelled"),
    ("left", "expired"),
];

fn heard(ask: Ask, person: &str, status: u16, at: u64) -> Heard {
    Heard {
        ask,
        asked: at,
        answered: at + 10,
        person: person.to_owned(),
        sku: "solo".to_owned(),
        quantity: 1,
        key: format!("key-{person}"),
        reservation: if ask == Ask::Reserve {
            String::new()
        } else {
            format!("r.{person}")
        },
        payment_ref: format!("pay-{person}"),
        status,
        retry_after: status == 503,
        word: String::new(),
        body: String::new(),
    }
}

fn answer(person: &str, unit: u64) -> String {
    format!("{{\"id\":\"r.{person}\",\"units\":[{unit}],\"expires_at\":4100}}")
}

impl Scene {
    fn honest() -> Self {
        let ware = Ware {
            sku: "solo",
            supplied: 4,
            limit: 1,
        };
        let round = Round {
            number: 0,
            seed: 1,
            sale: "chaos".to_owned(),
            wares: vec![ware],
            hold_ttl_ms: 3_000,
            kills: 1,
            slow_disk: false,
            wipes: false,
            recording: [false, false],
        };
        let mut scene = Self {
            round,
            heard: Vec::new(),
            rest: Rest::default(),
            disturbed: Vec::new(),
            wiped: Vec::new(),
            not_reopened: Vec::new(),
            fallen: Vec::new(),
        };
        for (unit, (person, state)) in (1..).zip(PERSONS) {
            let mut reserve = heard(Ask::Reserve, person, 201, 1_000 + unit);
            reserve.body = answer(person, unit);
            scene.heard.push(reserve);
            scene.hold(person, unit, state);
            scene.event("reserved", person, 1_005);
        }
        for (ask, person, at) in [
            (Ask::Confirm, "paid", 2_000),
            (Ask::Confirm, "back", 2_000),
            (Ask::Refund, "back", 2_500),
            (Ask::Cancel, "gave", 2_000),
        ] {
            scene.heard.push(heard(ask, person, 200, at));
        }
        scene.order("paid", 1, false);
        scene.order("back", 2, true);
        scene.event("cancelled", "gave", 2_005);
        scene.event("refunded", "back", 2_505);
        scene.event("expired", "left", 4_200);
        let now = Figures {
            available: 3,
            held: 0,
            sold: 1,
            supplied: 4,
        };
        scene.rest.figures = BTreeMap::from([("solo".to_owned(), now)]);
        let mut read = heard(Ask::Read, "paid", 200, 9_000);
        read.word = "confirmed".to_owned();
        scene.rest.reads.push(read);
        scene
    }

    fn hold(&mut self, person: &str, unit: u64, state: &str) {
        let row = HoldRow {
            reservation: format!("r.{person}"),
            sku: "solo".to_owned(),
            person: person.to_owned(),
            units: vec![unit],
            reserved_at: 1_005,
            expires_at: 4_100,
            key: format!("key-{person}"),
            state: state.to_owned(),
        };
        self.rest.holds.insert(row.reservation.clone(), row);
    }

    fn order(&mut self, person: &str, unit: u64, refunded: bool) {
        let row = OrderRow {
            reservation: format!("r.{person}"),
            sku: "solo".to_owned(),
            units: vec![unit],
            payment_ref: format!("pay-{person}"),
            refunded,
        };
        self.rest.orders.insert(row.reservation.clone(), row);
    }

    fn event(&mut self, kind: &str, person: &str, at: u64) {
        self.rest.events.push(EventRow {
            kind: kind.to_owned(),
            reservation: format!("r.{person}"),
            at,
        });
    }

    fn figures(&mut self) -> &mut Figures {
        self.rest.figures.get_mut("solo").unwrap()
    }

    fn hear(&mut self, ask: Ask, person: &str, status: u16, word: &str) {
        let mut one = heard(ask, person, status, 3_000);
        word.clone_into(&mut one.word);
        self.heard.push(one);
    }

    /// Names of the broken checks.
    fn broken(&self) -> Vec<String> {
        let checks = judge(&Case {
            round: &self.round,
            heard: &self.heard,
            rest: &self.rest,
            disturbed: &Spans::new(self.disturbed.clone()),
            wiped: &self.wiped,
            not_reopened: &self.not_reopened,
            fallen: &self.fallen,
        });
        let broken = checks.into_iter().filter(|check| !check.kept);
        broken.map(|check| check.name).collect()
    }
}

#[test]
fn an_honest_round_is_not_blamed() {
    assert_eq!(Scene::honest().broken(), [""; 0]);
}

#[test]
fn every_check_turns_red_when_its_promise_is_broken() {
    type Doctor = fn(&mut Scene);
    let doctored: [(&str, Doctor); 25] = [
        ("oversold", |s| s.figures().held = 4),
        ("duplicate_units", |s| {
            s.hold("other", 1, "confirmed");
            s.event("reserved", "other", 3_000);
        }),
        ("duplicate_units", |s| {
            s.order("left", 1, false);
        }),
        ("over_limit", |s| {
            s.hold("twice", 9, "cancelled");
            s.rest.holds.get_mut("r.twice").unwrap().person = "paid".into();
            s.event("reserved", "twice", 3_000);
        }),
        ("stock_adds_up", |s| s.figures().available = 2),
        ("stock_matches_ledger", |s| s.figures().sold = 2),
        ("dead_letters", |s| s.rest.dead.push("1-1: clash".into())),
        ("unrecorded", |s| s.rest.unrecorded = 3),
        ("lost_confirms", |s| drop(s.rest.orders.remove("r.paid"))),
        ("lost_confirms", |s| s.rest.reads[0].word = "held".into()),
        ("lost_confirming", |s| {
            s.hear(Ask::Confirm, "left", 202, "confirming");
        }),
        ("lost_holds", |s| drop(s.rest.holds.remove("r.left"))),
        ("undone", |s| {
            s.rest.holds.get_mut("r.gave").unwrap().state = "expired".into();
        }),
        ("undone", |s| {
            s.rest.orders.get_mut("r.back").unwrap().refunded = false;
        }),
        ("unasked", |s| {
            s.rest.orders.get_mut("r.paid").unwrap().refunded = true;
        }),
        ("unasked", |s| s.order("left", 4, false)),
        ("late_payments", |s| {
            s.hear(Ask::Confirm, "left", 200, "");
            s.heard.last_mut().unwrap().asked = 4_106;
        }),
        ("late_holds", |s| {
            s.rest.events.last_mut().unwrap().at = 6_101;
        }),
        ("early_holds", |s| {
            s.rest.events.last_mut().unwrap().at = 4_099;
        }),
        ("early_holds", |s| {
            s.hear(Ask::Confirm, "left", 410, "expired");
        }),
        ("stuck_holds", |s| {
            s.rest.holds.get_mut("r.left").unwrap().state = "held".into();
        }),
        ("repeats_differ", |s| {
            s.hear(Ask::Reserve, "paid", 201, "held");
            s.heard.last_mut().unwrap().body = answer("again", 4);
        }),
        ("not_reopened", |s| {
            s.not_reopened.push("after kill-store".into());
        }),
        ("fallen", |s| s.fallen.push("Store".into())),
        ("unsettled", |s| {
            s.hear(Ask::Cancel, "left", 503, "store-away");
        }),
    ];
    for (name, doctor) in doctored {
        let mut scene = Scene::honest();
        doctor(&mut scene);
        let broken = scene.broken();
        assert!(
            broken.iter().any(|broken| broken == name),
            "{name} in {broken:?}"
        );
    }
}

#[test]
fn a_refusal_is_held_against_what_there_was_at_that_moment() {
    for (word, status, person, blamed) in [
        // Two of four were out at 3000: paid and left.
        ("sold-out", 409, "new", Some("false_refusals")),
        ("not-enough", 409, "new", Some("false_refusals")),
        ("limit-reached", 409, "new", Some("false_refusals")),
        ("limit-reached", 409, "paid", None),
        ("unknown-sku", 404, "new", Some("unexplained")),
        ("internal", 500, "new", Some("dishonest_errors")),
    ] {
        let mut scene = Scene::honest();
        scene.hear(Ask::Reserve, person, status, word);
        // Another attempt than the one that person's hold came from.
        scene.heard.last_mut().unwrap().key = "another".into();
        let broken = scene.broken();
        assert_eq!(
            broken.first().map(String::as_str),
            blamed,
            "{word}: {broken:?}"
        );
    }
    let mut scene = Scene::honest();
    scene.hear(Ask::Reserve, "paid", 409, "limit-reached");
    assert_eq!(
        scene.broken(),
        ["repeats_differ"],
        "its own key is no second attempt"
    );
    let mut scene = Scene::honest();
    scene.hear(Ask::Confirm, "gave", 503, "restarting");
    scene.heard.last_mut().unwrap().retry_after = false;
    assert!(scene.broken().contains(&"dishonest_errors".to_owned()));
}

#[test]
fn a_wipe_excuses_what_the_ledger_did_not_have_and_nothing_else() {
    let mut scene = Scene::honest();
    scene.hear(Ask::Confirm, "left", 202, "confirming");
    scene.hear(Ask::Confirm, "left", 410, "hold-lost");
    (scene.heard.last_mut().unwrap().asked, scene.wiped) = (3_600, vec![3_500]);
    scene.heard.last_mut().unwrap().answered = 3_610;
    scene.rest.holds.remove("r.left");
    assert_eq!(scene.broken(), [""; 0]);
    scene.rest.orders.remove("r.paid");
    assert!(scene.broken().contains(&"lost_confirms".to_owned()));
}

#[test]
fn time_in_which_the_sale_was_disturbed_does_not_count() {
    let mut scene = Scene::honest();
    scene.rest.events.last_mut().unwrap().at = 8_000;
    scene.disturbed = vec![(3_000, 5_000)];
    assert_eq!(scene.broken(), [""; 0]);
    scene.disturbed = vec![(3_000, 4_500)];
    assert_eq!(scene.broken(), ["late_holds"]);
}
