//! The faults: what can happen to the stage, and how each begins and ends.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use rustix::process::Signal;
use serde::Serialize;
use tokio::time::sleep;

use super::{
    ChaosError,
    plan::Round,
    proxy::Mode,
    stage::{Stage, Who},
};

/// The kinds of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "said by `Kind::ALL`")]
pub enum Kind {
    KillStore,
    KillService,
    KillRecorder,
    KillSeveral,
    KillUnrecorded,
    PauseStore,
    PauseService,
    PauseRecorder,
    Cut,
    Stall,
    Deaf,
    Delay,
    SlowFsync,
    Wipe,
    Torn,
}

impl Kind {
    /// Name, weight in the draw, what it is. Those without a weight are drawn only where the round
    /// says so, or have a stage of their own.
    pub const ALL: [(Self, &'static str, u32, &'static str); 15] = [
        (
            Self::KillStore,
            "kill-store",
            24,
            "kill -9 of the stock store",
        ),
        (
            Self::KillService,
            "kill-service",
            14,
            "kill -9 of a purchase service",
        ),
        (
            Self::KillRecorder,
            "kill-recorder",
            14,
            "kill -9 of a recorder",
        ),
        (
            Self::KillSeveral,
            "kill-several",
            20,
            "kill -9 of two to five at once",
        ),
        (
            Self::KillUnrecorded,
            "kill-unrecorded",
            8,
            "kill -9 of the recorders, and then of a stock store that nobody read",
        ),
        (
            Self::PauseStore,
            "pause-store",
            3,
            "the stock store stopped and continued",
        ),
        (
            Self::PauseService,
            "pause-service",
            3,
            "a purchase service stopped and continued",
        ),
        (
            Self::PauseRecorder,
            "pause-recorder",
            6,
            "a recorder stopped past its lease and continued",
        ),
        (
            Self::Cut,
            "cut",
            5,
            "connections to the stock store reset and refused",
        ),
        (
            Self::Stall,
            "stall",
            5,
            "nothing moves, and all of it arrives later",
        ),
        (
            Self::Deaf,
            "deaf",
            5,
            "requests arrive at the stock store, answers are lost",
        ),
        (
            Self::Delay,
            "delay",
            3,
            "every packet to and from the stock store comes later",
        ),
        (
            Self::SlowFsync,
            "slow-fsync",
            0,
            "flushes of the disks take 0.05 to 2 s",
        ),
        (
            Self::Wipe,
            "wipe",
            0,
            "the stock store killed and its directory emptied",
        ),
        (
            Self::Torn,
            "torn",
            0,
            "the stock log cut at every byte of its last three transactions",
        ),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

impl FromStr for Kind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, name, ..)| *name == text);
        found.map(|(kind, ..)| *kind).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|(_, name, ..)| *name).collect();
            format!("one of {}", names.join(", "))
        })
    }
}

/// What was done to the stage so far.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Toll {
    /// Kills by role.
    pub kills: BTreeMap<&'static str, u64>,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Toll {
    /// All kills.
    pub fn killed(&self) -> u64 {
        self.kills.values().sum()
    }

    /// Both together.
    pub fn add(&mut self, other: &Self) {
        for (role, kills) in &other.kills {
            *self.kills.entry(role).or_default() += kills;
        }
        for (kind, faults) in &other.faults {
            *self.faults.entry(kind).or_default() += faults;
        }
    }

    fn kill(&mut self, stage: &mut Stage, who: Who) {
        if stage.kill(who) {
            *self.kills.entry(who.role()).or_default() += 1;
        }
    }
}

/// Draws the next kind.
pub(super) fn draw(round: &Round, only: Option<Kind>, draw: &mut StdRng) -> Kind {
    match only {
        // A slow disk loses something only when somebody is killed on it.
        Some(Kind::SlowFsync) if draw.random_bool(0.5) => Kind::KillStore,
        Some(Kind::SlowFsync) => Kind::KillUnrecorded,
        Some(only) => only,
        None if round.wipes && draw.random_bool(0.12) => Kind::Wipe,
        None => Kind::ALL
            .choose_weighted(draw, |(_, _, weight, _)| *weight)
            .map_or(Kind::KillStore, |(kind, ..)| *kind),
    }
}

/// Lets one fault happen, from its beginning to its end.
pub(super) async fn happen(
    kind: Kind,
    stage: &mut Stage,
    draw: &mut StdRng,
    toll: &mut Toll,
) -> Result<(), ChaosError> {
    *toll.faults.entry(kind.name()).or_default() += 1;
    let mut ms = |from: u64, to: u64| Duration::from_millis(draw.random_range(from..to));
    match kind {
        Kind::KillStore => {
            let away = ms(0, 700);
            toll.kill(stage, Who::Store);
            sleep(away).await;
            stage.start(Who::Store).await?;
        }
        Kind::KillUnrecorded | Kind::Wipe => {
            let (alone, away) = (ms(0, 600), ms(0, 700));
            if kind == Kind::KillUnrecorded || draw.random_bool(0.5) {
                toll.kill(stage, Who::Recorder(0));
                toll.kill(stage, Who::Recorder(1));
                sleep(alone).await;
            }
            toll.kill(stage, Who::Store);
            if kind == Kind::Wipe {
                stage.wipe()?;
            }
            sleep(away).await;
            for who in Who::ALL {
                stage.start(who).await?;
            }
        }
        Kind::KillService | Kind::KillRecorder => {
            let (away, n) = (ms(0, 1_200), draw.random_range(0..2));
            let who = match kind {
                Kind::KillService => Who::Service(n),
                _ => Who::Recorder(n),
            };
            toll.kill(stage, who);
            sleep(away).await;
            stage.start(who).await?;
        }
        Kind::KillSeveral => {
            let many = draw.random_range(2..=5);
            let several: Vec<Who> = Who::ALL.choose_multiple(draw, many).copied().collect();
            for who in &several {
                toll.kill(stage, *who);
            }
            for who in several {
                sleep(Duration::from_millis(draw.random_range(0..400))).await;
                stage.start(who).await?;
            }
        }
        Kind::PauseStore | Kind::PauseService | Kind::PauseRecorder => {
            let n = draw.random_range(0..2);
            let (who, long) = match kind {
                Kind::PauseStore => (Who::Store, 300..2_000),
                Kind::PauseService => (Who::Service(n), 300..2_500),
                // The lease is two seconds.
                _ => (Who::Recorder(n), 2_200..4_500),
            };
            let long = Duration::from_millis(draw.random_range(long));
            stage.signal(who, Signal::STOP);
            sleep(long).await;
            stage.signal(who, Signal::CONT);
        }
        Kind::Cut | Kind::Stall | Kind::Deaf | Kind::Delay => {
            let long = ms(300, 2_500);
            let mode = match kind {
                Kind::Cut => Mode::Cut,
                Kind::Stall => Mode::Stall,
                Kind::Deaf => Mode::Deaf,
                _ => Mode::Delay(ms(10, 200)),
            };
            let all: Vec<usize> = (0..stage.links()).collect();
            let many = [1, 1, 2, 4][draw.random_range(0..4)];
            let hit: Vec<usize> = all.choose_multiple(draw, many).copied().collect();
            for link in &hit {
                stage.link(*link).set(mode);
            }
            sleep(long).await;
            for link in hit {
                stage.link(link).set(Mode::Pass);
            }
        }
        Kind::SlowFsync | Kind::Torn => {}
    }
    Ok(())
}

/// Draws how slow the disks are for a while: more often a little than a lot.
pub(super) fn slowness(draw: &mut StdRng) -> (Duration, Duration) {
    let exponent = draw.random_range(0.0..1.0_f64);
    let store = Duration::from_millis((50.0 * 40.0_f64.powf(exponent)) as u64);
    let ledger = if draw.random_bool(0.3) {
        store / 4
    } else {
        Duration::ZERO
    };
    (store, ledger)
}
