//! Several callers at once: their answers are those of one order of the calls, and it is the
//! stream's.
//!
//! Each call comes with a time of its own, so that an event names the call that wrote it. Calls that
//! wrote events are replayed in the order of the stream, which must not put a call before another
//! that was answered before it was made. A call that wrote none needs a moment between being made
//! and being answered at which its answer was right, and these moments, too, may not contradict who
//! was answered first.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    calls::{Call, Reply, ask},
    fixture::{START, Shop},
    model::{Ids, Model},
    picture::{differences, expected, taken},
    server,
    steps::{Asked, Step, step_at_once},
    stream::{Entry, entries},
};

/// One call as its caller saw it.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) call: Call,
    /// The time it was told; no other call's.
    pub(crate) now: i64,
    /// Order of being made and being answered, over all callers.
    pub(crate) begun: u64,
    pub(crate) answered: u64,
    /// None: it was never answered.
    pub(crate) reply: Option<Reply>,
}

/// What all callers of one sale share.
#[derive(Default)]
pub(crate) struct History {
    pub(crate) calls: Mutex<Vec<Made>>,
    pub(crate) asked: Mutex<Asked>,
    pub(crate) order: AtomicU64,
    pub(crate) now: AtomicI64,
}

impl History {
    pub(crate) fn new() -> Self {
        let history = Self::default();
        history.now.store(START as i64, Ordering::SeqCst);
        history
    }

    /// Makes a call and notes it.
    pub(crate) async fn call(&self, shop: &Shop, step: &Step) -> Option<Reply> {
        let call = step.call(&mut self.asked.lock())?;
        let now = self.now.fetch_add(1, Ordering::SeqCst);
        shop.time.store(now as u64, Ordering::SeqCst);
        let begun = self.order.fetch_add(1, Ordering::SeqCst);
        let reply = ask(&shop.sale, &call).await;
        let answered = self.order.fetch_add(1, Ordering::SeqCst);
        // An error may be an answer that was lost.
        let reply = Some(reply).filter(|reply| *reply != Reply::Failed);
        let made = Made {
            call,
            now,
            begun,
            answered: if reply.is_some() { answered } else { u64::MAX },
            reply: reply.clone(),
        };
        self.calls.lock().push(made);
        reply
    }
}

/// The model after each event, and between which of them a call may have been carried out.
pub(crate) struct Judge {
    /// `after[k]`: when the first `k` events had happened.
    after: Vec<Model>,
    /// By the stream: when the call of each event was made, and answered.
    spans: Vec<(u64, u64)>,
}

impl Judge {
    /// Replays calls that wrote events, in the order of the stream.
    pub(crate) fn replay(
        mut model: Model,
        calls: &mut BTreeMap<i64, Made>,
        stream: &[Entry],
    ) -> Result<Self, String> {
        let mut judge = Self {
            after: vec![model.clone()],
            spans: Vec::new(),
        };
        let (mut latest, mut rest) = (0, stream);
        while let Some((_, fields)) = rest.first() {
            let at = &fields["at"];
            let many = rest
                .iter()
                .take_while(|(_, fields)| fields["at"] == *at)
                .count();
            let (mine, others) = rest.split_at(many);
            rest = others;
            let made = at.parse().ok().and_then(|now| calls.remove(&now));
            let made = made.ok_or(format!("nobody made the call of {mine:?}"))?;
            if made.answered < latest {
                return Err(format!(
                    "{made:?} was answered before one that came before it"
                ));
            }
            latest = latest.max(made.begun);
            let mut ids: Ids = mine.iter().map(|(id, _)| id.parse().unwrap()).collect();
            let (reply, facts) = model.answer(&made.call, made.now, &mut ids);
            if made.reply.as_ref().is_some_and(|told| *told != reply) || facts.len() != many {
                return Err(format!(
                    "must answer {reply:?} and write {facts:?}: {made:?}, {mine:?}"
                ));
            }
            for _ in mine {
                judge.after.push(model.clone());
                judge.spans.push((made.begun, made.answered));
            }
        }
        Ok(judge)
    }

    /// Whether calls without events were right, each at some moment of its own.
    pub(crate) fn refusals(&self, calls: BTreeMap<i64, Made>) -> Result<(), String> {
        let mut calls: Vec<Made> = calls
            .into_values()
            .filter(|it| it.reply.is_some())
            .collect();
        calls.sort_by_key(|it| it.begun);
        // When each was answered, and the earliest moment it may have been carried out.
        let mut placed: Vec<(u64, usize)> = Vec::new();
        for made in calls {
            let before = self
                .spans
                .iter()
                .rposition(|(_, answered)| *answered < made.begun);
            let earlier = placed.iter().filter(|(answered, _)| *answered < made.begun);
            let from = earlier
                .map(|(_, at)| *at)
                .chain(before.map(|at| at + 1))
                .max();
            let until = self
                .spans
                .iter()
                .position(|(begun, _)| *begun > made.answered);
            let until = until.unwrap_or(self.spans.len());
            let right = (from.unwrap_or(0)..=until).find(|at| {
                let (reply, facts) =
                    self.after[*at]
                        .clone()
                        .answer(&made.call, made.now, &mut Ids::new());
                facts.is_empty() && Some(reply) == made.reply
            });
            let right = right.ok_or_else(|| {
                format!(
                    "at no moment from {from:?} to {until} of the stream was this right: {made:?}"
                )
            })?;
            placed.push((made.answered, right));
        }
        Ok(())
    }

    pub(crate) fn last(&self) -> &Model {
        self.after.last().expect("at least the beginning")
    }
}

/// Steps for one caller, the same for the same seed.
pub(crate) fn some_steps(seed: u64, many: usize) -> Vec<Step> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = step_at_once();
    (0..many)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

/// Seeds both skus, as the first calls of a history.
pub(crate) async fn open(history: &History, shop: &Shop) {
    for (sku, supplied) in [(0, 6), (1, 3)] {
        let seed = Step::Supply {
            sku,
            supplied,
            limit: 3,
            seed: true,
        };
        history.call(shop, &seed).await.expect("the store is there");
    }
}

const CALLERS: u64 = 8;
const CALLS: usize = 30;

/// One round; the kinds of events there were.
async fn round(seed: u64) -> BTreeSet<String> {
    let first = Shop::at(server::forgetful()).await;
    let history = Arc::new(History::new());
    open(&history, &first).await;
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        // A connection and a clock of its own.
        let shop = first.another(server::forgetful()).await;
        let history = Arc::clone(&history);
        callers.spawn(async move {
            for step in some_steps(seed * CALLERS + caller, CALLS) {
                history.call(&shop, &step).await;
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
    let mut calls = history
        .calls
        .lock()
        .drain(..)
        .map(|it| (it.now, it))
        .collect();
    let stream = entries(&first.sale, "-").await;
    let judged = Judge::replay(Model::default(), &mut calls, &stream);
    let judge = judged.unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    let keys = judge.last().keys.keys().cloned();
    let is = taken(&first.sale, &mut first.sale.store().fast(), keys).await;
    let mut must = expected(judge.last());
    // A sweep that finds nothing notes the time without an event.
    must.insert("state alive_at".into(), is["state alive_at"].clone());
    let wrong = differences(&must, &is);
    assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    judge
        .refusals(calls)
        .unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    stream
        .iter()
        .map(|(_, fields)| fields["kind"].clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answers_to_many_at_once_are_those_of_one_order() {
    let mut kinds = BTreeSet::new();
    for seed in 0..40 {
        kinds.extend(round(seed).await);
    }
    let all = [
        "cancelled",
        "confirmed",
        "expired",
        "refunded",
        "reserved",
        "supplied",
    ];
    assert!(kinds.iter().eq(&all), "{kinds:?}");
}
