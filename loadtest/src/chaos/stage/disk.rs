//! A disk that can be slow: a library preloaded into a process, which lingers in each flush for as
//! long as a file says.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use super::super::ChaosError;

const SOURCE: &str = include_str!("../../../chaos/slow_fsync.c");

/// One disk.
#[derive(Clone)]
pub(crate) struct Disk {
    library: PathBuf,
    file: PathBuf,
}

impl Disk {
    /// Compiles the library into `dir`.
    pub(crate) fn compile(dir: &Path) -> Result<PathBuf, ChaosError> {
        let (source, library) = (dir.join("slow_fsync.c"), dir.join("slow_fsync.so"));
        std::fs::write(&source, SOURCE)?;
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .stdin(Stdio::null())
            .output()
            .map_err(|source| ChaosError::Missing("cc (gcc)", source))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(ChaosError::Compile(said));
        }
        Ok(library)
    }

    /// A disk at its own speed.
    pub(crate) fn new(library: &Path, file: PathBuf) -> io::Result<Self> {
        let disk = Self {
            library: library.to_owned(),
            file,
        };
        disk.slow(Duration::ZERO)?;
        Ok(disk)
    }

    /// So much slower from now on, also for processes that run.
    pub(crate) fn slow(&self, by: Duration) -> io::Result<()> {
        // In one step: a reader must never find half a number.
        let next = self.file.with_extension("next");
        std::fs::write(&next, by.as_millis().to_string())?;
        std::fs::rename(next, &self.file)
    }

    pub(crate) fn variables(&self) -> [(&'static str, OsString); 2] {
        [
            ("LD_PRELOAD", self.library.clone().into_os_string()),
            ("SLOW_FSYNC_FILE", self.file.clone().into_os_string()),
        ]
    }
}
