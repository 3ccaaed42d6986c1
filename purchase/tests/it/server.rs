//! A real redis-server of the tests' own, on a unix socket in a directory of its own.

use std::{
    io::Read,
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
    more: Vec<String>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more settings than the usual ones.
    pub(crate) fn start_with(more: &[&str]) -> Self {
        let mut server = Self {
            directory: tempfile::tempdir().unwrap(),
            child: None,
            more: more.iter().map(ToString::to_string).collect(),
        };
        server.start_again();
        server
    }

    /// Answers at another's address from now on, as after a failover.
    pub(crate) fn take_the_address_of(&self, other: &Self) {
        std::fs::rename(self.socket(), other.socket()).unwrap();
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

    /// As after the loss of its disk.
    pub(crate) fn wipe(&self) {
        std::fs::remove_dir_all(self.directory.path().join("appendonlydir")).unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        let _ = std::fs::remove_file(self.socket());
        let child = Command::new("redis-server")
            .current_dir(self.directory.path())
            .args(["--port", "0", "--save", "", "--appendonly", "yes"])
            .args(["--appendfsync", "always", "--unixsocket"])
            .arg(self.socket())
            .args(&self.more)
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
        use std::io::Write;
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
///
/// A static is never dropped, so a second process waits for this one's end and takes the server
/// with it: its standard input closes when the test process is gone, however it went.
#[expect(
    clippy::zombie_processes,
    reason = "the watch ends it, after this process is gone"
)]
pub(crate) fn shared() -> &'static str {
    static SHARED: OnceLock<(tempfile::TempDir, String, Child)> = OnceLock::new();
    let (_, url, _) = SHARED.get_or_init(|| {
        let mut server = Server::start();
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
        let url = format!("redis+unix://{}/redis.sock", directory.path().display());
        (directory, url, watch)
    });
    url
}
