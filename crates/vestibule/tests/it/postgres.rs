//! A real PostgreSQL server of the test's own, on a unix socket in a directory of its own.
//!
//! It refuses to run as root, so a test that runs as root starts it as nobody.

use std::{
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::process::PATIENCE;

/// Nobody, as Debian numbers it.
const NOBODY: u32 = 65_534;

/// A database cluster; started with one setting or another.
pub(crate) struct Postgres {
    directory: tempfile::TempDir,
    programs: PathBuf,
}

/// A running server; stops with the value.
pub(crate) struct Server(Child);

impl Postgres {
    /// Makes the cluster.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        if rustix::process::geteuid().is_root() {
            chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o700)).unwrap();
        // The newest, where Debian keeps them; they are not on the path.
        let versions = std::fs::read_dir("/usr/lib/postgresql").expect("postgresql is installed");
        let programs = versions
            .map(|entry| entry.unwrap().path().join("bin"))
            .max();
        let cluster = Self {
            directory,
            programs: programs.expect("postgresql is installed"),
        };
        let made = cluster
            .command("initdb")
            .args(["--auth=trust", "--username=u", "--no-sync", "-D"])
            .arg(cluster.data())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        cluster
    }

    /// Where the cluster keeps its files.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// How to reach it while it runs.
    pub(crate) fn url(&self) -> String {
        let socket = self.directory.path().display();
        format!("postgres://u@localhost/postgres?host={socket}")
    }

    /// Starts it with these settings.
    pub(crate) fn start(&self, settings: &[&str]) -> Server {
        let mut command = self.command("postgres");
        command
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(self.directory.path());
        for setting in ["listen_addresses="].iter().chain(settings) {
            command.args(["-c", setting]);
        }
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut server = Server(child);
        let began = Instant::now();
        while !self.answers() {
            assert!(
                server.0.try_wait().unwrap().is_none(),
                "it ended: {settings:?}"
            );
            assert!(
                began.elapsed() < PATIENCE,
                "it does not answer: {settings:?}"
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        server
    }

    fn answers(&self) -> bool {
        let mut ready = self.command("pg_isready");
        let asked = ready
            .arg("-q")
            .arg("-h")
            .arg(self.directory.path())
            .status();
        asked.unwrap().success()
    }

    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("setpriv");
            let nobody = NOBODY.to_string();
            command.args([
                "--reuid",
                &nobody,
                "--regid",
                &nobody,
                "--clear-groups",
                "--",
            ]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .current_dir(Path::new("/"))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A fast shutdown: what is open is rolled back, and the next start needs no recovery.
        let _ = kill_process(Pid::from_child(&self.0), Signal::INT);
        let _ = self.0.wait();
    }
}
