//! The configuration file of a private server: the store's own lines, then where it lives.
//!
//! The store's lines are those of `deploy/redis/`, the same that an operator is told to use, each
//! with its reason. The file is written anew at every start.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::Purpose;

const WAITLIST: &str = include_str!("../../../../deploy/redis/waitlist.conf");
const STOCK: &str = include_str!("../../../../deploy/redis/stock.conf");

/// Writes `redis.conf` into `dir`.
pub(super) fn write(purpose: Purpose, dir: &Path, socket: &Path) -> io::Result<PathBuf> {
    let path = dir.join("redis.conf");
    std::fs::write(&path, text(purpose, dir, socket))?;
    Ok(path)
}

fn text(purpose: Purpose, dir: &Path, socket: &Path) -> String {
    let store = match purpose {
        Purpose::Waitlist => WAITLIST,
        Purpose::Stock => STOCK,
    };
    let quoted = |path: &Path| {
        format!(
            "\"{}\"",
            path.display()
                .to_string()
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
        )
    };
    format!(
        "{store}\n# Where it lives: no port, one socket that only its owner can open.\n\
         port 0\nunixsocket {}\nunixsocketperm 700\ndir {}\nlogfile {}\ndaemonize no\n",
        quoted(socket),
        quoted(dir),
        quoted(&dir.join("redis.log")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_spaces_and_quotes_stays_one_word() {
        let dir = Path::new("/a b/\"c\"");
        let text = text(Purpose::Stock, dir, &dir.join("redis.sock"));
        assert!(text.contains("\ndir \"/a b/\\\"c\\\"\"\n"), "{text}");
    }

    #[test]
    fn neither_store_may_ever_evict() {
        for store in [WAITLIST, STOCK] {
            assert!(store.contains("\nmaxmemory-policy noeviction\n"));
            assert!(store.contains("\nappendonly yes\n"));
        }
        assert!(STOCK.contains("\nappendfsync always\n"));
        assert!(STOCK.contains("\naof-load-truncated no\n"));
    }
}
