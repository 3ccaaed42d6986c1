//! Starts the server, waits for it, starts it again: the life of one private store.
//!
//! All of it happens on one thread, because the kernel ties the child to the thread that started
//! it. A server that dies at once again and again is left alone for longer and longer: the services
//! then say that the store is away, which is the truth.

use std::{
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use rustix::process::{Pid, Signal, kill_process};

use super::{Program, Purpose, takeover};

/// How long a server may be silent before it counts as not coming up.
const SILENT: Duration = Duration::from_secs(20);
/// How long it may load its data. A million orders load in a few seconds.
const LOADING: Duration = Duration::from_mins(10);
/// Longest pause before the next start.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Keeps one server running until told to stop.
pub(super) struct Keeper {
    program: Program,
    purpose: Purpose,
    dir: PathBuf,
    socket: PathBuf,
    conf: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Only while the process is not reaped yet: a pid after that may be somebody else's.
    pid: Option<Pid>,
    stopping: bool,
}

impl Keeper {
    pub(super) fn new(
        program: Program,
        purpose: Purpose,
        dir: PathBuf,
        socket: PathBuf,
        conf: PathBuf,
    ) -> Self {
        Self {
            program,
            purpose,
            dir,
            socket,
            conf,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Runs until [`Keeper::stop`]. Tells `ready` once, when the first start has come to something.
    pub(super) fn keep(&self, ready: &mpsc::Sender<Result<(), String>>) {
        let store = self.purpose.name();
        let mut first = Some(ready);
        let mut pause = Duration::from_millis(50);
        loop {
            let began = Instant::now();
            match self.start() {
                Ok(Some(mut child)) => {
                    let came_up = self.wait_until_ready(&mut child);
                    if came_up.is_ok() {
                        tracing::info!(store, pid = child.id(), "private Redis is up");
                    }
                    if let Some(ready) = first.take() {
                        let failed = came_up.is_err();
                        let _ = ready.send(came_up);
                        if failed {
                            self.reap(child, true);
                            return;
                        }
                    }
                    self.reap(child, false);
                }
                Ok(None) => return,
                Err(error) => {
                    if let Some(ready) = first.take() {
                        let _ = ready.send(Err(error.to_string()));
                        return;
                    }
                    tracing::error!(store, %error, "private Redis cannot be started");
                }
            }
            if began.elapsed() > LONGEST_PAUSE {
                pause = Duration::from_millis(50);
            }
            let mut state = self.state.lock();
            if state.stopping {
                return;
            }
            tracing::warn!(store, "private Redis died: starting it again");
            self.changed.wait_for(&mut state, pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// None when told to stop meanwhile.
    fn start(&self) -> io::Result<Option<Child>> {
        if self.purpose == Purpose::Stock {
            takeover::mend_log(&self.program, &self.dir)?;
        }
        let mut state = self.state.lock();
        if state.stopping {
            return Ok(None);
        }
        let child = self
            .program
            .server()
            .arg(&self.conf)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of the terminal's group: Ctrl-C is for us, who drain before the stores go.
            .process_group(0)
            .spawn()?;
        state.pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        std::fs::write(self.dir.join("redis.pid"), child.id().to_string())?;
        Ok(Some(child))
    }

    fn wait_until_ready(&self, child: &mut Child) -> Result<(), String> {
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                return Err(format!("it ended with {status}"));
            }
            let limit = match ping(&self.socket) {
                Answer::Ready => return Ok(()),
                Answer::Loading => LOADING,
                Answer::Silent => SILENT,
            };
            if began.elapsed() > limit {
                return Err(format!("no answer for {} s", limit.as_secs()));
            }
            if self.state.lock().stopping {
                return Err("told to stop".to_owned());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the child's end. The pid is forgotten under the lock before anybody could be
    /// handed the same number.
    fn reap(&self, mut child: Child, kill: bool) {
        if kill {
            let _ = child.kill();
        }
        // WNOWAIT leaves it unreaped, so that the pid stays ours until it is forgotten.
        if let Ok(id) = i32::try_from(child.id())
            && let Some(pid) = Pid::from_raw(id)
        {
            let options =
                rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
            let _ = rustix::process::waitid(rustix::process::WaitId::Pid(pid), options);
        }
        self.state.lock().pid = None;
        let _ = child.wait();
    }

    #[cfg(test)]
    pub(super) fn pid(&self) -> Option<u32> {
        self.state
            .lock()
            .pid
            .map(|pid| pid.as_raw_nonzero().get().cast_unsigned())
    }

    /// Asks the server to end and does not start it again.
    pub(super) fn stop(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends the server at once.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        let mut state = self.state.lock();
        state.stopping = true;
        if let Some(pid) = state.pid {
            let _ = kill_process(pid, signal);
        }
        self.changed.notify_all();
    }
}

enum Answer {
    Ready,
    Loading,
    Silent,
}

fn ping(socket: &Path) -> Answer {
    use std::{
        io::{Read, Write},
        os::unix::net::UnixStream,
    };
    let ask = || {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 64];
        let length = stream.read(&mut answer)?;
        io::Result::Ok(answer[..length].to_vec())
    };
    match ask() {
        Ok(answer) if answer.starts_with(b"+PONG") => Answer::Ready,
        Ok(answer) if answer.starts_with(b"-LOADING") => Answer::Loading,
        _ => Answer::Silent,
    }
}
