//! The stock store: Redis with the settings that operators are told to use, its log mended before
//! every start.

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{super::ChaosError, Disk, Process};

const CONF: &str = include_str!("../../../../deploy/redis/stock.conf");

/// The installed server and the program that mends its log.
#[derive(Debug, Clone)]
pub(crate) struct Redis {
    server: &'static str,
    check_aof: &'static str,
}

/// A stock store.
pub(crate) struct StockStore {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    redis: Redis,
    dir: PathBuf,
}

impl Redis {
    /// Redis, or else Valkey.
    pub(crate) fn find() -> Result<Self, ChaosError> {
        let mut last = None;
        for (server, check_aof) in [
            ("redis-server", "redis-check-aof"),
            ("valkey-server", "valkey-check-aof"),
        ] {
            match Command::new(server).arg("--version").output() {
                Ok(_) => return Ok(Self { server, check_aof }),
                Err(error) => last = Some(error),
            }
        }
        let last = last.unwrap_or_else(|| io::ErrorKind::NotFound.into());
        Err(ChaosError::Missing("redis-server", last))
    }

    /// A server on `dir`, not started yet.
    pub(crate) fn process(&self, dir: &Path, address: SocketAddr) -> io::Result<Process> {
        std::fs::create_dir_all(dir)?;
        let conf = dir.join("redis.conf");
        let place = format!(
            "{CONF}\nbind {}\nport {}\nprotected-mode no\ndir {}\ndaemonize no\n",
            address.ip(),
            address.port(),
            dir.display()
        );
        std::fs::write(&conf, place)?;
        let mut process = Process::new("redis", Path::new(self.server), dir);
        process.args([conf.into_os_string()]);
        Ok(process)
    }

    /// Cuts a torn tail off the log in `dir`, as must be done before every start.
    pub(crate) fn mend(&self, dir: &Path) -> Result<(), ChaosError> {
        let log = dir.join("appendonlydir/appendonly.aof.manifest");
        if !log.exists() {
            return Ok(());
        }
        let mut child = Command::new(self.check_aof)
            .arg("--fix")
            .arg(&log)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| ChaosError::Missing("redis-check-aof", source))?;
        if let Some(mut stdin) = child.stdin.take() {
            // It asks only if there is something to cut.
            let _ = stdin.write_all(b"y\n");
        }
        let output = child.wait_with_output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        Err(ChaosError::Mend(said))
    }
}

impl StockStore {
    pub(crate) fn new(
        redis: Redis,
        dir: PathBuf,
        address: SocketAddr,
        disk: &Disk,
    ) -> io::Result<Self> {
        let mut process = redis.process(&dir, address)?;
        process.slowed_by(disk);
        Ok(Self {
            process,
            address,
            redis,
            dir,
        })
    }

    /// Mends the log, off the runtime's thread: the crowd goes on meanwhile.
    pub(crate) async fn mend(&self) -> Result<(), ChaosError> {
        let (redis, dir) = (self.redis.clone(), self.dir.clone());
        tokio::task::spawn_blocking(move || redis.mend(&dir))
            .await
            .map_err(io::Error::other)?
    }

    /// Takes the log away.
    pub(crate) fn wipe(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(self.dir.join("appendonlydir")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
