//! A real PostgreSQL of the tests' own, on a unix socket in a directory of its own.
//!
//! The server refuses to run as root and then gets another user. Its default for
//! `synchronous_commit` is the weak one on purpose: the ledger must not rely on it.

use std::{
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};

/// Who owns the databases.
const OWNER: &str = "ledger";

/// One server. It ends with the value, and with this process however that ends: a second process
/// waits for the end of its own standard input and takes the server with it.
pub(crate) struct Postgres {
    directory: PathBuf,
    /// Whom it runs as, if we are root.
    user: Option<&'static str>,
    child: Option<Child>,
    watch: Child,
}

impl Postgres {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap().keep();
        std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o755)).unwrap();
        let user = (id("-u", None) == Some(0)).then(|| {
            let known = |user: &&&str| id("-u", Some(user)).is_some();
            *["postgres", "nobody"].iter().find(known).unwrap()
        });
        let at_the_end = r#"cat >/dev/null
            test -f "$0/data/postmaster.pid" && kill -9 $(head -n 1 "$0/data/postmaster.pid")
            rm -rf "$0"; sleep 1; rm -rf "$0""#;
        let watch = Command::new("sh")
            .args(["-c", at_the_end])
            .arg(&directory)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self {
            directory,
            user,
            child: None,
            watch,
        };
        if let Some(uid) = user.and_then(|user| id("-u", Some(user))) {
            std::os::unix::fs::chown(&server.directory, Some(uid), None).unwrap();
        }
        let made = server
            .program("initdb")
            .args(["--no-sync", "--auth=trust", "--locale=C", "--encoding=UTF8"])
            .args(["--username", OWNER, "--pgdata", "data"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        server.start_again();
        server
    }

    /// A program of the server's, run as the server's user in the server's directory.
    fn program(&self, name: &str) -> Command {
        let path = find(name);
        let mut command = match self.user {
            Some(user) => {
                let group = id("-g", Some(user)).unwrap().to_string();
                let mut command = Command::new("setpriv");
                command.args(["--reuid", user, "--regid", &group, "--clear-groups", "--"]);
                command.arg(path);
                command
            }
            None => Command::new(path),
        };
        command.current_dir(&self.directory);
        command
    }

    pub(crate) fn start_again(&mut self) {
        let log = std::fs::File::create(self.directory.join("log")).unwrap();
        let child = self
            .program("postgres")
            .args(["-D", "data", "-k"])
            .arg(&self.directory)
            .args(["-c", "listen_addresses=", "-c", "max_connections=300"])
            .args(["-c", "shared_buffers=64MB", "-c", "synchronous_commit=off"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let end = Instant::now() + Duration::from_secs(30);
        while !self.answers() {
            let log = || std::fs::read_to_string(self.directory.join("log"));
            assert!(Instant::now() < end, "no answer: {:?}", log());
            std::thread::yield_now();
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join(".s.PGSQL.5432")
    }

    /// Whether it lets somebody in: it listens long before that.
    fn answers(&self) -> bool {
        let Ok(mut stream) = UnixStream::connect(self.socket()) else {
            return false;
        };
        let hello = format!("\0\x03\0\0user\0{OWNER}\0database\0postgres\0\0");
        let length = (hello.len() as u32 + 4).to_be_bytes();
        let mut answer = [0];
        stream.write_all(&length).is_ok()
            && stream.write_all(hello.as_bytes()).is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && &answer == b"R"
    }

    /// The server's processes.
    fn processes(&self) -> Vec<String> {
        let Some(child) = &self.child else {
            return Vec::new();
        };
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let children = std::fs::read_to_string(children).unwrap_or_default();
        let children = children.split_whitespace().map(str::to_owned);
        [child.id().to_string()]
            .into_iter()
            .chain(children)
            .collect()
    }

    /// Sends it to every process of the server.
    pub(crate) fn signal(&self, signal: &str) {
        let _ = Command::new("kill")
            .arg(signal)
            .args(self.processes())
            .stderr(Stdio::null())
            .status();
    }

    /// As after a power cut: every process at once.
    pub(crate) fn kill_9(&mut self) {
        self.signal("-9");
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let _ = std::fs::remove_file(self.directory.join("data/postmaster.pid"));
    }

    fn url(&self, database: &str) -> String {
        let host = as_host(&self.directory);
        format!("postgres://{OWNER}@{host}/{database}")
    }

    /// The URL of an empty database.
    pub(crate) fn new_database(&self) -> String {
        let name = format!("ledger_{}", uuid::Uuid::now_v7().simple());
        let (admin, sql) = (
            self.url("postgres"),
            format!("CREATE DATABASE {name} TEMPLATE template0"),
        );
        let create = async move {
            sqlx::any::install_default_drivers();
            let mut admin = AnyConnection::connect(&admin).await.unwrap();
            admin.execute(AssertSqlSafe(sql)).await.unwrap();
        };
        // On a thread of its own: the caller may be on a runtime already.
        std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(create);
        })
        .join()
        .unwrap();
        self.url(&name)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill_9();
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
    }
}

/// The server most tests share, each with a database of its own.
pub(crate) fn shared() -> &'static Postgres {
    static SHARED: OnceLock<Postgres> = OnceLock::new();
    SHARED.get_or_init(Postgres::start)
}

/// The directory of a socket as a URL names it.
pub(crate) fn as_host(directory: &Path) -> String {
    directory.display().to_string().replace('/', "%2F")
}

/// Where Debian puts a server's programs, unless they are on the path.
fn find(name: &str) -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut versions: Vec<PathBuf> = installed
        .flatten()
        .map(|version| version.path().join("bin").join(name))
        .filter(|path| path.exists())
        .collect();
    versions.sort();
    versions.pop().unwrap_or_else(|| Path::new(name).to_owned())
}

/// The number of a user (`-u`) or of its group (`-g`), or our own.
fn id(which: &str, user: Option<&str>) -> Option<u32> {
    let mut command = Command::new("id");
    let output = command.arg(which).args(user).output().unwrap();
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
