//! `vestibule purchase` as a child, configured for the measurement.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use entry_pass::{Issuer, KeyRing, NewPass, TicketNumber};

use super::{EACH, client::Client};

const ISSUER: &str = "http://gate.test";
/// The operators' bearer token.
pub(crate) const TOKEN: &str = "a-token-of-the-measurement";

/// The running service; ends with the value.
pub(crate) struct Service {
    pub(crate) visitors: SocketAddr,
    pub(crate) operators: SocketAddr,
    issuer: Issuer,
    child: Child,
    _directory: tempfile::TempDir,
}

impl Service {
    pub(crate) fn start(stock: &str, ledger: &str, units: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let pem = KeyRing::generate_pem().unwrap();
        let (visitors, operators) = (free(), free());
        let config = format!(
            r#"
            [listen]
            purchase = "{visitors}"
            operator = "{operators}"
            [stores]
            stock = "{stock}"
            ledger = "{ledger}"
            [keys]
            passes = """{pem}"""
            [gateway]
            public_url = "{ISSUER}"
            [operator]
            token = "{TOKEN}"
            [log]
            filter = "warn"
            [purchase]
            confirm_wait = "5s"
            [purchase.sales.bench]
            room = "main"
            limit_per_person = {EACH}
            hold_ttl = "30m"
            [purchase.sales.bench.skus.unit]
            supplied = {units}
            "#
        );
        let file = directory.path().join("vestibule.toml");
        std::fs::write(&file, config).unwrap();
        let child = Command::new(binary())
            .args(["purchase", "--config"])
            .arg(&file)
            .stdout(Stdio::null())
            .spawn()
            .expect("vestibule is built");
        let ring = Arc::new(KeyRing::from_pems([pem.as_str()]).unwrap());
        Self {
            visitors,
            operators,
            issuer: Issuer::new(ring, ISSUER),
            child,
            _directory: directory,
        }
    }

    pub(crate) fn pass(&self, person: &str) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap().as_secs();
        let pass = NewPass {
            room: "main".parse().unwrap(),
            sale: Some("bench".parse().unwrap()),
            person: person.parse().unwrap(),
            number: TicketNumber(1),
            jti: person.to_owned(),
            issued_at: now - 10,
            expires_at: now + 3_600,
        };
        self.issuer.issue(pass).unwrap().0
    }

    pub(crate) async fn until_open(&self) {
        self.until(
            |text| text.contains("\"open\":true") && text.contains("\"unit\""),
            "/v1/sales/bench",
        )
        .await;
    }

    /// Until so many events are in the ledger.
    pub(crate) async fn until_recorded(&self, events: u64) {
        let wanted = |text: &str| figure(text, "vestibule_recorded_events_total") >= events as f64;
        self.until(wanted, "/metrics").await;
    }

    /// Events recorded so far, and in how many batches.
    pub(crate) async fn batches(&self) -> (f64, f64) {
        let text = Client::connect(self.operators).await.read("/metrics").await;
        let name = "vestibule_recorder_batch_size";
        (
            figure(&text, &format!("{name}_sum")),
            figure(&text, &format!("{name}_count")),
        )
    }

    async fn until(&self, so: impl Fn(&str) -> bool, path: &str) {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            if tokio::net::TcpStream::connect(self.operators).await.is_ok() {
                let text = Client::connect(self.operators).await.read(path).await;
                if so(&text) {
                    return;
                }
                assert!(Instant::now() < end, "{path}: {text}");
            }
            assert!(Instant::now() < end, "{path}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a metric without labels.
fn figure(text: &str, name: &str) -> f64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or(0.0)
}

/// Built beside this example: `target/release/examples/..`.
fn binary() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.ancestors().nth(2).unwrap().join("vestibule")
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}
