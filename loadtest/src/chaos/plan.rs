//! What a run does: how many kills, in which rounds, with which disk, to which sale.
//!
//! Everything that is drawn is drawn from the seed, so a run can be repeated with the same faults in
//! the same order. The moments in which they meet the crowd are the machine's.

use std::{path::PathBuf, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::Serialize;

use super::fault::Kind;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Options {
    /// The binary whose roles are put on the stage.
    pub program: PathBuf,
    /// How many processes to kill with `-9`, in all.
    pub kills: u64,
    /// Where the draws begin.
    pub seed: u64,
    /// When to stop at the latest, whatever was done by then.
    pub most: Duration,
    /// Where each round keeps its stores, logs and answers; those of kept rounds are removed.
    pub data: PathBuf,
    /// A ledger elsewhere, such as `postgres://…`; else each round has an SQLite file of its own.
    pub ledger: Option<String>,
    /// Only this fault. `None`: all of them.
    pub only: Option<Kind>,
    /// How many buy at the same time.
    pub buyers: usize,
    /// Kills in one round.
    pub kills_a_round: u64,
    /// Cut the stock log at every so-many-th byte of its last transactions; 0: not at all.
    pub every_byte: usize,
}

/// One sku of the sale.
#[derive(Debug, Clone, Serialize)]
pub struct Ware {
    /// Its name.
    pub sku: &'static str,
    /// Units in all.
    pub supplied: u64,
    /// Most per person.
    pub limit: u64,
}

/// One round: a fresh sale, faults, and a rest at the end of them.
#[derive(Debug, Clone, Serialize)]
pub struct Round {
    /// Counted from 0.
    pub number: u64,
    /// Where its draws begin.
    pub seed: u64,
    /// The sale's name.
    pub sale: String,
    /// What it sells.
    pub wares: Vec<Ware>,
    /// How long a hold lasts, ms.
    pub hold_ttl_ms: u64,
    /// Kills after which it rests.
    pub kills: u64,
    /// Whether the disks are slow.
    pub slow_disk: bool,
    /// Whether the stock store's directory may be wiped.
    pub wipes: bool,
    /// Which purchase services record too.
    pub recording: [bool; 2],
}

impl Round {
    /// The `number`th round of a run. A third has slow disks, a fifth is wiped.
    pub fn of(options: &Options, number: u64, kills: u64) -> Self {
        let seed = options.seed.wrapping_add(number);
        let mut draw = StdRng::seed_from_u64(seed);
        let per_buyer = |units: u64| (options.buyers as u64 * units).max(10);
        let ware = |sku, supplied, limit| Ware {
            sku,
            supplied: per_buyer(supplied),
            limit,
        };
        Self {
            number,
            seed,
            sale: format!("chaos-{:08x}-{number}", options.seed as u32),
            wares: vec![ware("solo", 3, 1), ware("pair", 4, 2), ware("trio", 6, 3)],
            hold_ttl_ms: draw.random_range(3_000..5_000),
            kills,
            slow_disk: options.only == Some(Kind::SlowFsync) || number % 3 == 1,
            wipes: match options.only {
                Some(only) => only == Kind::Wipe,
                None => number % 5 == 3,
            },
            recording: [[false, false], [true, false], [true, true]][(number / 2 % 3) as usize],
        }
    }

    /// What is left to draw: faults, and each buyer's mind.
    pub(super) fn draws(&self, who: u64) -> StdRng {
        StdRng::seed_from_u64(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ who)
    }
}
