//! What a test needs around it: a Redis of its own, gateways, a shop that counts, visitors.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use axum::{Router, body::Body, response::IntoResponse};
use entry_pass::KeyRing;
use gateway::{Config, Secrets, StoreUrls};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// A real Redis on a unix socket, ended with the value.
pub(crate) struct Redis {
    child: Child,
    directory: tempfile::TempDir,
}

impl Redis {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let child = Self::spawn(directory.path());
        let mut redis = Self { child, directory };
        redis.wait();
        redis
    }

    fn spawn(directory: &Path) -> Child {
        Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "yes"])
            .arg("--unixsocket")
            .arg(directory.join("s.sock"))
            .arg("--dir")
            .arg(directory)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is needed for these tests")
    }

    fn wait(&mut self) {
        let client = redis::Client::open(self.url()).unwrap();
        for _ in 0..500 {
            if let Ok(mut connection) = client.get_connection()
                && redis::cmd("PING").query::<String>(&mut connection).is_ok()
            {
                return;
            }
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "redis-server ended"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("redis-server does not answer");
    }

    pub(crate) fn url(&self) -> String {
        format!(
            "redis+unix://{}",
            self.directory.path().join("s.sock").display()
        )
    }

    /// As a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        let _ = std::fs::remove_file(self.directory.path().join("s.sock"));
        self.child = Self::spawn(self.directory.path());
        self.wait();
    }

    /// Takes away everything it stored.
    pub(crate) fn wipe(&self) {
        for entry in std::fs::read_dir(self.directory.path()).unwrap() {
            let path = entry.unwrap().path();
            let _ = if path.is_dir() {
                std::fs::remove_dir_all(path)
            } else {
                std::fs::remove_file(path)
            };
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A shop that counts who comes, and who comes without a pass.
#[derive(Clone, Default)]
pub(crate) struct Shop {
    pub(crate) hits: Arc<AtomicUsize>,
    pub(crate) without_pass: Arc<AtomicUsize>,
}

impl Shop {
    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shop = self.clone();
        let app = Router::new().fallback(async move |request: Request<Body>| {
            shop.hits.fetch_add(1, Ordering::SeqCst);
            if !request.headers().contains_key("x-entry-pass") {
                shop.without_pass.fetch_add(1, Ordering::SeqCst);
            }
            let command = request
                .uri()
                .path()
                .strip_prefix("/command/")
                .map(str::to_owned);
            let mut response = "the shop".into_response();
            let headers = response.headers_mut();
            headers.insert("x-demo-shop", "1".parse().unwrap());
            if let Some(command) = command {
                headers.insert("wr-command", command.parse().unwrap());
            }
            response
        });
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    pub(crate) fn without_pass(&self) -> usize {
        self.without_pass.load(Ordering::SeqCst)
    }
}

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

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|_| panic!("{} {:?}", self.status, self.text))
    }

    /// The last segment of a problem's type.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{}",
            self.text
        );
        self.json()["type"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned()
    }
}

/// A browser with its own cookies.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) gateway: SocketAddr,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Visitor {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    pub(crate) async fn page(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[("accept", "text/html")], "")
            .await
    }

    pub(crate) async fn post(&mut self, path: &str) -> Answer {
        self.send(Method::POST, path, &[], "").await
    }

    pub(crate) async fn form(&mut self, path: &str, body: &str) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send(Method::POST, path, &headers, body).await
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "shop.test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        let response = self.exchange(request.body(body.to_owned()).unwrap()).await;
        let (parts, body) = response.into_parts();
        for set in parts.headers.get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            assert!(
                set.contains("HttpOnly") && set.contains("SameSite=Lax"),
                "{set}"
            );
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }

    async fn exchange(&self, request: Request<String>) -> Response<hyper::body::Incoming> {
        let stream = TcpStream::connect(self.gateway).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        #[expect(clippy::disallowed_methods, reason = "ends with the exchange")]
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    }

    pub(crate) async fn status(&mut self) -> Value {
        self.get("/_wr/status/main").await.json()
    }

    pub(crate) async fn join(&mut self) -> Value {
        let answer = self.post("/_wr/ticket/main").await;
        assert!(
            answer.status.is_success(),
            "{} {}",
            answer.status,
            answer.text
        );
        answer.json()
    }

    pub(crate) async fn look(&mut self) -> Value {
        self.get("/_wr/ticket/main").await.json()
    }

    pub(crate) async fn until_state(&mut self, state: &str) -> Value {
        let mut last = Value::Null;
        until(state, async || {
            last = self.look().await;
            last["state"] == state
        })
        .await;
        last
    }
}
