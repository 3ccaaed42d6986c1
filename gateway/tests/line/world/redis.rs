//! A real Redis.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

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

    /// Stops answering, without ending.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Answers again.
    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
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
