//! Real Redis servers that somebody set in one way or another.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use crate::process::PATIENCE;

/// One server on a unix socket; dies with the value.
pub(crate) struct Redis {
    directory: tempfile::TempDir,
    child: Child,
}

impl Redis {
    /// `arguments` as on the command line, a configuration file first if there is one.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("redis.sock");
        // The last one counts: who wants a port says so after these.
        let (file, set) = match arguments.split_first() {
            Some((file, set)) if !file.starts_with('-') => (Some(*file), set),
            _ => (None, arguments),
        };
        let child = Command::new("redis-server")
            .args(file)
            .args(["--port", "0", "--daemonize", "no", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(directory.path())
            .args(set)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let server = Self { directory, child };
        let began = Instant::now();
        while server.ask("PING").as_deref() != Some("+PONG\r\n") {
            assert!(began.elapsed() < PATIENCE, "redis-server does not answer");
            std::thread::yield_now();
        }
        server
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// One inline command; the answer as it came.
    pub(crate) fn ask(&self, command: &str) -> Option<String> {
        ask(&self.socket(), command)
    }
}

/// One inline command to the server behind a socket.
pub(crate) fn ask(socket: &Path, command: &str) -> Option<String> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    // QUIT closes after the answer, so the end of it is known.
    write!(stream, "{command}\r\nQUIT\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.strip_suffix("+OK\r\n")?.to_owned())
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
