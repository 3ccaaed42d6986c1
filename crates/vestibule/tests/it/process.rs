//! Starts the real binary and asks it over HTTP.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// Longest wait for anything; only a failing test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn vestibule() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("VESTIBULE_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// What it says when it refuses: the exit code and standard error.
pub(crate) fn refusal(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    let said = String::from_utf8_lossy(&stderr).into_owned();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// An address nobody listens on at this moment.
pub(crate) fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// In the public status once the gateway knows the room and its stock.
const SELLING: &str = "\"demo-unit\":{\"available\":50";

/// A running process; killed when dropped.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Starts and waits until `probe` answers 200 to `path`, with `word` in the answer.
    pub(crate) fn start(command: &mut Command, probe: SocketAddr, path: &str, word: &str) -> Self {
        let mut running = Self(command.stdout(Stdio::null()).spawn().unwrap());
        let began = Instant::now();
        while !matches!(ask(probe, "GET", path, ""), Some((200, said)) if said.contains(word)) {
            let ended = running.0.try_wait().unwrap();
            assert!(ended.is_none(), "ended with {ended:?}");
            assert!(began.elapsed() < PATIENCE, "{path} did not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One request on a connection of its own; status and the whole answer.
pub(crate) fn ask(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
) -> Option<(u16, String)> {
    send(to, method, path, headers, "")
}

/// The same with a body, which is JSON.
pub(crate) fn send(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(to).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/json\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some((answer.split(' ').nth(1)?.parse().ok()?, answer))
}

/// The same as a client that is told to come back comes back: right after a start one gateway may
/// know the room before the other does.
pub(crate) fn ask_until_served(to: SocketAddr, path: &str, headers: &str) -> (u16, String) {
    let began = Instant::now();
    loop {
        match ask(to, "GET", path, headers) {
            Some((503, _)) | None if began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            answer => return answer.unwrap(),
        }
    }
}

/// The demo without a crowd, on free addresses.
pub(crate) struct Demo {
    pub(crate) process: Running,
    pub(crate) visitors: SocketAddr,
    pub(crate) operator: SocketAddr,
}

impl Demo {
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_at(data, free(), free())
    }

    /// Ends it by a signal and starts it again on the same data and addresses.
    pub(crate) fn again(mut self, data: &Path, end: Signal) -> Self {
        self.process.signal(end);
        self.process.ended();
        Self::start_at(data, self.visitors, self.operator)
    }

    fn start_at(data: &Path, visitors: SocketAddr, operator: SocketAddr) -> Self {
        let mut command = vestibule();
        command
            .args(["demo", "--visitors", "0", "--gateways", "2", "--data"])
            .arg(data)
            .args([
                "--listen",
                &visitors.to_string(),
                "--operator",
                &operator.to_string(),
            ]);
        Self {
            process: Running::start(&mut command, visitors, "/_wr/status/demo", SELLING),
            visitors,
            operator,
        }
    }
}

/// The processes whose command line names this path.
pub(crate) fn processes_naming(path: &Path) -> Vec<i32> {
    let needle = path.to_str().unwrap().as_bytes();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.windows(needle.len()).any(|part| part == needle)
        })
        .collect()
}
