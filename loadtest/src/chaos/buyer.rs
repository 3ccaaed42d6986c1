//! The crowd: each buyer reserves, pays, gives back, lets go, and asks for the money back.
//!
//! A good client: an unknown outcome (no answer, 5xx) is asked again with the same idempotency key
//! or payment reference until it is known. When a person has bought enough, another one comes.

use std::{sync::Arc, time::Duration};

use rand::{Rng, rngs::StdRng};
use serde_json::Value;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    ChaosError,
    heard::{Ask, Heard},
    plan::Round,
    shop::{Person, Question, Shop},
};
use crate::clock::now_ms;

/// After how many purchases a person has enough.
const ENOUGH: u32 = 6;
/// How often an unknown outcome is asked again before it stays unknown.
const TRIES: u32 = 150;

/// One buyer.
pub(super) struct Buyer {
    pub(super) number: usize,
    pub(super) shop: Arc<Shop>,
    pub(super) round: Arc<Round>,
    pub(super) draw: StdRng,
}

impl Buyer {
    /// Buys until the shop closes, then settles what is unsettled.
    pub(super) async fn live(mut self, closing: CancellationToken) -> Result<(), ChaosError> {
        let mut life = 0;
        while !closing.is_cancelled() {
            life += 1;
            let person = self.shop.admit(format!("b{}-{life}", self.number))?;
            for attempt in 0..ENOUGH {
                if closing.is_cancelled() {
                    break;
                }
                self.buy(&person, attempt, &closing).await;
                closing.run_until_cancelled(self.think(400)).await;
            }
        }
        Ok(())
    }

    /// About so many ms.
    fn think(&mut self, ms: u64) -> impl Future<Output = ()> + use<> {
        sleep(Duration::from_millis(
            self.draw.random_range(ms / 4..ms * 2),
        ))
    }

    /// Asks until the outcome is known.
    async fn settle(&mut self, person: &Person, ask: Ask, what: &Question) -> Option<Heard> {
        for _ in 0..TRIES {
            let door = self.draw.random_range(0..self.shop.doors());
            let heard = self.shop.ask(door, person, ask, what).await;
            if heard.is_definite() {
                return Some(heard);
            }
            // Sooner than Retry-After asks for: what is sought is the moment of reopening.
            self.think(120).await;
        }
        None
    }

    async fn buy(&mut self, person: &Person, attempt: u32, closing: &CancellationToken) {
        let ware = &self.round.wares[self.draw.random_range(0..self.round.wares.len())];
        let what = Question {
            sku: ware.sku.to_owned(),
            quantity: self.draw.random_range(1..=ware.limit),
            key: format!("{}-{attempt}", person.name),
            ..Question::default()
        };
        let Some(heard) = self.settle(person, Ask::Reserve, &what).await else {
            return;
        };
        if heard.status != 201 {
            closing.run_until_cancelled(self.think(500)).await;
            return;
        }
        let answer: Value = serde_json::from_str(&heard.body).unwrap_or_default();
        let expires_at = answer["expires_at"].as_u64().unwrap_or(0);
        let held = Question {
            reservation: answer["id"].as_str().unwrap_or_default().to_owned(),
            payment_ref: format!("pay-{}-{attempt}", person.name),
            by_operator: self.draw.random_bool(0.5),
            ..what.clone()
        };
        if self.draw.random_bool(0.15) {
            self.settle(person, Ask::Reserve, &what).await;
        }
        match self.draw.random_range(0..100) {
            0..64 => {
                self.think(600).await;
                self.pay(person, &held, &what).await;
            }
            // At the last moment: the sweeper may be there first.
            64..70 => {
                let moment = expires_at + self.draw.random_range(0..160);
                let left = moment.saturating_sub(now_ms() + 60);
                sleep(Duration::from_millis(left)).await;
                self.pay(person, &held, &what).await;
            }
            70..84 => {
                self.think(300).await;
                self.settle(person, Ask::Cancel, &mine(&held)).await;
                if self.draw.random_bool(0.2) {
                    self.settle(person, Ask::Cancel, &mine(&held)).await;
                }
            }
            // Walks away.
            _ => {}
        }
    }

    async fn pay(&mut self, person: &Person, held: &Question, what: &Question) {
        let Some(heard) = self.settle(person, Ask::Confirm, held).await else {
            return;
        };
        if heard.status >= 300 {
            return;
        }
        if self.draw.random_bool(0.2) {
            self.settle(person, Ask::Confirm, held).await;
        }
        if self.draw.random_bool(0.15) {
            self.settle(person, Ask::Reserve, what).await;
        }
        if self.draw.random_bool(0.2) {
            self.settle(person, Ask::Read, &mine(held)).await;
        }
        if self.draw.random_bool(0.2) {
            self.think(1_000).await;
            let back = Question {
                by_operator: true,
                ..held.clone()
            };
            self.settle(person, Ask::Refund, &back).await;
        }
    }
}

/// Only its owner may.
fn mine(held: &Question) -> Question {
    Question {
        by_operator: false,
        ..held.clone()
    }
}
