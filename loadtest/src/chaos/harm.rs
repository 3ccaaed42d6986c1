//! The part of a round in which things break: one fault after another until enough were killed, then
//! everything is mended and started, and left alone.

use std::time::Duration;

use rand::Rng;
use tokio::time::{Instant, sleep};

use super::{
    ChaosError, Show,
    fault::{self, Kind, Toll},
    plan::{Options, Round},
    proxy::Mode,
    shop::Shop,
    stage::{Stage, Who},
    watch::Watch,
};
use crate::clock::now_ms;

/// How long the sale may take to open again before it counts as not reopening by itself. Far more
/// than is promised: how long it really took is in the report.
pub(super) const REOPEN: Duration = Duration::from_secs(30);

/// What the faults left behind for the oracle.
#[derive(Default)]
pub(super) struct Happened {
    pub(super) toll: Toll,
    pub(super) disturbed: Vec<(u64, u64)>,
    pub(super) wiped: Vec<u64>,
    pub(super) reopened_ms: Vec<u64>,
    pub(super) not_reopened: Vec<String>,
}

/// The part of a round in which things break.
pub(super) struct Faults<'a> {
    pub(super) options: &'a Options,
    pub(super) round: &'a Round,
    pub(super) shop: &'a Shop,
    pub(super) watch: &'a Watch,
    pub(super) until: Instant,
    pub(super) show: &'a Show<'a>,
}

impl Faults<'_> {
    /// One fault after another until enough were killed; then everything is mended.
    pub(super) async fn happen(
        &self,
        stage: &mut Stage,
        happened: &mut Happened,
    ) -> Result<(), ChaosError> {
        let mut draw = self.round.draws(2);
        sleep(Duration::from_millis(600)).await;
        while happened.toll.killed() < self.round.kills && Instant::now() < self.until {
            if self.round.slow_disk {
                let (store, ledger) = fault::slowness(&mut draw);
                stage.slow_disks(store, ledger)?;
            }
            let kind = fault::draw(self.round, self.options.only, &mut draw);
            let began = now_ms();
            fault::happen(kind, stage, &mut draw, &mut happened.toll).await?;
            if kind == Kind::Wipe {
                happened.wiped.push(now_ms());
            }
            let ended = now_ms();
            happened.disturbed.push((began, ended));
            stage.look_after().await?;
            (self.show)(self.round, kind, &happened.toll, self.shop.log.len());
            // Sometimes the next one comes in the middle of the recovery.
            if draw.random_bool(0.3) {
                sleep(Duration::from_millis(draw.random_range(20..400))).await;
                happened.disturbed.push((ended, now_ms()));
                continue;
            }
            self.reopen(ended, kind.name(), happened).await;
            sleep(Duration::from_millis(draw.random_range(100..900))).await;
        }
        let began = now_ms();
        stage.slow_disks(Duration::ZERO, Duration::ZERO)?;
        for link in 0..stage.links() {
            stage.link(link).set(Mode::Pass);
        }
        for who in Who::ALL {
            stage.start(who).await?;
        }
        self.reopen(began, "the last fault", happened).await;
        Ok(())
    }

    async fn reopen(&self, from: u64, what: &str, happened: &mut Happened) {
        match self.watch.reopened(from, REOPEN).await {
            Some(took) => happened.reopened_ms.push(took.as_millis() as u64),
            None => {
                happened.not_reopened.push(format!("after {what}"));
            }
        }
        happened.disturbed.push((from, now_ms()));
    }
}
