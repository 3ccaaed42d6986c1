//! A purchase service of a test's own: sale, ledger, listeners, passes.

mod asking;
mod forging;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::body::Body;
use bytes::Bytes;
use entry_pass::{Issuer, KeyRing, NewPass, RoomId, SaleId, TicketNumber};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use purchase::{
    Config, PassKeys, Purchase, Urls,
    clock::Clock,
    config::{Acknowledge, ConfirmBy, SaleConfig, SkuConfig},
    serve::serve,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::database::Database;

pub(crate) const ISSUER: &str = "http://gate.test";

/// What a test may choose.
pub(crate) struct Choice {
    pub(crate) supplied: u32,
    pub(crate) limit: u32,
    pub(crate) hold: Duration,
    pub(crate) confirm_by: ConfirmBy,
    pub(crate) acknowledge: Acknowledge,
    pub(crate) recorder: bool,
    pub(crate) confirm_wait: Duration,
    pub(crate) key_kept: Duration,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            supplied: 5,
            limit: 1,
            hold: Duration::from_mins(2),
            confirm_by: ConfirmBy::Visitor,
            acknowledge: Acknowledge::Ledger,
            recorder: true,
            confirm_wait: Duration::from_secs(10),
            key_kept: Duration::from_hours(24),
        }
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("{:?}", self.bytes))
    }

    /// The problem's slug.
    pub(crate) fn problem(&self) -> String {
        let kind = self.json()["type"].as_str().unwrap_or_default().to_owned();
        kind.trim_start_matches("/_wr/problems/").to_owned()
    }
}

/// What several services of one sale share.
pub(crate) struct Place {
    pub(crate) database: Arc<Database>,
    redis: String,
    pub(crate) sale: SaleId,
    ring: Arc<KeyRing>,
}

impl Place {
    pub(crate) fn at(redis: &str) -> Self {
        Self::with(redis, Database::new())
    }

    pub(crate) fn with(redis: &str, database: Database) -> Self {
        let pem = KeyRing::generate_pem().unwrap();
        let name = uuid::Uuid::now_v7().simple().to_string();
        Self {
            database: Arc::new(database),
            redis: redis.to_owned(),
            sale: name.parse().unwrap(),
            ring: Arc::new(KeyRing::from_pems([pem.as_str()]).unwrap()),
        }
    }

    /// The same place, for a service in another runtime.
    pub(crate) fn clone_for_another(&self) -> Self {
        Self {
            database: Arc::clone(&self.database),
            redis: self.redis.clone(),
            sale: self.sale.clone(),
            ring: Arc::clone(&self.ring),
        }
    }

    pub(crate) fn ledger_url(&self) -> String {
        self.database.url().to_owned()
    }

    pub(crate) fn config(&self, choice: &Choice) -> Config {
        let sku = SkuConfig {
            supplied: choice.supplied,
            limit_per_person: None,
        };
        let sale = SaleConfig {
            room: "main".parse().unwrap(),
            skus: [(self.sku().parse().unwrap(), sku)].into(),
            limit_per_person: choice.limit,
            hold_ttl: choice.hold,
            idempotency_ttl: choice.key_kept,
            confirm_by: choice.confirm_by,
            acknowledge: choice.acknowledge,
        };
        Config {
            sales: [(self.sale.clone(), sale)].into(),
            recorder: choice.recorder,
            confirm_wait: choice.confirm_wait,
            sweep_every: Duration::from_millis(20),
            recorder_lease: Duration::from_millis(900),
            ..Config::default()
        }
    }

    pub(crate) fn sku(&self) -> String {
        format!("u{}", &self.sale.as_str()[20..])
    }

    pub(crate) async fn parts(&self, choice: &Choice) -> Purchase {
        self.parts_of(self.config(choice)).await
    }

    async fn parts_of(&self, config: Config) -> Purchase {
        let urls = Urls {
            stock: self.redis.clone(),
            ledger: self.ledger_url(),
        };
        let passes = PassKeys {
            keys: self.ring.public(),
            issuer: ISSUER.to_owned(),
        };
        Purchase::open(config, &urls, passes, Clock::System)
            .await
            .unwrap()
    }

    pub(crate) async fn open(&self, choice: &Choice) -> House {
        let house = self.start(choice).await;
        house.until_open().await;
        house
    }

    /// Starts without waiting until the sale is open.
    pub(crate) async fn start(&self, choice: &Choice) -> House {
        self.start_as(self.config(choice)).await
    }

    /// Starts with a configuration of the test's own.
    pub(crate) async fn start_as(&self, config: Config) -> House {
        let purchase = self.parts_of(config).await;
        let stop = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let visitors = listener.local_addr().unwrap();
        let run = tokio::task::spawn(purchase::run(purchase.clone(), listener, stop.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let operators = listener.local_addr().unwrap();
        let router = purchase::operator_router(&purchase).into_service::<Body>();
        let router = router.map_response(|response: axum::response::Response| response);
        tokio::task::spawn(serve(listener, router, stop.clone(), Duration::ZERO));
        House {
            purchase,
            visitors,
            operators,
            stop,
            run,
            issuer: Issuer::new(Arc::clone(&self.ring), ISSUER),
            sale: self.sale.clone(),
            sku: self.sku(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            _ledger: Arc::clone(&self.database),
        }
    }
}

/// One running service.
pub(crate) struct House {
    pub(crate) purchase: Purchase,
    pub(crate) visitors: SocketAddr,
    operators: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) run: JoinHandle<Result<(), purchase::StartError>>,
    issuer: Issuer,
    pub(crate) sale: SaleId,
    pub(crate) sku: String,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Its file stays for as long as somebody may open another connection to it.
    _ledger: Arc<Database>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl House {
    pub(crate) async fn new(choice: Choice) -> Self {
        Place::at(super::server::shared()).open(&choice).await
    }

    pub(crate) fn pass(&self, person: &str) -> String {
        self.pass_of("main", person, 3_600)
    }

    /// A pass that ends in so many seconds from now.
    pub(crate) fn pass_of(&self, room: &str, person: &str, ends_in: i64) -> String {
        let now = Clock::System.now_ms() / 1000;
        let pass = NewPass {
            room: room.parse::<RoomId>().unwrap(),
            sale: Some(self.sale.clone()),
            person: person.parse().unwrap(),
            number: TicketNumber(1),
            jti: person.to_owned(),
            issued_at: now - 7_200,
            expires_at: now.saturating_add_signed(ends_in),
        };
        self.issuer.issue(pass).unwrap().0
    }

    pub(crate) async fn until_open(&self) {
        until("the sale is open", || async {
            let answer = self
                .operator(Method::GET, &format!("/v1/sales/{}", self.sale), None)
                .await;
            answer.status == 200
                && answer.json()["open"] == true
                && answer.json()["skus"][&self.sku].is_object()
        })
        .await;
    }

    /// Held and sold, as the ledger has it.
    pub(crate) async fn ledger_counts(&self) -> (u64, u64) {
        let totals = self.purchase.ledger().totals(&self.sale).await.unwrap();
        totals.first().map_or((0, 0), |sku| (sku.held, sku.sold))
    }

    /// Stops as SIGTERM would.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        (&mut self.run).await.unwrap().unwrap();
    }
}

/// Waits until something is so; fails if it never is.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, so: impl Fn() -> F) {
    let end = Instant::now() + Duration::from_secs(30);
    while !so().await {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
