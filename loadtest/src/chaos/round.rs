//! One round: a fresh stage and sale, a crowd, faults until enough were killed, then a rest in which
//! everything must come right by itself.

use std::{path::Path, sync::Arc, time::Duration};

use entry_pass::{KeyRing, SaleId};
use rand::Rng;
use tokio::time::{Instant, sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    ChaosError, Show,
    buyer::Buyer,
    fault::Toll,
    harm::{Faults, Happened, REOPEN},
    heard::{Ask, Heard, Log},
    oracle::{self, Case},
    plan::{Options, Round},
    rest::{self, Rest},
    shop::{self, Question, Shop},
    stage::{self, Redis, Stage},
    watch::{Spans, Watch},
};
use crate::{clock::now_ms, judge::Check};

/// How long after the end of the faults the last buyer may take to learn every outcome.
const SETTLE: Duration = Duration::from_mins(1);
/// Beyond the hold's time, how long holds may take to run out and the stream to run dry.
const DRY: Duration = Duration::from_secs(10);

/// What came of one round.
pub(super) struct Outcome {
    pub(super) checks: Vec<Check>,
    pub(super) toll: Toll,
    pub(super) heard: Vec<Heard>,
    /// How long the sale took to open again after each fault that was given the time, ms.
    pub(super) reopened_ms: Vec<u64>,
    pub(super) events: u64,
}

/// Plays and judges one round.
pub(super) async fn play(
    options: &Options,
    round: &Round,
    redis: &Redis,
    preload: &Path,
    until: Instant,
    tell: &Show<'_>,
) -> Result<Outcome, ChaosError> {
    let dir = stage::dir_of(options, round);
    std::fs::create_dir_all(&dir)?;
    let pem = KeyRing::generate_pem()?;
    let ring = Arc::new(KeyRing::from_pems([pem.as_str()])?);
    let token = format!("operator-{:032x}", round.draws(1).random::<u128>());
    let secrets = (ring.public().to_jwks(), token);
    let secrets = (secrets.0.as_str(), secrets.1.as_str());
    let mut stage = Stage::set(options, round, &dir, redis, preload, secrets).await?;
    let log = Arc::new(Log::create(&dir.join("answers.jsonl"))?);
    let issuer = shop::issuer(ring);
    let doors = stage.doors.clone();
    let shop = Arc::new(Shop::new(doors, secrets.1, &round.sale, issuer, log));

    let (watch, watching) = (Watch::default(), CancellationToken::new());
    let (jobs, closing) = (TaskTracker::new(), CancellationToken::new());
    jobs.spawn(watch.clone().run(Arc::clone(&shop), watching.clone()));
    let mut happened = Happened::default();
    if !seeded(round, &shop).await || watch.reopened(now_ms(), REOPEN).await.is_none() {
        happened.not_reopened.push("at the start".to_owned());
    }
    let (buyers, the_round) = (TaskTracker::new(), Arc::new(round.clone()));
    for number in 0..options.buyers {
        let buyer = Buyer {
            number,
            shop: Arc::clone(&shop),
            round: Arc::clone(&the_round),
            draw: round.draws(100 + number as u64),
        };
        buyers.spawn(buyer.live(closing.clone()));
    }
    buyers.close();

    let faults = Faults {
        options,
        round,
        shop: &shop,
        watch: &watch,
        until,
        show: tell,
    };
    faults.happen(&mut stage, &mut happened).await?;

    closing.cancel();
    let _ = tokio::time::timeout(SETTLE, buyers.wait()).await;
    let mut rest = Rest {
        unrecorded: run_dry(round, &stage, &shop).await,
        ..Rest::default()
    };
    stage.look_after().await?;
    watching.cancel();
    jobs.close();
    jobs.wait().await;
    rest.reads = read_all(&shop).await?;
    for door in 0..shop.doors() {
        if let Some(answer) = shop.figures(door).await {
            rest.figures = rest::figures(&answer);
        }
    }
    rest.read_ledger(&stage.ledger, &round.sale).await?;
    let heard = shop.log.all()?;
    happened.disturbed.extend(watch.disturbed());
    let checks = oracle::judge(&Case {
        round,
        heard: &heard,
        rest: &rest,
        disturbed: &Spans::new(happened.disturbed),
        wiped: &happened.wiped,
        not_reopened: &happened.not_reopened,
        fallen: &stage.fallen,
    });
    stage.strike().await;
    Ok(Outcome {
        checks,
        toll: happened.toll,
        heard,
        reopened_ms: happened.reopened_ms,
        events: rest.events.len() as u64,
    })
}

/// Waits until every sku is there: they are seeded one after another.
async fn seeded(round: &Round, shop: &Shop) -> bool {
    let began = Instant::now();
    while began.elapsed() < REOPEN {
        let answer = shop.figures(0).await.unwrap_or_default();
        if rest::figures(&answer).len() == round.wares.len() {
            return true;
        }
        sleep(Duration::from_millis(20)).await;
    }
    false
}

/// Waits until nothing is held any more and the stream ran dry, as long as that may take; how many
/// entries are left.
async fn run_dry(round: &Round, stage: &Stage, shop: &Shop) -> u64 {
    let began = Instant::now();
    let most = Duration::from_millis(round.hold_ttl_ms) + DRY;
    loop {
        let mut held = None;
        if let Some(answer) = shop.figures(0).await {
            held = Some(
                rest::figures(&answer)
                    .values()
                    .map(|now| now.held)
                    .sum::<u64>(),
            );
        }
        let sale: Option<SaleId> = round.sale.parse().ok();
        let left = match &sale {
            Some(sale) => rest::unrecorded(stage.store_address(), sale).await.ok(),
            None => None,
        };
        if (held, left) == (Some(0), Some(0)) || began.elapsed() > most {
            return left.unwrap_or(u64::MAX);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Asks for every reservation that anybody was told of, as its owner.
async fn read_all(shop: &Shop) -> Result<Vec<Heard>, ChaosError> {
    let mut reads = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for heard in shop.log.all()? {
        let sold = heard.ask == Ask::Confirm && heard.status == 200;
        if !sold || !seen.insert(heard.reservation.clone()) {
            continue;
        }
        let person = shop.admit(heard.person)?;
        let what = Question {
            reservation: heard.reservation,
            ..Question::default()
        };
        let mut read = shop.ask(0, &person, Ask::Read, &what).await;
        for _ in 0..20 {
            if read.is_definite() {
                break;
            }
            sleep(Duration::from_millis(100)).await;
            read = shop.ask(1, &person, Ask::Read, &what).await;
        }
        reads.push(read);
    }
    Ok(reads)
}
