//! A real redis-server of the tests' own, on a unix socket in a directory of its own.

use std::{
    fs::OpenOptions,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

/// One server; dies with the value.
pub(crate) struct Server {
    directory: tempfile::TempDir,
    child: Option<Child>,
    appendonly: &'static str,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with("yes")
    }

    fn start_with(appendonly: &'static str) -> Self {
        let mut server = Self {
            directory: tempfile::tempdir().unwrap(),
            child: None,
            appendonly,
        };
        server.start_again();
        server
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// As after a power cut.
    pub(crate) fn kill_9(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("appendonlydir")
    }

    /// Leaves the beginning of a transaction at the end of the log, as a power cut does.
    pub(crate) fn tear(&self, stock: &str) {
        let files = std::fs::read_dir(self.log()).unwrap();
        let mut logs = files.map(|file| file.unwrap().path());
        let log = logs.find(|file| file.to_string_lossy().ends_with(".incr.aof"));
        let log = OpenOptions::new().append(true).open(log.unwrap());
        let length = stock.len();
        let half = format!(
            "*1\r\n$5\r\nMULTI\r\n*4\r\n$7\r\nHINCRBY\r\n${length}\r\n{stock}\r\n\
             $14\r\nunit:available\r\n$2\r\n-1\r\n*4\r\n$7\r\nHINC"
        );
        log.unwrap().write_all(half.as_bytes()).unwrap();
    }

    /// Cuts a torn end off the log, as must be done before every start.
    pub(crate) fn repair(&self) {
        let mut check = Command::new("redis-check-aof")
            .arg("--fix")
            .arg(self.log().join("appendonly.aof.manifest"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-check-aof is installed");
        // It asks only if there is something to cut; else nobody reads this.
        let _ = check.stdin.take().unwrap().write_all(b"y\n");
        assert!(check.wait().unwrap().success());
    }

    pub(crate) fn start_again(&mut self) {
        let _ = std::fs::remove_file(self.socket());
        let child = Command::new("redis-server")
            .current_dir(self.directory.path())
            .args(["--port", "0", "--save", "", "--appendonly"])
            .args([self.appendonly, "--appendfsync", "always", "--unixsocket"])
            .arg(self.socket())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.child = Some(child);
        let end = Instant::now() + Duration::from_secs(20);
        while !self.answers() {
            assert!(Instant::now() < end, "redis-server does not answer");
            std::thread::yield_now();
        }
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = UnixStream::connect(self.socket()) else {
            return false;
        };
        let mut answer = [0; 5];
        stream.write_all(b"PING\r\n").is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && &answer == b"+PONG"
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill_9();
    }
}

/// The server most tests share, each with a sale of its own.
pub(crate) fn shared() -> &'static str {
    static SHARED: OnceLock<Watched> = OnceLock::new();
    &SHARED.get_or_init(|| Watched::new(Server::start())).url
}

/// A server that writes nothing to disk: many times the steps in the same time.
pub(crate) fn forgetful() -> &'static str {
    static SHARED: OnceLock<Watched> = OnceLock::new();
    &SHARED
        .get_or_init(|| Watched::new(Server::start_with("no")))
        .url
}

/// A server that lives as long as this process.
///
/// A static is never dropped, so a second process waits for this one's end and takes the server
/// with it: its standard input closes when the test process is gone, however it went.
struct Watched {
    url: String,
    _directory: tempfile::TempDir,
    _watch: Child,
}

impl Watched {
    #[expect(
        clippy::zombie_processes,
        reason = "the watch ends it, after this process is gone"
    )]
    fn new(mut server: Server) -> Self {
        let redis = server.child.take().unwrap();
        let directory = std::mem::replace(&mut server.directory, tempfile::tempdir().unwrap());
        let watch = Command::new("sh")
            .args([
                "-c",
                &format!("cat >/dev/null; kill -9 {}; rm -rf \"$0\"", redis.id()),
            ])
            .arg(directory.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            url: format!("redis+unix://{}/redis.sock", directory.path().display()),
            _directory: directory,
            _watch: watch,
        }
    }
}
