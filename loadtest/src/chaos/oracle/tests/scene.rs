//! A round as it should be, and how a test makes it go wrong.

use std::collections::BTreeMap;

use super::*;
use crate::chaos::{
    plan::Ware,
    rest::{EventRow, Figures, HoldRow, OrderRow},
};

/// A round in which everything was kept: one hold paid, one refunded, one given back, one run out.
pub(super) struct Scene {
    pub(super) round: Round,
    pub(super) heard: Vec<Heard>,
    pub(super) rest: Rest,
    pub(super) disturbed: Vec<(u64, u64)>,
    pub(super) wiped: Vec<u64>,
    pub(super) not_reopened: Vec<String>,
    pub(super) fallen: Vec<String>,
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

pub(super) fn answer(person: &str, unit: u64) -> String {
    format!("{{\"id\":\"r.{person}\",\"units\":[{unit}],\"expires_at\":4100}}")
}

impl Scene {
    pub(super) fn honest() -> Self {
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

    pub(super) fn hold(&mut self, person: &str, unit: u64, state: &str) {
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

    pub(super) fn order(&mut self, person: &str, unit: u64, refunded: bool) {
        let row = OrderRow {
            reservation: format!("r.{person}"),
            sku: "solo".to_owned(),
            units: vec![unit],
            payment_ref: format!("pay-{person}"),
            refunded,
        };
        self.rest.orders.insert(row.reservation.clone(), row);
    }

    pub(super) fn event(&mut self, kind: &str, person: &str, at: u64) {
        self.rest.events.push(EventRow {
            kind: kind.to_owned(),
            reservation: format!("r.{person}"),
            at,
        });
    }

    pub(super) fn figures(&mut self) -> &mut Figures {
        self.rest.figures.get_mut("solo").unwrap()
    }

    pub(super) fn hear(&mut self, ask: Ask, person: &str, status: u16, word: &str) {
        let mut one = heard(ask, person, status, 3_000);
        word.clone_into(&mut one.word);
        self.heard.push(one);
    }

    /// Names of the broken checks.
    pub(super) fn broken(&self) -> Vec<String> {
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
