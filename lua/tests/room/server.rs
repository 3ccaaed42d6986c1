//! A real Redis for tests, on a unix socket in a directory of its own.
//!
//! A keeper thread starts the server and lives as long as it: the server dies with that thread, so
//! a test run that is killed leaves nothing behind. Killing is `kill -9`, as a crash would be.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, Weak, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use tempfile::TempDir;

/// How often a starting server is asked whether it answers, a hundredth of a second apart.
const ASKED: u32 = 2000;

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// A Redis server. Gone when dropped.
pub(crate) struct Server {
    directory: TempDir,
    logging: bool,
    running: Option<Running>,
}

struct Running {
    stop: mpsc::Sender<()>,
    keeper: JoinHandle<()>,
}

impl Server {
    /// The server all tests share while any of them runs.
    pub(crate) fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap();
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start(false));
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// A server that keeps nothing: after a kill it is empty.
    pub(crate) fn forgetful() -> Self {
        Self::start(false)
    }

    /// A server that writes every command to its log before it answers.
    pub(crate) fn logging() -> Self {
        Self::start(true)
    }

    fn start(logging: bool) -> Self {
        let mut server = Self {
            directory: TempDir::new().unwrap(),
            logging,
            running: None,
        };
        server.start_again();
        server
    }

    /// Starts it on what the last run left behind.
    pub(crate) fn start_again(&mut self) {
        let socket = self.socket();
        let _ = fs::remove_file(&socket);
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "redis-server", "--port", "0"])
            .args(["--save", "", "--maxmemory-policy", "noeviction"])
            .args(["--appendonly", if self.logging { "yes" } else { "no" }])
            .args(["--appendfsync", "always"])
            .arg("--dir")
            .arg(self.directory.path())
            .arg("--unixsocket")
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let (stop, stopped) = mpsc::channel::<()>();
        let keeper = thread::spawn(move || {
            let mut child = command.spawn().expect("setpriv and redis-server");
            // Until told to stop, or until whoever would tell is gone.
            let _ = stopped.recv();
            let _ = child.kill();
            let _ = child.wait();
        });
        self.running = Some(Running { stop, keeper });
        assert!(
            (0..ASKED).any(|_| {
                let answers = answers(&socket);
                if !answers {
                    thread::sleep(Duration::from_millis(10));
                }
                answers
            }),
            "redis-server does not answer"
        );
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(Running { stop, keeper }) = self.running.take() {
            let _ = stop.send(());
            let _ = keeper.join();
        }
    }

    /// Where it listens, as a URL.
    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("s.sock")
    }

    /// How long its log is now; with [`Server::tear_log`] a way to lose the newest entries, as a
    /// crash between two fsyncs does.
    pub(crate) fn log_length(&self) -> u64 {
        fs::metadata(self.log()).unwrap().len()
    }

    /// Cuts the log of a killed server to what it was.
    pub(crate) fn tear_log(&self, length: u64) {
        let log = fs::OpenOptions::new().write(true).open(self.log()).unwrap();
        log.set_len(length).unwrap();
    }

    /// One file up to Redis 6, the newest increment from Redis 7 on.
    fn log(&self) -> PathBuf {
        let single = self.directory.path().join("appendonly.aof");
        if single.exists() {
            return single;
        }
        fs::read_dir(self.directory.path().join("appendonlydir"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().ends_with(".incr.aof"))
            .max()
            .expect("a log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn answers(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else {
        return false;
    };
    let mut answer = [0; 5];
    stream.write_all(b"PING\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && &answer == b"+PONG"
}
