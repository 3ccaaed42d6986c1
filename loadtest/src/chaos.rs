//! The purchase side under fault: real processes are killed, stopped, cut off and put on slow disks
//! while a crowd buys, and an oracle says whether every answer was kept.
//!
//! A run is a number of [`Round`]s. Each has a fresh sale on a stage of its own: a stock store with
//! the settings operators are told to use, two purchase services, two recorders, a ledger, and a
//! breakable link from each process to the store. When enough was killed the faults stop, and at
//! that rest the log of answers that the buyers kept is compared with ledger and stock. Before the
//! rounds, the stock log is [torn] at every byte of its last transactions. What needs a whole
//! machine to fail, such as a disk that forgets what it flushed, is only imitated by that cut.

use std::{io, path::Path, time::Duration};

use rustix::fs::Access;
use tokio::time::Instant;

mod buyer;
mod fault;
mod harm;
mod heard;
mod oracle;
mod plan;
mod proxy;
mod report;
mod rest;
mod round;
mod shop;
mod stage;
mod torn;
mod watch;

pub use fault::{Kind, Toll};
pub use heard::{Ask, Heard};
pub use plan::{Options, Round, Ware};
pub use report::{Report, terminal};

/// Tells how far a run is: the round, the last fault, the toll of the round, answers in it.
pub type Show<'a> = dyn Fn(&Round, Kind, &Toll, u64) + 'a;

/// The harness itself could not do its work; says nothing about the promises.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "said by the messages")]
pub enum ChaosError {
    #[error("a file or process of the harness failed: {0}")]
    Io(#[from] io::Error),
    #[error("{0} cannot be run: {1}")]
    Missing(&'static str, #[source] io::Error),
    #[error("the slow disk cannot be compiled: {0}")]
    Compile(String),
    #[error("the stock log cannot be mended: {0}")]
    Mend(String),
    #[error("passes cannot be signed: {0}")]
    Keys(#[from] entry_pass::KeyError),
    #[error("passes cannot be signed: {0}")]
    Pass(String),
    #[error("the ledger cannot be read: {0}")]
    Ledger(#[from] sqlx::Error),
    #[error("the stock store cannot be asked: {0}")]
    Redis(#[from] redis::RedisError),
    #[error("the small sale of the torn log: {0}")]
    Torn(String),
}

/// Runs it. Everything stays in `options.data` if a promise was broken; of rounds that kept all of
/// them nothing stays.
pub async fn run(options: &Options, show: &Show<'_>) -> Result<Report, ChaosError> {
    let mut options = options.clone();
    std::fs::create_dir_all(&options.data)?;
    // The store is started in a directory of its own, so paths must be whole.
    options.data = options.data.canonicalize()?;
    rustix::fs::access(&options.data, Access::WRITE_OK).map_err(io::Error::from)?;
    let (redis, preload) = (stage::Redis::find()?, stage::Disk::compile(&options.data)?);
    let began = Instant::now();
    let until = began + options.most;
    let mut report = Report::new(&options);
    if options.every_byte > 0 && options.only.is_none_or(|only| only == Kind::Torn) {
        clear(&options.data.join("torn"))?;
        report.add_torn(torn::play(&options, &redis).await?);
    }
    let mut number = 0;
    while options.only != Some(Kind::Torn)
        && report.toll.killed() < options.kills
        && Instant::now() < until
    {
        let kills = (options.kills - report.toll.killed()).min(options.kills_a_round);
        let round = Round::of(&options, number, kills);
        // What an earlier run of the same seed left would be judged with this one's.
        clear(&stage::dir_of(&options, &round))?;
        let outcome = round::play(&options, &round, &redis, &preload, until, show).await?;
        let kept = outcome.checks.iter().all(|check| check.kept);
        report.add(&round, outcome);
        if kept {
            std::fs::remove_dir_all(stage::dir_of(&options, &round))?;
        }
        number += 1;
    }
    report.close(began.elapsed(), &options);
    Ok(report)
}

fn clear(dir: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// How long a run may take by default.
pub const MOST: Duration = Duration::from_mins(30);
