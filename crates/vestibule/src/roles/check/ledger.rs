//! The ledger: can it be written, and is a commit on the disk when it returns?
//!
//! SQLite on a network file system is refused: its locks are advisory there at best, and two writers
//! that both believe they hold one ruin the file.

use std::path::{Path, PathBuf};

use purchase::ledger_settings;
use rustix::fs::{Access, access, statfs};

use super::{Findings, LIMIT, Weight};
use crate::config::Secret;

/// File systems on another machine, by the numbers of `statfs(2)`.
const NETWORK: [(u32, &str); 9] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x0bd0_0bd0, "Lustre"),
    (0x6573_5546, "FUSE"),
];
/// File systems in memory.
const MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];

pub(super) async fn check(url: Option<&Secret>, findings: &mut Findings) {
    let Some(url) = url else {
        return findings.add(
            Weight::Ok,
            "ledger: none configured; serve keeps a SQLite file",
        );
    };
    let url = url.reveal();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        sqlite(Path::new(path.split('?').next().unwrap_or(path)), findings);
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        postgres(url, findings).await;
    } else {
        findings.add(
            Weight::Fail,
            "ledger: its URL is neither sqlite:///path nor postgres://…",
        );
    }
}

async fn postgres(url: &str, findings: &mut Findings) {
    match tokio::time::timeout(LIMIT, ledger_settings::postgres(url)).await {
        Ok(Ok((version, found))) => {
            findings.add(Weight::Ok, format!("ledger answers, PostgreSQL {version}"));
            for finding in found {
                let weight = if finding.fails { Weight::Fail } else { Weight::Warn };
                findings.add(weight, format!("ledger: {}", finding.text));
            }
        }
        // What the client says may hold the URL and with it the password.
        Ok(Err(_)) => findings.add(
            Weight::Fail,
            "ledger: PostgreSQL cannot be reached, or refuses the user, the password or the database",
        ),
        Err(_) => findings.add(Weight::Fail, "ledger: no answer"),
    }
}

fn sqlite(file: &Path, findings: &mut Findings) {
    let shown = file.display();
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    if !directory.is_dir() {
        return findings.add(
            Weight::Fail,
            format!(
                "ledger: {} is no directory: make it first",
                directory.display()
            ),
        );
    }
    // Beside the file SQLite makes its log, so the directory must be writable too.
    let writable = |path: &Path| access(path, Access::WRITE_OK).is_ok();
    if file.is_dir() || !writable(&directory) || (file.exists() && !writable(file)) {
        return findings.add(
            Weight::Fail,
            format!("ledger: {shown} cannot be written: give its file and directory to this user"),
        );
    }
    let kind = statfs(&directory).map_or(0, |facts| kind_of(facts.f_type));
    match network(kind) {
        Some(name) => findings.add(
            Weight::Fail,
            format!("ledger: {shown} is on {name}, where SQLite's locks do not hold: use a local disk, or PostgreSQL"),
        ),
        None if MEMORY.contains(&kind) => findings.add(
            Weight::Warn,
            format!("ledger: {shown} is in memory and gone with the machine's next start: use a disk"),
        ),
        None => findings.add(Weight::Ok, format!("ledger: {shown} can be written, on a local disk")),
    }
}

/// The type is a signed word on some machines and its upper half sign on others.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "all known numbers are of 32 bits"
)]
fn kind_of(word: rustix::fs::FsWord) -> u32 {
    word as u32
}

fn network(kind: u32) -> Option<&'static str> {
    let mut known = NETWORK.iter();
    known
        .find(|(number, _)| *number == kind)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_on_another_machines_disk_is_known_by_its_number() {
        assert_eq!(network(0x6969), Some("NFS"));
        // As `statfs` says it where the word is signed.
        assert_eq!(network(kind_of(-11_317_950)), Some("CIFS"));
        assert_eq!(network(0xef53), None, "ext4");
    }
}
