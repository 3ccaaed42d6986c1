//! A private Redis server: a child of this process, on a unix socket, for one of the two stores.
//!
//! `demo` and `serve` start these when no Redis URL is given, so that trying Vestibule needs no
//! server to be set up. The child keeps its data under the data directory, is started again when it
//! dies, and never outlives its parent: the kernel kills it with the thread that started it (also
//! after `kill -9`), so that thread lives as long as the process. It listens on no port. It is not
//! a cluster and has no replica: who needs one sets a URL.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::Duration,
};

mod conf;
mod keeper;
mod program;
mod takeover;

pub(crate) use program::{Program, ProgramError};

use keeper::Keeper;

/// How long a child may take to stop before it is killed. Its writes are on disk either way.
const STOP: Duration = Duration::from_secs(5);

/// Which store a server is for; that decides how it treats the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The line: fast.
    Waitlist,
    /// The stock: durable.
    Stock,
}

impl Purpose {
    /// Its name in paths and in the log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Waitlist => "waitlist",
            Self::Stock => "stock",
        }
    }

    fn dir(self) -> String {
        format!("redis-{}", self.name())
    }

    /// The server's socket, in the data directory.
    pub(crate) fn socket(self) -> PathBuf {
        Path::new(&self.dir()).join("redis.sock")
    }
}

/// The private server cannot be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedisChildError {
    /// No usable server program.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Its directory or configuration cannot be written, or it cannot be started at all.
    #[error("the {store} store cannot be started: {source}")]
    Io {
        /// Which store.
        store: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The kernel takes no socket paths this long.
    #[error("the data directory's path is too long for a unix socket ({} bytes, at most 107): choose a shorter --data", .0.as_os_str().len())]
    PathTooLong(PathBuf),
    /// It ended or did not answer in time.
    #[error("the {store} store did not come up ({why}); its log is {}", log.display())]
    NotReady {
        /// Which store.
        store: &'static str,
        /// What happened instead.
        why: String,
        /// Where it says more.
        log: PathBuf,
    },
}

/// A running private server. Dropping it stops it.
pub(crate) struct RedisChild {
    purpose: Purpose,
    socket: PathBuf,
    keeper: Arc<Keeper>,
    ended: mpsc::Receiver<()>,
}

impl RedisChild {
    /// Starts a server on `data/redis-{purpose}/` and returns when it answers.
    ///
    /// A server left over from an earlier life is stopped first, so that two never write one log.
    pub(crate) fn start(
        program: &Program,
        purpose: Purpose,
        data: &Path,
    ) -> Result<Self, RedisChildError> {
        let socket = data.join(purpose.socket());
        let dir = data.join(purpose.dir());
        if socket.as_os_str().len() > 107 {
            return Err(RedisChildError::PathTooLong(socket));
        }
        let io = |source| RedisChildError::Io {
            store: purpose.name(),
            source,
        };
        crate::data_dir::make_private(&dir).map_err(|error| io(std::io::Error::other(error)))?;
        takeover::stop_leftover(&dir, &socket).map_err(io)?;
        let conf = conf::write(purpose, &dir, &socket).map_err(io)?;
        let keeper = Arc::new(Keeper::new(
            program.clone(),
            purpose,
            dir.clone(),
            socket.clone(),
            conf,
        ));
        let (ready, first) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let kept = Arc::clone(&keeper);
        std::thread::Builder::new()
            .name(format!("redis-{}", purpose.name()))
            .spawn(move || {
                kept.keep(&ready);
                let _ = end.send(());
                // The server is gone or was told to go. The thread is not needed any more.
            })
            .map_err(io)?;
        let child = Self {
            purpose,
            socket,
            keeper,
            ended,
        };
        match first.recv() {
            Ok(Ok(())) => Ok(child),
            Ok(Err(why)) => Err(RedisChildError::NotReady {
                store: purpose.name(),
                why,
                log: dir.join("redis.log"),
            }),
            Err(_) => Err(io(std::io::Error::other("its thread ended"))),
        }
    }

    /// Where it listens, as a Redis URL.
    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket.display())
    }

    /// Its process, while there is one.
    #[cfg(test)]
    fn pid(&self) -> Option<u32> {
        self.keeper.pid()
    }
}

impl Drop for RedisChild {
    fn drop(&mut self) {
        self.keeper.stop();
        if self.ended.recv_timeout(STOP).is_err() {
            tracing::warn!(
                store = self.purpose.name(),
                "the private Redis did not stop: killing it"
            );
            self.keeper.kill();
            let _ = self.ended.recv_timeout(STOP);
        }
    }
}

/// Both private stores of one process.
pub(crate) struct Pair {
    /// The line.
    pub(crate) waitlist: RedisChild,
    /// The stock.
    pub(crate) stock: RedisChild,
    program: Program,
}

impl Pair {
    /// Starts both under one data directory.
    pub(crate) fn start(data: &Path) -> Result<Self, RedisChildError> {
        let program = Program::find()?;
        let waitlist = RedisChild::start(&program, Purpose::Waitlist, data)?;
        let stock = RedisChild::start(&program, Purpose::Stock, data)?;
        Ok(Self {
            waitlist,
            stock,
            program,
        })
    }

    /// What runs, for the person.
    pub(crate) fn describe(&self) -> String {
        self.program.describe()
    }
}

#[cfg(test)]
mod tests;
