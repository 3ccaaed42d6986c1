//! The limit of open files: each visitor's connection is one, and each of ours to the shop.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The process may not open enough files.
#[derive(Debug, thiserror::Error)]
#[error(
    "this process may open {allowed} files and needs {needed}: raise the limit \
     (`ulimit -Hn {needed}`, or LimitNOFILE in the systemd unit) or come with fewer visitors"
)]
pub(crate) struct TooFewFiles {
    allowed: u64,
    needed: u64,
}

/// Raises the soft limit to the hard one, which a process may do for itself, and says if even that
/// is too low.
pub(crate) fn allow(needed: u64) -> Result<(), TooFewFiles> {
    let limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    if limit.current.unwrap_or(u64::MAX) < allowed {
        // Refused only where the limit was lowered in between; the check below still holds.
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        let _ = setrlimit(Resource::Nofile, raised);
    }
    if allowed < needed {
        Err(TooFewFiles { allowed, needed })
    } else {
        Ok(())
    }
}
