//! The purchase library on one store and one ledger, and the small sale made with it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use entry_pass::{KeyRing, PersonId, SaleId, Sku};
use lua::sale::{Confirmed, Fence, Refunded, Reserve, Reserved, SetSupply};
use purchase::{
    PassKeys, Purchase, Urls,
    clock::Clock,
    config::{Config, SaleConfig, SkuConfig},
    role::Desk,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::super::{
    ChaosError, rest,
    stage::{ISSUER, Process, ROOM, Redis},
};

pub(super) const SALE: &str = "torn";
pub(super) const SUPPLIED: u32 = 10;
const SKU: &str = "unit";
const LIMIT: u32 = 3;
/// Longer than all cuts take together: nothing here is about time.
const HOLD: Duration = Duration::from_hours(4);
/// Longest wait for anything; only a broken promise waits so long.
const PATIENCE: Duration = Duration::from_secs(15);

/// The reservations, by what becomes of them.
pub(super) const SOLD: u8 = 1;
pub(super) const CONFIRMED_LAST: u8 = 2;
pub(super) const REFUNDED_LAST: u8 = 3;
pub(super) const RESERVED_LAST: u8 = 4;
pub(super) const HELD: u8 = 5;

/// The library on its stores.
pub(super) struct Counter {
    purchase: Purchase,
    pub(super) desk: Arc<Desk>,
    sale: SaleId,
    address: SocketAddr,
}

/// A recorder at work.
pub(super) struct Recording {
    pub(super) stop: CancellationToken,
    jobs: TaskTracker,
}

impl Recording {
    /// Stops it in order.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.jobs.wait().await;
    }
}

/// Starts a store on `dir` and waits until it answers.
pub(super) async fn start(
    redis: &Redis,
    dir: &Path,
    address: SocketAddr,
) -> Result<Process, ChaosError> {
    redis.mend(dir)?;
    let mut process = redis.process(dir, address)?;
    process.start()?;
    let client = redis::Client::open(format!("redis://{address}/"))?;
    let began = Instant::now();
    loop {
        if let Ok(mut store) = client.get_multiplexed_async_connection().await
            && redis::cmd("PING").exec_async(&mut store).await.is_ok()
        {
            return Ok(process);
        }
        if began.elapsed() > PATIENCE || process.fell().is_some() {
            return Err(ChaosError::Torn("the store does not come up".into()));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn bad(error: impl std::fmt::Display) -> ChaosError {
    ChaosError::Torn(error.to_string())
}

/// The id of a reservation; any order of them will do.
pub(super) fn id(n: u8) -> String {
    format!("r.{SALE}.{n:032x}")
}

fn person(n: u8) -> Result<PersonId, ChaosError> {
    format!("p{n}").parse().map_err(bad)
}

impl Counter {
    pub(super) async fn open(ledger: &Path, address: SocketAddr) -> Result<Self, ChaosError> {
        let (sku, sale): (Sku, SaleId) = (SKU.parse().map_err(bad)?, SALE.parse().map_err(bad)?);
        let of_sku = SkuConfig {
            supplied: SUPPLIED,
            limit_per_person: Some(LIMIT),
        };
        let mut config = Config::default();
        let of_sale = SaleConfig {
            room: ROOM.parse().map_err(bad)?,
            skus: BTreeMap::from([(sku, of_sku)]),
            limit_per_person: LIMIT,
            hold_ttl: HOLD,
            idempotency_ttl: HOLD,
            confirm_by: purchase::config::ConfirmBy::Visitor,
            acknowledge: purchase::config::Acknowledge::Ledger,
        };
        config.sales.insert(sale.clone(), of_sale);
        let urls = Urls {
            stock: format!("redis://{address}/"),
            ledger: format!("sqlite://{}", ledger.display()),
        };
        let passes = PassKeys {
            keys: KeyRing::from_pems([KeyRing::generate_pem()?.as_str()])?.public(),
            issuer: ISSUER.to_owned(),
        };
        let purchase = Purchase::open(config, &urls, passes, Clock::System)
            .await
            .map_err(bad)?;
        let desk = purchase
            .desk(Some(sale.clone()))
            .ok_or_else(|| bad("no sale"))?;
        Ok(Self {
            desk: Arc::clone(desk),
            purchase,
            sale,
            address,
        })
    }

    /// Records from now on.
    pub(super) fn record(&self) -> Recording {
        let (stop, jobs) = (CancellationToken::new(), TaskTracker::new());
        jobs.spawn(purchase::recorder::run(self.purchase.clone(), stop.clone()));
        jobs.close();
        Recording { stop, jobs }
    }

    /// Reserves `quantity` for a person of that number, under the id and key of it.
    pub(super) async fn reserve(&self, n: u8, quantity: u32) -> Result<Reserved, ChaosError> {
        let (id, person, key) = (id(n), person(n)?, format!("key-{n}"));
        let what = Reserve {
            id: &id,
            person: &person,
            sku: &SKU.parse().map_err(bad)?,
            quantity,
            hold: HOLD,
            key: &key,
            body: "body",
            key_ttl: HOLD,
        };
        self.desk.stock.reserve(&what).await.map_err(bad)
    }

    pub(super) async fn confirm(&self, n: u8) -> Result<Confirmed, ChaosError> {
        let payment = format!("pay-{n}");
        self.desk
            .stock
            .confirm(&id(n), None, &payment)
            .await
            .map_err(bad)
    }

    async fn refund(&self, n: u8) -> Result<Refunded, ChaosError> {
        self.desk.stock.refund(&id(n)).await.map_err(bad)
    }

    /// Two sold, two held, one of each to change at the end, and one that came back.
    pub(super) async fn make_sale(&self) -> Result<(), ChaosError> {
        let supply = SetSupply {
            sku: &SKU.parse().map_err(bad)?,
            supplied: SUPPLIED,
            limit: LIMIT,
            seed: true,
        };
        self.desk.stock.supply(&supply).await.map_err(bad)?;
        for (n, quantity) in [
            (SOLD, 2),
            (CONFIRMED_LAST, 1),
            (REFUNDED_LAST, 1),
            (HELD, 1),
            (6, 1),
        ] {
            self.reserve(n, quantity).await?;
        }
        self.confirm(SOLD).await?;
        self.confirm(REFUNDED_LAST).await?;
        self.desk.stock.cancel(&id(6), None).await.map_err(bad)?;
        Ok(())
    }

    /// The three transactions; the answer to the hold.
    pub(super) async fn last_three(&self) -> Result<String, ChaosError> {
        self.confirm(CONFIRMED_LAST).await?;
        self.refund(REFUNDED_LAST).await?;
        match self.reserve(RESERVED_LAST, 1).await? {
            Reserved::New(answer) => Ok(answer),
            other => Err(bad(format!("{other:?}"))),
        }
    }

    /// Waits until the sale is open.
    pub(super) async fn reopened(&self) -> Result<(), ChaosError> {
        let open = async || matches!(self.desk.stock.fence().await, Ok(Fence::Open));
        self.until("open", open).await
    }

    /// Waits until the stream is recorded and acknowledged.
    pub(super) async fn run_dry(&self) -> Result<(), ChaosError> {
        let dry = async || matches!(rest::unrecorded(self.address, &self.sale).await, Ok(0));
        self.until("recorded", dry).await
    }

    async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) -> Result<(), ChaosError> {
        let began = Instant::now();
        while !is_so().await {
            if began.elapsed() > PATIENCE {
                return Err(bad(format!("not {what} after {} s", PATIENCE.as_secs())));
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        Ok(())
    }

    pub(super) fn ledger(&self) -> &purchase::ledger::Ledger {
        self.purchase.ledger()
    }

    /// Folds the ledger into its one file.
    pub(super) async fn close(&self) {
        self.ledger().close().await;
    }
}
