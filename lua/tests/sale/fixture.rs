//! A sale of its own for each test, with a clock that is told the time.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use entry_pass::{PersonId, Sku};
use lua::{
    Store,
    sale::{
        Cancelled, Confirmed, Lead, Lease, Reserve, Reserved, Sale, SetSupply, SkuCounts,
        StockEvent, Swept,
    },
};

pub(crate) const START: u64 = 1_700_000_000_000;
pub(crate) const HOLD: Duration = Duration::from_mins(2);
/// One millisecond less than [`HOLD`].
pub(crate) const ALMOST: Duration = Duration::from_millis(119_999);
pub(crate) const KEEP: Duration = Duration::from_hours(24);

pub(crate) struct Shop {
    pub(crate) sale: Sale,
    pub(crate) time: Arc<AtomicU64>,
}

pub(crate) fn sku() -> Sku {
    "unit".parse().unwrap()
}

pub(crate) fn person(name: impl std::fmt::Display) -> PersonId {
    format!("p{name}").parse().unwrap()
}

impl Shop {
    /// A sale of a name of its own, in the shared server, that nobody has seeded.
    pub(crate) async fn empty() -> Self {
        Self::at(super::server::shared()).await
    }

    pub(crate) async fn at(url: &str) -> Self {
        Self::named(&uuid::Uuid::now_v7().simple().to_string(), url).await
    }

    /// The same sale by connections of its own and with a clock of its own.
    pub(crate) async fn another(&self, url: &str) -> Self {
        Self::named(self.sale.id().as_str(), url).await
    }

    async fn named(name: &str, url: &str) -> Self {
        let store = Store::connect(url).await.unwrap();
        let time = Arc::new(AtomicU64::new(START));
        let sale = Sale::new(&store, name.parse().unwrap()).unwrap();
        Self {
            sale: sale.told_the_time(Arc::clone(&time)),
            time,
        }
    }

    pub(crate) async fn with(supplied: u32, limit: u32) -> Self {
        let shop = Self::empty().await;
        shop.seed(supplied, limit).await;
        shop
    }

    pub(crate) async fn seed(&self, supplied: u32, limit: u32) {
        let seed = SetSupply {
            sku: &sku(),
            supplied,
            limit,
            seed: true,
        };
        self.sale.supply(&seed).await.unwrap();
    }

    /// Lets time pass as it does while a sweeper runs.
    pub(crate) async fn pass(&self, wait: Duration) -> u64 {
        let (mut left, mut expired) = (wait.as_millis() as u64, 0);
        while left > 0 {
            let step = left.min(4_000);
            self.time.fetch_add(step, Ordering::Relaxed);
            left -= step;
            while let Swept::Step {
                expired: some,
                more,
                ..
            } = self.sale.sweep(100, KEEP).await.unwrap()
            {
                expired += some;
                if !more {
                    break;
                }
            }
        }
        expired
    }

    pub(crate) async fn reserve(&self, who: &PersonId, quantity: u32) -> Reserved {
        let id = format!("r.{}", uuid::Uuid::now_v7().simple());
        self.reserve_as(who, quantity, &id, &id, "body").await
    }

    pub(crate) async fn reserve_as(
        &self,
        who: &PersonId,
        quantity: u32,
        id: &str,
        key: &str,
        body: &str,
    ) -> Reserved {
        let what = Reserve {
            id,
            person: who,
            sku: &sku(),
            quantity,
            hold: HOLD,
            key,
            body,
            key_ttl: KEEP,
        };
        self.sale.reserve(&what).await.unwrap()
    }

    /// Reserves and says the id and the units.
    pub(crate) async fn held(&self, who: &PersonId, quantity: u32) -> (String, Vec<u64>) {
        match self.reserve(who, quantity).await {
            Reserved::New(answer) => id_and_units(&answer),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn confirm(&self, id: &str, who: &PersonId) -> Confirmed {
        self.sale
            .confirm(id, Some(who), &format!("pay-{id}"))
            .await
            .unwrap()
    }

    pub(crate) async fn cancel(&self, id: &str, who: &PersonId) -> Cancelled {
        self.sale.cancel(id, Some(who)).await.unwrap()
    }

    pub(crate) async fn counts(&self) -> SkuCounts {
        let counts = self.sale.counts().await.unwrap().skus.remove(0);
        let sum = counts.available + counts.held + counts.sold;
        assert_eq!(sum, counts.supplied, "available + held + sold = supplied");
        counts
    }

    /// A command of its own, past the scripts.
    pub(crate) async fn redis(&self, command: &[&str]) -> redis::Value {
        redis::cmd(command[0])
            .arg(&command[1..])
            .query_async(&mut self.sale.store().fast())
            .await
            .unwrap()
    }

    /// The process that answers.
    pub(crate) async fn run_id(&self) -> String {
        let info = self.redis(&["INFO", "server"]).await;
        let info: String = redis::from_redis_value(info).unwrap();
        let line = info.lines().find_map(|line| line.strip_prefix("run_id:"));
        line.unwrap().trim().to_owned()
    }

    /// Lets holds become due, whatever the sweeper makes of it.
    pub(crate) async fn due(&self) {
        for _ in 0..31 {
            self.time.fetch_add(4_000, Ordering::Relaxed);
            let _ = self.sale.sweep(100, KEEP).await;
        }
    }

    /// Everything in the stream.
    pub(crate) async fn events(&self) -> Vec<StockEvent> {
        let events = self
            .redis(&["XRANGE", &self.sale.keys().events, "-", "+"])
            .await;
        let events: Vec<(String, HashMap<String, String>)> =
            redis::from_redis_value(events).unwrap();
        events
            .iter()
            .map(|(id, fields)| StockEvent::parse(id.parse().unwrap(), fields).unwrap())
            .collect()
    }

    pub(crate) async fn expect(&self, available: u64, held: u64, sold: u64) {
        let counts = self.counts().await;
        assert_eq!(
            (counts.available, counts.held, counts.sold),
            (available, held, sold)
        );
    }
}

pub(crate) fn id_and_units(answer: &str) -> (String, Vec<u64>) {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    let units = answer["units"].as_array().unwrap();
    let units = units.iter().map(|unit| unit.as_u64().unwrap()).collect();
    (answer["id"].as_str().unwrap().to_owned(), units)
}

/// The lease, for what only the active recorder may do.
pub(crate) async fn lead(sale: &Sale) -> Lead {
    let owner = "the test".to_owned();
    match sale.lease(&owner, Duration::from_mins(1), 0).await.unwrap() {
        Lease::Leading { term } => Lead { owner, term },
        Lease::Standby => panic!("somebody else records"),
    }
}
