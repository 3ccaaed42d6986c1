//! Finds the server program: `redis-server`, or else `valkey-server`, 6.2 or newer.

use std::{
    ffi::{OsStr, OsString},
    io,
    process::Command,
};

/// The oldest version whose commands the scripts may use.
const OLDEST: (u32, u32) = (6, 2);

/// No server program that can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    /// None on the path.
    #[error(
        "neither redis-server nor valkey-server is installed: install one \
         (apt-get install redis-server), or give Redis URLs in the configuration"
    )]
    Missing,
    /// Found, but not new enough.
    #[error("{name} {found} is too old: Vestibule needs 6.2 or newer")]
    TooOld {
        /// Which program.
        name: &'static str,
        /// Its version.
        found: String,
    },
    /// Found, but it does not run or says no version.
    #[error("{name} does not run: {why}")]
    Broken {
        /// Which program.
        name: &'static str,
        /// What happened.
        why: String,
    },
    /// The helper that ties a child to its parent.
    #[error("setpriv is missing: install util-linux 2.33 or newer")]
    NoSetpriv,
}

/// A server program and what belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    name: &'static str,
    check_aof: &'static str,
    path: Option<OsString>,
    version: String,
}

impl Program {
    /// Looks on the process's own path.
    pub(crate) fn find() -> Result<Self, ProgramError> {
        Self::find_in(None)
    }

    /// Looks in `path`, a list of directories as in `PATH`.
    pub(crate) fn find_in(path: Option<&OsStr>) -> Result<Self, ProgramError> {
        let mut found = None;
        for (name, check_aof) in [
            ("redis-server", "redis-check-aof"),
            ("valkey-server", "valkey-check-aof"),
        ] {
            let candidate = Self {
                name,
                check_aof,
                path: path.map(ToOwned::to_owned),
                version: String::new(),
            };
            if let Some(said) = candidate.say_version()? {
                found = Some(Self {
                    version: parse_version(name, &said)?,
                    ..candidate
                });
                break;
            }
        }
        let found = found.ok_or(ProgramError::Missing)?;
        match found.command("setpriv").arg("--version").output() {
            Ok(_) => Ok(found),
            Err(_) => Err(ProgramError::NoSetpriv),
        }
    }

    /// Its name and version, for the log.
    pub(crate) fn describe(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// The server, tied to the life of the calling thread.
    pub(super) fn server(&self) -> Command {
        let mut command = self.command("setpriv");
        command.args(["--pdeathsig", "KILL", self.name]);
        command
    }

    /// The program that mends a torn log.
    pub(super) fn check_aof(&self) -> Command {
        self.command(self.check_aof)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        command
    }

    fn say_version(&self) -> Result<Option<String>, ProgramError> {
        match self.command(self.name).arg("--version").output() {
            Ok(output) => Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ProgramError::Broken {
                name: self.name,
                why: error.to_string(),
            }),
        }
    }
}

/// From `Redis server v=7.0.15 sha=…` or `Valkey server v=8.0.1 …`.
fn parse_version(name: &'static str, said: &str) -> Result<String, ProgramError> {
    let version = said
        .split_whitespace()
        .find_map(|word| word.strip_prefix("v="))
        .ok_or_else(|| ProgramError::Broken {
            name,
            why: "it says no version".to_owned(),
        })?;
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < OLDEST {
        return Err(ProgramError::TooOld {
            name,
            found: version.to_owned(),
        });
    }
    Ok(version.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use super::*;

    fn pretend(dir: &Path, name: &str, says: &str) {
        let path = dir.join(name);
        fs::write(&path, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn find_in(dir: &Path) -> Result<Program, ProgramError> {
        Program::find_in(Some(dir.as_os_str()))
    }

    #[test]
    fn a_missing_server_says_what_to_install() {
        let dir = tempfile::tempdir().unwrap();
        let said = find_in(dir.path()).unwrap_err().to_string();
        assert!(said.contains("apt-get install redis-server"), "{said}");
    }

    #[test]
    fn a_server_older_than_six_two_is_refused_with_its_version() {
        let dir = tempfile::tempdir().unwrap();
        pretend(
            dir.path(),
            "redis-server",
            "Redis server v=6.0.16 sha=0 bits=64",
        );
        let said = find_in(dir.path()).unwrap_err().to_string();
        assert_eq!(
            said,
            "redis-server 6.0.16 is too old: Vestibule needs 6.2 or newer"
        );
    }

    #[test]
    fn valkey_serves_where_there_is_no_redis() {
        let dir = tempfile::tempdir().unwrap();
        pretend(
            dir.path(),
            "valkey-server",
            "Valkey server v=8.0.1 sha=0 bits=64",
        );
        pretend(dir.path(), "setpriv", "setpriv");
        assert_eq!(
            find_in(dir.path()).unwrap().describe(),
            "valkey-server 8.0.1"
        );
    }
}
