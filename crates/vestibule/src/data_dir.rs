//! The data directory: one process owns it, and what is secret in it only its owner can read.
//!
//! `demo` and `serve` keep everything here: their private Redis servers, the ledger, the keys. Two
//! of them on one directory would be two sales of the same stock, so a lock that the kernel drops
//! with the process (also after `kill -9`) keeps the second one out. Keys are made once and then
//! read back, so that passes and tickets handed out before a restart stay good.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use entry_pass::KeyRing;
use rand::{TryRngCore, rngs::OsRng};

/// The file of the SQLite ledger.
pub(crate) const LEDGER: &str = "ledger.sqlite";

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    /// Somebody else has it.
    #[error("{} is in use by another vestibule: stop that one or choose another --data", .0.display())]
    InUse(PathBuf),
    /// A file or directory in it cannot be read or made.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key file that is not one.
    #[error("{}: {what}; restore it, or remove it to start with a new one (which voids what the old one signed)", path.display())]
    NotAKey {
        /// Which file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
    },
}

/// A data directory that this process owns until it ends.
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
    /// Removed with everything in it when dropped: a demo without `--data`.
    _temporary: Option<tempfile::TempDir>,
}

impl DataDir {
    /// Takes the directory, makes it if need be.
    pub(crate) fn open(path: &Path) -> Result<Self, DataDirError> {
        Self::take(path, None)
    }

    fn take(path: &Path, temporary: Option<tempfile::TempDir>) -> Result<Self, DataDirError> {
        make_private(path)?;
        // Redis and SQLite change directory or do not; absolute paths hold for both.
        let path = fs::canonicalize(path).map_err(|source| io_error(path, source))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(|source| io_error(&path.join("lock"), source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path,
                _lock: lock,
                _temporary: temporary,
            }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(path)),
            Err(TryLockError::Error(source)) => Err(io_error(&path, source)),
        }
    }

    /// A new directory that goes away with the process's clean end.
    pub(crate) fn temporary() -> Result<Self, DataDirError> {
        let made = tempfile::Builder::new()
            .prefix("vestibule-")
            .tempdir()
            .map_err(|source| io_error(&std::env::temp_dir(), source))?;
        let path = made.path().to_owned();
        Self::take(&path, Some(made))
    }

    /// Where it is, as an absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The SQLite ledger.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.path.join(LEDGER)
    }

    /// The key tickets and visitor cookies are signed with, made at the first start.
    pub(crate) fn ticket_key(&self) -> Result<[u8; 32], DataDirError> {
        let path = self.path.join("ticket.key");
        let text = read_or_make(&path, || Ok(hex(&random()?)))?;
        parse_ticket_key(&text).ok_or(DataDirError::NotAKey {
            path,
            what: "must be 64 hexadecimal digits",
        })
    }

    /// The key passes are signed with, made at the first start.
    pub(crate) fn pass_keys(&self) -> Result<Arc<KeyRing>, DataDirError> {
        let path = self.path.join("passes.pem");
        let pem = read_or_make(&path, || KeyRing::generate_pem().map_err(io::Error::other))?;
        KeyRing::from_pems([pem.as_str()])
            .map(Arc::new)
            .map_err(|_| DataDirError::NotAKey {
                path,
                what: "must be a P-256 private key in PKCS#8 PEM form",
            })
    }

    /// The operator's bearer token and the file it stands in, made at the first start.
    pub(crate) fn operator_token(&self) -> Result<(String, PathBuf), DataDirError> {
        let path = self.path.join("operator-token");
        let token = read_or_make(&path, || Ok(hex(&random()?)))?;
        Ok((token.trim().to_owned(), path))
    }
}

/// 64 hexadecimal digits as 32 bytes.
pub(crate) fn parse_ticket_key(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut key = [0; 32];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(key)
}

/// A directory only its owner can enter. One that exists keeps its parents as they are.
pub(crate) fn make_private(path: &Path) -> Result<(), DataDirError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o700)))
        .map_err(|source| io_error(path, source))
}

/// Written beside its place and renamed into it: a crash leaves the whole file or none.
fn read_or_make(
    path: &Path,
    make: impl FnOnce() -> io::Result<String>,
) -> Result<String, DataDirError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => return read.map_err(|source| io_error(path, source)),
    }
    let write = || {
        let text = make()?;
        let beside = path.with_extension("new");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        Ok(text)
    };
    write().map_err(|source| io_error(path, source))
}

fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    OsRng.try_fill_bytes(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn io_error(path: &Path, source: io::Error) -> DataDirError {
    DataDirError::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cannot_share_a_data_directory() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::open(dir.path()).unwrap();
        assert!(matches!(
            DataDir::open(dir.path()),
            Err(DataDirError::InUse(_))
        ));
        drop(first);
        DataDir::open(dir.path()).unwrap();
    }

    #[test]
    fn keys_are_made_once_and_only_their_owner_can_read_them() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        assert_eq!(data.ticket_key().unwrap(), data.ticket_key().unwrap());
        assert_eq!(
            data.operator_token().unwrap(),
            data.operator_token().unwrap()
        );
        let jwks = data.pass_keys().unwrap().public().to_jwks();
        assert_eq!(jwks, data.pass_keys().unwrap().public().to_jwks());
        for file in ["ticket.key", "passes.pem", "operator-token"] {
            let mode = fs::metadata(data.path().join(file))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        assert_eq!(
            fs::metadata(data.path()).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }

    #[test]
    fn a_damaged_key_is_a_complaint_and_not_silently_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        fs::write(data.path().join("ticket.key"), "abc").unwrap();
        assert!(matches!(
            data.ticket_key(),
            Err(DataDirError::NotAKey { .. })
        ));
    }
}
