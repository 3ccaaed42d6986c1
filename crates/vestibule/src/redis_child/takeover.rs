//! Before a start: no second server on the same log, and no torn tail in it.

use std::{
    fs, io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::Program;

/// How long a leftover server may take to go.
const GO: Duration = Duration::from_secs(5);

/// Stops a server that still listens on `socket`, and removes the socket.
///
/// There should be none: children die with their parent. One may be left if the parent died in the
/// instant between fork and the tie. Whoever holds the directory's lock may end it.
pub(super) fn stop_leftover(dir: &Path, socket: &Path) -> io::Result<()> {
    let listening = UnixStream::connect(socket).is_ok();
    let pid_file = dir.join("redis.pid");
    if listening && let Some(pid) = read_pid(&pid_file) {
        tracing::warn!(
            pid = pid.as_raw_nonzero().get(),
            "stopping a Redis left from before"
        );
        let _ = kill_process(pid, Signal::TERM);
        let until = Instant::now() + GO;
        while test_kill_process(pid).is_ok() && UnixStream::connect(socket).is_ok() {
            if Instant::now() > until {
                let _ = kill_process(pid, Signal::KILL);
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    for file in [socket, &pid_file] {
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn read_pid(path: &Path) -> Option<Pid> {
    fs::read_to_string(path)
        .ok()?
        .trim()
        .parse()
        .ok()
        .and_then(Pid::from_raw)
}

/// Cuts a torn tail off the append-only log, which a server that was killed in mid-write leaves.
///
/// What is cut was never acknowledged: with `appendfsync always` an answer leaves after the whole
/// write is on disk.
pub(super) fn mend_log(program: &Program, dir: &Path) -> io::Result<()> {
    let Some(log) = log_of(dir) else {
        return Ok(());
    };
    let mut child = program
        .check_aof()
        .arg("--fix")
        .arg(&log)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // It asks before it cuts. It may also be done before it reads: then nobody hears the answer.
    if let Some(mut stdin) = child.stdin.take() {
        use io::Write;
        let _ = stdin.write_all(b"y\n");
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if said.contains("Successfully truncated") {
        tracing::warn!(log = %log.display(), "cut a torn tail off the stock log");
    }
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "its log cannot be mended: {}",
        said.trim()
    )))
}

/// The manifest since Redis 7, the one file before.
fn log_of(dir: &Path) -> Option<PathBuf> {
    [
        dir.join("appendonlydir/appendonly.aof.manifest"),
        dir.join("appendonly.aof"),
    ]
    .into_iter()
    .find(|path| path.exists())
}
