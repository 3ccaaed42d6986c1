//! One process on the stage: started, killed, stopped and continued; never outlives its starter.

use std::{
    ffi::OsString,
    fs::OpenOptions,
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::Disk;

/// A process and how to start it.
pub(crate) struct Process {
    program: PathBuf,
    args: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    log: PathBuf,
    child: Option<Child>,
}

impl Process {
    /// Not started yet. Its output goes to `{name}.log` in `dir`.
    pub(crate) fn new(name: &str, program: &Path, dir: &Path) -> Self {
        Self {
            program: program.to_owned(),
            args: Vec::new(),
            variables: Vec::new(),
            log: dir.join(format!("{name}.log")),
            child: None,
        }
    }

    pub(crate) fn args(&mut self, args: impl IntoIterator<Item = OsString>) {
        self.args.extend(args);
    }

    pub(crate) fn slowed_by(&mut self, disk: &Disk) {
        self.variables.extend(disk.variables());
    }

    pub(crate) fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// Starts it if it does not run. The kernel ends it with the thread that called this.
    pub(crate) fn start(&mut self) -> io::Result<()> {
        if self.child.is_some() {
            return Ok(());
        }
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)?;
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL"])
            .arg(&self.program)
            .args(&self.args);
        // Ours would change what the configuration file says.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("VESTIBULE_") {
                command.env_remove(name);
            }
        }
        let child = command
            .env_remove("RUST_LOG")
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        self.child = Some(child);
        Ok(())
    }

    /// Ends it at once; whether it ran.
    pub(crate) fn kill(&mut self) -> bool {
        let Some(mut child) = self.child.take() else {
            return false;
        };
        let ran = matches!(child.try_wait(), Ok(None));
        let _ = child.kill();
        let _ = child.wait();
        ran
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            let _ = kill_process(Pid::from_child(child), signal);
        }
    }

    /// How it ended, if it did so by itself.
    pub(crate) fn fell(&mut self) -> Option<String> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        self.child = None;
        Some(format!("{status}; see {}", self.log.display()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
