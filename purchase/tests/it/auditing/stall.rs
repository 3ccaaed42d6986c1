//! A sale with some of everything, and the ways to damage it.

use std::{sync::Arc, time::Duration};

use entry_pass::{PersonId, Sku};
use lua::sale::{Confirmed, Reserve, Reserved, SetSupply};
use purchase::{Purchase, role::Desk};
use rand::{Rng, rngs::StdRng};
use sqlx::{AnyConnection, Connection};
use tokio_util::sync::CancellationToken;

use super::super::{
    fixture::{Choice, Place, until},
    server::shared,
};

/// Units of each sku.
pub(crate) const SUPPLIED: u32 = 40;

pub(crate) struct Stall {
    pub(crate) purchase: Purchase,
    pub(crate) desk: Arc<Desk>,
    url: String,
    _place: Place,
}

impl Stall {
    /// Some of everything, all of it recorded, and nobody at work.
    pub(crate) async fn open(rng: &mut StdRng) -> Self {
        let place = Place::at(shared());
        let choice = Choice {
            supplied: SUPPLIED,
            limit: 6,
            ..Choice::default()
        };
        let purchase = place.parts(&choice).await;
        let desk = Arc::clone(purchase.desks().next().unwrap());
        let url = place.ledger_url();
        let stall = Self {
            purchase,
            desk,
            url,
            _place: place,
        };
        let seed = SetSupply {
            sku: &stall.sku(),
            supplied: SUPPLIED,
            limit: 6,
            seed: true,
        };
        stall.desk.stock.supply(&seed).await.unwrap();
        for _ in 0..25 {
            stall.buy(rng).await;
        }
        // Of each state at least one, and a unit that came back.
        for what in 0..4 {
            let (id, person) = loop {
                if let Some(held) = stall.hold(rng).await {
                    break held;
                }
            };
            stall.settle(&id, &person, what).await;
        }
        stall.recorded().await;
        stall
    }

    pub(crate) fn sku(&self) -> Sku {
        self.desk.config.skus.keys().next().unwrap().clone()
    }

    /// Somebody reserves, and then this or that comes of it.
    pub(crate) async fn buy(&self, rng: &mut StdRng) {
        if let Some((id, person)) = self.hold(rng).await {
            let what = rng.random_range(0..5);
            self.settle(&id, &person, what).await;
        }
    }

    /// As [`Self::buy`], and the units come back: so it never ends.
    pub(crate) async fn turn_over(&self, rng: &mut StdRng) {
        if let Some((id, person)) = self.hold(rng).await {
            let what = 2 * rng.random_range(0..2);
            self.settle(&id, &person, what).await;
        }
    }

    async fn hold(&self, rng: &mut StdRng) -> Option<(String, PersonId)> {
        let name = uuid::Uuid::now_v7().simple().to_string();
        let id = format!("r.{}.{name}", self.desk.stock.id());
        let person: PersonId = format!("p{}", rng.random_range(0..30)).parse().unwrap();
        let what = Reserve {
            id: &id,
            person: &person,
            sku: &self.sku(),
            quantity: rng.random_range(1..3),
            hold: Duration::from_mins(2),
            key: &name,
            body: "body",
            key_ttl: Duration::from_hours(24),
        };
        match self.desk.stock.reserve(&what).await {
            Ok(Reserved::New(_)) => Some((id, person)),
            _ => None,
        }
    }

    async fn settle(&self, id: &str, person: &PersonId, what: u32) {
        let stock = &self.desk.stock;
        match what {
            0 | 4 => {
                let _ = stock.cancel(id, Some(person)).await;
            }
            1 | 2 => {
                let paid = stock.confirm(id, Some(person), &format!("pay-{id}")).await;
                if what == 2 && matches!(paid, Ok(Confirmed::Sold(_))) {
                    let _ = stock.refund(id).await;
                }
            }
            _ => {}
        }
    }

    /// A recorder comes, records everything and goes.
    async fn recorded(&self) {
        let stop = CancellationToken::new();
        let recorder =
            tokio::task::spawn(purchase::recorder::run(self.purchase.clone(), stop.clone()));
        let last = self
            .desk
            .stock
            .picture()
            .await
            .unwrap()
            .instant
            .last
            .unwrap();
        until("all is recorded", || async {
            let known = self
                .purchase
                .ledger()
                .recorded(self.desk.stock.id(), &[last])
                .await;
            known.unwrap().contains(&last)
        })
        .await;
        stop.cancel();
        recorder.await.unwrap();
    }

    /// A command past the scripts.
    pub(crate) async fn redis(&self, command: &[&str]) -> redis::Value {
        redis::cmd(command[0])
            .arg(&command[1..])
            .query_async(&mut self.desk.stock.store().fast())
            .await
            .unwrap()
    }

    /// A statement past the recorder; how many rows it changed.
    pub(crate) async fn sql(&self, sql: &str, values: &[&str]) -> u64 {
        let mut connection = AnyConnection::connect(&self.url).await.unwrap();
        let query = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()));
        let query = values
            .iter()
            .fold(query, |query, value| query.bind((*value).to_owned()));
        let done = query.execute(&mut connection).await;
        let rows = done.map_or(0, |done| done.rows_affected());
        connection.close().await.unwrap();
        rows
    }
}
