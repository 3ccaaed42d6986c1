//! What a test needs around it: a Redis of its own, gateways, a shop that counts, visitors.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, thread::JoinHandle, time::Duration};

use entry_pass::KeyRing;
use gateway::{Config, Secrets, StoreUrls};
use tokio_util::sync::CancellationToken;

mod redis;
mod shop;
mod visitor;

pub(crate) use self::{redis::Redis, shop::Shop, visitor::Visitor};

/// Gateways over one Redis, in front of one shop.
pub(crate) struct World {
    /// The waitlist store.
    pub(crate) redis: Redis,
    /// Keeps what a room must never forget.
    stock: Redis,
    pub(crate) shop: Shop,
    pub(crate) gateways: Vec<SocketAddr>,
    config: Arc<Config>,
    secrets: Secrets,
    stop: CancellationToken,
    threads: Vec<JoinHandle<()>>,
}

impl World {
    /// `room`: further lines of the room's settings. Its name is `main`.
    pub(crate) async fn start(room: &str) -> Self {
        Self::with_gateways(room, 1).await
    }

    pub(crate) async fn with_gateways(room: &str, gateways: usize) -> Self {
        Self::with_limit(1000, room, gateways).await
    }

    /// A room whose sale nobody opens: it lets nobody in. The shop stands in for the purchase
    /// service too.
    pub(crate) async fn with_unopened_sale() -> Self {
        Self::not_waited_for(1000, "sale = \"sale\"", 1).await
    }

    /// `limit`: requests a second, and at once, of one person.
    pub(crate) async fn with_limit(limit: u32, room: &str, gateways: usize) -> Self {
        let world = Self::not_waited_for(limit, room, gateways).await;
        for at in 0..gateways {
            world.until_open(at).await;
        }
        world
    }

    async fn not_waited_for(limit: u32, room: &str, gateways: usize) -> Self {
        let redis = Redis::start();
        let shop = Shop::default();
        let at = shop.start().await;
        let config: Config = toml::from_str(&format!(
            "public_url = \"http://shop.test\"\npurchase = \"http://{at}\"\n[limits]\npersonal = {{ per_second = {limit}, burst \
             = {limit} }}\n[[rooms]]\nid = \"main\"\nupstream = \"http://{at}\"\n{room}"
        ))
        .unwrap();
        assert_eq!(config.validate(), Vec::<String>::new());
        let pem = KeyRing::generate_pem().unwrap();
        let secrets = Secrets {
            ticket_key: [7; 32],
            passes: Arc::new(KeyRing::from_pems([pem.as_str()]).unwrap()),
        };
        let mut world = Self {
            redis,
            stock: Redis::start(),
            shop,
            gateways: Vec::new(),
            config: Arc::new(config),
            secrets,
            stop: CancellationToken::new(),
            threads: Vec::new(),
        };
        for _ in 0..gateways {
            world.add_gateway();
        }
        world
    }

    fn add_gateway(&mut self) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        self.gateways.push(listener.local_addr().unwrap());
        let (config, secrets, stop) = (
            Arc::clone(&self.config),
            self.secrets.clone(),
            self.stop.clone(),
        );
        let urls = StoreUrls {
            waitlist: self.redis.url(),
            stock: Some(self.stock.url()),
        };
        self.threads.push(std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime
                .block_on(gateway::run(config, secrets, urls, listener, stop))
                .unwrap();
        }));
    }

    /// All gateways end, cleanly, and as many new ones take over the same stores.
    pub(crate) async fn restart_gateways(&mut self) {
        let count = self.gateways.len();
        self.stop_gateways();
        for at in 0..count {
            self.add_gateway();
            self.until_open(at).await;
        }
    }

    /// All gateways end, cleanly.
    pub(crate) fn stop_gateways(&mut self) {
        self.stop.cancel();
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
        self.stop = CancellationToken::new();
        self.gateways.clear();
    }

    /// One more gateway, whether or not the stores answer.
    pub(crate) fn start_gateway(&mut self) {
        self.add_gateway();
    }

    async fn until_open(&self, at: usize) {
        until("the gateway knows its room", async || {
            self.visitor_at(at).status().await["available"] == true
        })
        .await;
    }

    pub(crate) fn visitor(&self) -> Visitor {
        self.visitor_at(0)
    }

    pub(crate) fn visitor_at(&self, gateway: usize) -> Visitor {
        Visitor {
            gateway: self.gateways[gateway],
            cookies: BTreeMap::new(),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Repeats a question until it is answered yes. Gives up after far longer than anything here takes.
pub(crate) async fn until(what: &str, mut yes: impl AsyncFnMut() -> bool) {
    for _ in 0..1500 {
        if yes().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}
