//! The stock log cut at every byte of its last three transactions.
//!
//! What a process or a disk that dies leaves of a log is a beginning of it. A small sale is made,
//! then a confirm, a refund and a new hold, which together leave every total as it was. For each
//! length the log may have after that, it is mended, the store started, and the sale must open by
//! itself with each of the three there as a whole or not at all. That is tried with a ledger that
//! knows none of the three, as after a kill, and with one that knows all of them, as after a disk
//! that forgot what it flushed: then all three must be there again. Afterwards all the rest is sold.
//! The purchase library runs in this process, because thousands of starts would take hours.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{ChaosError, plan::Options, stage::Redis};
use crate::judge::Check;

mod counter;
mod cut;

use counter::Counter;

/// What came of it.
pub(super) struct Torn {
    pub(super) checks: Vec<Check>,
    pub(super) cuts: u64,
}

/// The small sale after its last transactions, as files.
struct Recorded {
    /// The directory of the store, with the whole log.
    stock: PathBuf,
    /// The whole log.
    log: Vec<u8>,
    /// Where each of the three transactions ends in it.
    ends: Vec<usize>,
    /// Where the first of them begins.
    begin: usize,
    /// The ledger without the three, and with them.
    ledgers: [PathBuf; 2],
    /// The answer to the last hold.
    answer: String,
}

/// Cuts that are tried at the same time.
const LANES: usize = 4;
/// Name of the log in the store's directory, as the manifest of a new store has it.
const LOG: &str = "appendonlydir/appendonly.aof.1.incr.aof";

/// Cuts, starts, judges.
pub(super) async fn play(options: &Options, redis: &Redis) -> Result<Torn, ChaosError> {
    let dir = options.data.join("torn");
    let mut draw = StdRng::seed_from_u64(options.seed ^ u64::from(std::process::id()));
    let ip = Ipv4Addr::new(127, draw.random_range(64..255), draw.random(), 1);
    let at = |port| SocketAddr::new(IpAddr::V4(ip), port);
    let recorded = record(&dir, redis, at(6380)).await?;
    let mut lengths: Vec<usize> = (recorded.begin..=recorded.log.len())
        .step_by(options.every_byte)
        .collect();
    let borders = recorded.ends.iter().flat_map(|end| [end - 1, *end]);
    lengths.extend(borders.chain([recorded.begin, recorded.log.len()]));
    lengths.sort_unstable();
    lengths.dedup();
    let cuts: Vec<(usize, usize)> = lengths
        .iter()
        .flat_map(|length| [(*length, 0), (*length, 1)])
        .collect();
    // Most of a cut's time is waiting for processes.
    let lane = async |lane: usize| {
        let mut broken = Vec::new();
        for (length, ledger) in cuts.iter().skip(lane).step_by(LANES) {
            let dir = dir.join(format!("cut-{length}-{ledger}"));
            let address = at(6381 + lane as u16);
            let found = cut::judge(&recorded, *length, *ledger, &dir, redis, address).await?;
            if found.is_empty() {
                fs::remove_dir_all(&dir)?;
            }
            let with = ["a ledger without them", "a ledger with them"][*ledger];
            broken.extend(
                found
                    .into_iter()
                    .map(|what| format!("cut at {length}, {with}: {what}")),
            );
        }
        Ok::<_, ChaosError>(broken)
    };
    let (a, b, c, d) = tokio::join!(lane(0), lane(1), lane(2), lane(3));
    let mut broken = Vec::new();
    for lane in [a, b, c, d] {
        broken.extend(lane?);
    }
    if broken.is_empty() {
        fs::remove_dir_all(&dir)?;
    }
    Ok(Torn {
        cuts: cuts.len() as u64,
        checks: vec![Check::none(
            "torn_log",
            "cuts of the stock log that did not come right",
            broken,
        )],
    })
}

/// Makes the small sale and keeps its files.
async fn record(dir: &Path, redis: &Redis, address: SocketAddr) -> Result<Recorded, ChaosError> {
    let (whole, after) = (dir.join("whole"), dir.join("after"));
    let mut store = counter::start(redis, &whole.join("stock"), address).await?;
    let counter = Counter::open(&whole.join("ledger.sqlite"), address).await?;
    let recording = counter.record();
    counter.make_sale().await?;
    counter.run_dry().await?;
    recording.stop().await;
    counter.close().await;
    let without = dir.join("without.sqlite");
    fs::copy(whole.join("ledger.sqlite"), &without)?;
    let begin = fs::metadata(whole.join("stock").join(LOG))?.len() as usize;
    let answer = counter.last_three().await?;
    store.kill();
    let log = fs::read(whole.join("stock").join(LOG))?;
    let ends = ends_of_transactions(&log, begin);
    if ends.len() != 3 || ends.last() != Some(&log.len()) {
        let found = format!("{} transactions where three were made", ends.len());
        return Err(ChaosError::Torn(found));
    }

    copy_store(&whole.join("stock"), &after.join("stock"), &log)?;
    fs::copy(&without, after.join("ledger.sqlite"))?;
    let mut store = counter::start(redis, &after.join("stock"), address).await?;
    let counter = Counter::open(&after.join("ledger.sqlite"), address).await?;
    let recording = counter.record();
    counter.reopened().await?;
    counter.run_dry().await?;
    recording.stop().await;
    counter.close().await;
    store.kill();
    Ok(Recorded {
        stock: whole.join("stock"),
        log,
        ends,
        begin,
        ledgers: [without, after.join("ledger.sqlite")],
        answer,
    })
}

/// A store's directory with this much of the log.
fn copy_store(from: &Path, to: &Path, log: &[u8]) -> Result<(), ChaosError> {
    let logs = to.join("appendonlydir");
    fs::create_dir_all(&logs)?;
    for file in fs::read_dir(from.join("appendonlydir"))? {
        let file = file?;
        fs::copy(file.path(), logs.join(file.file_name()))?;
    }
    fs::write(to.join(LOG), log)?;
    Ok(())
}

/// Every script's writes stand between MULTI and EXEC.
fn ends_of_transactions(log: &[u8], from: usize) -> Vec<usize> {
    const EXEC: &[u8] = b"\r\nEXEC\r\n";
    let windows = log.windows(EXEC.len()).enumerate().skip(from);
    windows
        .filter(|(_, window)| window.eq_ignore_ascii_case(EXEC))
        .map(|(at, _)| at + EXEC.len())
        .collect()
}
