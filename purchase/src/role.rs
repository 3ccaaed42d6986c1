//! The purchase role: its shared parts, and what runs beside the listener.
//!
//! Nothing here fails because a store is away: the service starts, answers 503 and goes on by
//! itself when both are back.

use std::{collections::BTreeMap, sync::Arc};

use ::entry_pass::{PersonId, PublicKeys, RoomId, SaleId, Sku, Verifier};
use lua::{Store, StoreError, sale::Sale};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    acknowledge::Acknowledge,
    clock::Clock,
    config::{Config, SaleConfig},
    ledger::{Ledger, LedgerError},
    losses, recorder,
    refusal::Refusal,
    reservation::{made_at, sale_of_reservation},
    seed, serve,
    stack::stack,
    sweeper,
};

/// How far the clocks of those who make ids and of the stock store may be apart.
const CLOCKS_APART_MS: u64 = 1_000;

/// Where the stores are.
#[derive(Debug, Clone)]
pub struct Urls {
    /// The stock store, `redis://…` or `redis+unix://…`.
    pub stock: String,
    /// The ledger, `sqlite:///…` or `postgres://…`.
    pub ledger: String,
}

/// Whose passes are honoured.
#[derive(Clone)]
pub struct PassKeys {
    /// The gateway's public keys.
    pub keys: PublicKeys,
    /// The gateway's public URL, the passes' `iss`.
    pub issuer: String,
}

/// The role cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be; all complaints.
    #[error("the configuration cannot be used:\n{}", .0.join("\n"))]
    Config(Vec<String>),
    /// Not an address of a Redis server.
    #[error("the stock store's address cannot be used: {0}")]
    Stock(#[from] StoreError),
    /// Not an address of a database.
    #[error("the ledger's address cannot be used: {0}")]
    Ledger(#[from] LedgerError),
    /// The listener broke.
    #[error("the listener failed: {0}")]
    Listener(#[from] std::io::Error),
}

/// One sale and what serves it.
pub struct Desk {
    /// What its operator set.
    pub config: SaleConfig,
    /// The stock.
    pub stock: Sale,
    /// Who waits for the ledger.
    pub acknowledge: Arc<Acknowledge>,
}

struct Parts {
    config: Config,
    desks: BTreeMap<SaleId, Arc<Desk>>,
    by_sku: BTreeMap<Sku, Arc<Desk>>,
    verifier: Verifier,
    ledger: Ledger,
    clock: Clock,
    store: Store,
}

/// The parts every request and every job shares. Clones are the same.
#[derive(Clone)]
pub struct Purchase(Arc<Parts>);

impl Purchase {
    /// Puts the parts together. Connects to nothing yet.
    pub async fn open(
        config: Config,
        urls: &Urls,
        passes: PassKeys,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let complaints = config.complaints();
        if !complaints.is_empty() {
            return Err(StartError::Config(complaints));
        }
        let store = Store::connect(&urls.stock).await?;
        let (mut desks, mut by_sku) = (BTreeMap::new(), BTreeMap::new());
        for (id, sale) in &config.sales {
            let stock = Sale::new(&store, id.clone())?;
            let desk = Arc::new(Desk {
                config: sale.clone(),
                stock,
                acknowledge: Arc::default(),
            });
            for sku in sale.skus.keys() {
                by_sku.insert(sku.clone(), Arc::clone(&desk));
            }
            desks.insert(id.clone(), desk);
        }
        let verifier = Verifier::new(passes.keys, &passes.issuer, config.passes_remembered);
        let ledger = Ledger::open(&urls.ledger)?;
        Ok(Self(Arc::new(Parts {
            config,
            desks,
            by_sku,
            verifier,
            ledger,
            clock,
            store,
        })))
    }

    /// What the operator set.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Our clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// The stock store.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Checks passes.
    pub fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// All sales.
    pub fn desks(&self) -> impl Iterator<Item = &Arc<Desk>> {
        self.0.desks.values()
    }

    /// The desk of a sale.
    pub fn desk(&self, sale: Option<SaleId>) -> Option<&Arc<Desk>> {
        self.0.desks.get(&sale?)
    }

    /// The desk that is configured to sell `sku`.
    pub fn desk_of_sku(&self, sku: &Sku) -> Option<&Arc<Desk>> {
        self.0.by_sku.get(sku)
    }

    /// The desk of a room's sale.
    pub fn desk_of_room(&self, room: &RoomId) -> Option<&Arc<Desk>> {
        self.desks().find(|desk| desk.config.room == *room)
    }

    /// What became of a reservation that the open store does not have: the ledger may know.
    pub(crate) async fn absent(&self, id: &str, person: Option<&PersonId>) -> Refusal {
        let hold = match self.ledger().hold(id).await {
            Ok(Some(hold)) => hold,
            Ok(None) => return self.lost_or_never_was(id).await,
            Err(error) => return error.into(),
        };
        if person.is_some_and(|person| hold.person != *person) {
            return Refusal::NotFound;
        }
        match hold.state.as_str() {
            "held" => Refusal::HoldLost,
            "confirmed" => Refusal::Confirmed,
            "cancelled" => Refusal::Cancelled,
            "refunded" => Refusal::Refunded,
            _ => Refusal::Expired,
        }
    }

    /// What a reservation is that neither the open store nor the ledger has: lost with the store
    /// before it was recorded, if its id is from the time between the sale's beginning and its last
    /// opening; else there never was one. Whoever makes an id up learns nothing by it: any id of that
    /// time is answered alike.
    pub(crate) async fn lost_or_never_was(&self, id: &str) -> Refusal {
        let Some(desk) = self.desk(sale_of_reservation(id)) else {
            return Refusal::NotFound;
        };
        match desk.stock.look(id).await {
            // Somebody else's, and not recorded yet.
            Ok(Some(_)) => return Refusal::NotFound,
            Ok(None) => {}
            Err(error) => return error.into(),
        }
        let Some(made_at) = made_at(id) else {
            return Refusal::NotFound;
        };
        let began_at = match self.ledger().began_at(desk.stock.id()).await {
            Ok(Some(began_at)) => began_at,
            Ok(None) => return Refusal::NotFound,
            Err(error) => return error.into(),
        };
        match desk.stock.opened_at().await {
            Ok(opened_at) => {
                let since = began_at.saturating_sub(CLOCKS_APART_MS);
                if (since..opened_at + CLOCKS_APART_MS).contains(&made_at) {
                    Refusal::HoldLost
                } else {
                    Refusal::NotFound
                }
            }
            Err(error) => error.into(),
        }
    }

    /// Whether the stock store and the ledger answer, for readiness: name and answer.
    pub async fn ready(&self) -> [(&'static str, bool); 2] {
        [
            ("stock-store", self.store().ping().await.is_ok()),
            ("ledger", self.ledger().ping().await.is_ok()),
        ]
    }
}

/// Serves buyers on `listener`, sweeps, seeds, and records if so configured, until `stop`. Returns
/// when what was in flight is answered or the drain time is over.
pub async fn run(
    purchase: Purchase,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let jobs = TaskTracker::new();
    let jobs_stop = CancellationToken::new();
    for desk in purchase.desks() {
        let (sale, ledger) = (desk.stock.id().clone(), purchase.ledger().clone());
        let acknowledge = Arc::clone(&desk.acknowledge);
        jobs.spawn(acknowledge.ask(sale, ledger, jobs_stop.clone()));
        let every = purchase.config().sweep_every;
        jobs.spawn(sweeper::run(Arc::clone(desk), every, jobs_stop.clone()));
        jobs.spawn(seed::run(
            purchase.clone(),
            Arc::clone(desk),
            jobs_stop.clone(),
        ));
    }
    jobs.spawn(losses::tell(purchase.store().clone(), jobs_stop.clone()));
    if purchase.config().recorder {
        jobs.spawn(recorder::run(purchase.clone(), jobs_stop.clone()));
    }
    let served = serve::serve(listener, stack(&purchase), stop, purchase.config().drain).await;
    // After the last answer: a confirm in flight waits for the recorder of this process.
    jobs_stop.cancel();
    jobs.close();
    jobs.wait().await;
    served.map_err(Into::into)
}
