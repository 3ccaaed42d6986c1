//! The stage: a stock store, two purchase services, two recorders, all real processes, and a link
//! from each of them to the store.
//!
//! Each stage has a loopback address of its own, so that a process which is started again finds its
//! port free whatever else runs on the machine.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use rand::Rng;
use rustix::process::Signal;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    ChaosError,
    plan::{Options, Round},
    proxy::Link,
};

mod child;
mod disk;
mod settings;
mod store;

pub(super) use child::Process;
pub(super) use disk::Disk;
pub(super) use settings::{ISSUER, ROOM, Settings};
pub(super) use store::{Redis, StockStore};

/// Who is on the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Who {
    /// The stock store.
    Store,
    /// A purchase service.
    Service(usize),
    /// A recorder.
    Recorder(usize),
}

impl Who {
    /// Everybody.
    pub(super) const ALL: [Self; 5] = [
        Self::Store,
        Self::Service(0),
        Self::Service(1),
        Self::Recorder(0),
        Self::Recorder(1),
    ];

    /// What they are, whichever of them.
    pub(super) fn role(self) -> &'static str {
        match self {
            Self::Store => "stock store",
            Self::Service(_) => "purchase service",
            Self::Recorder(_) => "recorder",
        }
    }
}

/// Where one purchase service is reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Door {
    /// By buyers.
    pub(super) buyers: SocketAddr,
    /// By the operator and the shop's payment service.
    pub(super) operator: SocketAddr,
}

/// All of them.
pub(super) struct Stage {
    store: StockStore,
    /// Purchase services, then recorders; so are their links.
    processes: Vec<Process>,
    links: Vec<Link>,
    /// The purchase services.
    pub(super) doors: Vec<Door>,
    /// Where the ledger is.
    pub(super) ledger: String,
    disks: [Disk; 2],
    /// Who ended without being told to.
    pub(super) fallen: Vec<String>,
    carriers: TaskTracker,
    stop: CancellationToken,
}

const SERVICES: usize = 2;
const RECORDERS: usize = 2;

impl Stage {
    /// Sets it up in `dir` and starts everybody. `jwks` checks the buyers' passes.
    pub(super) async fn set(
        options: &Options,
        round: &Round,
        dir: &Path,
        redis: &Redis,
        preload: &Path,
        secrets: (&str, &str),
    ) -> Result<Self, ChaosError> {
        let mut draw = round.draws(u64::from(std::process::id()));
        let ip = Ipv4Addr::new(
            127,
            draw.random_range(64..255),
            draw.random(),
            draw.random_range(1..255),
        );
        let at = |port| SocketAddr::new(IpAddr::V4(ip), port);
        let ledger = options
            .ledger
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", dir.join("ledger.sqlite").display()));
        let disks = [
            Disk::new(preload, dir.join("store-fsync-ms"))?,
            Disk::new(preload, dir.join("ledger-fsync-ms"))?,
        ];
        let (carriers, stop) = (TaskTracker::new(), CancellationToken::new());
        let store = StockStore::new(redis.clone(), dir.join("stock"), at(6380), &disks[0])?;
        let (mut processes, mut links, mut doors) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..SERVICES + RECORDERS {
            let link = Link::open(IpAddr::V4(ip), at(6380), &carriers, stop.clone()).await?;
            let (serves, port) = (n < SERVICES, 100 * n as u16);
            let door = Door {
                buyers: at(7070 + port),
                operator: at(9080 + port),
            };
            let name = if serves {
                doors.push(door);
                format!("purchase-{n}")
            } else {
                format!("recorder-{}", n - SERVICES)
            };
            let settings = Settings {
                round,
                door,
                stock: link.address,
                ledger: &ledger,
                records: serves && round.recording[n],
                jwks: secrets.0,
                token: secrets.1,
            };
            let config = dir.join(format!("{name}.toml"));
            std::fs::write(&config, settings.to_toml())?;
            let role = if serves { "purchase" } else { "recorder" };
            let mut process = Process::new(&name, &options.program, dir);
            process.args([role.into(), "--config".into(), config.into_os_string()]);
            process.slowed_by(&disks[1]);
            processes.push(process);
            links.push(link);
        }
        let mut stage = Self {
            store,
            processes,
            links,
            doors,
            ledger,
            disks,
            fallen: Vec::new(),
            carriers,
            stop,
        };
        for who in Who::ALL {
            stage.start(who).await?;
        }
        Ok(stage)
    }

    fn process(&mut self, who: Who) -> &mut Process {
        match who {
            Who::Store => &mut self.store.process,
            Who::Service(n) => &mut self.processes[n],
            Who::Recorder(n) => &mut self.processes[SERVICES + n],
        }
    }

    /// Starts one that does not run.
    pub(super) async fn start(&mut self, who: Who) -> Result<(), ChaosError> {
        if who == Who::Store && !self.store.process.runs() {
            self.store.mend().await?;
        }
        Ok(self.process(who).start()?)
    }

    /// `kill -9`. False if it did not run.
    pub(super) fn kill(&mut self, who: Who) -> bool {
        self.process(who).kill()
    }

    /// SIGSTOP and SIGCONT.
    pub(super) fn signal(&mut self, who: Who, signal: Signal) {
        self.process(who).signal(signal);
    }

    /// Takes the stock store's directory away, as a lost disk would. The store must be dead.
    pub(super) fn wipe(&self) -> io::Result<()> {
        self.store.wipe()
    }

    /// The link of a purchase service or recorder.
    pub(super) fn link(&self, n: usize) -> &Link {
        &self.links[n]
    }

    /// How many links there are.
    pub(super) fn links(&self) -> usize {
        self.links.len()
    }

    /// Makes the disks of the stock store and of the ledger's writers so much slower.
    pub(super) fn slow_disks(&self, store: Duration, ledger: Duration) -> io::Result<()> {
        self.disks[0].slow(store)?;
        self.disks[1].slow(ledger)
    }

    /// Notes who ended without being told to, and starts them again.
    pub(super) async fn look_after(&mut self) -> Result<(), ChaosError> {
        for who in Who::ALL {
            if let Some(how) = self.process(who).fell() {
                self.fallen.push(format!("{who:?} ended by itself: {how}"));
                self.start(who).await?;
            }
        }
        Ok(())
    }

    /// The stock store, past all links.
    pub(super) fn store_address(&self) -> SocketAddr {
        self.store.address
    }

    /// Ends everybody.
    pub(super) async fn strike(mut self) {
        for who in Who::ALL {
            self.process(who).kill();
        }
        self.stop.cancel();
        self.carriers.close();
        self.carriers.wait().await;
    }
}

/// Where a round keeps everything.
pub(super) fn dir_of(options: &Options, round: &Round) -> PathBuf {
    options.data.join(format!("round-{:02}", round.number))
}
