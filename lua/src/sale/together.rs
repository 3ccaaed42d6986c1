//! Those who reserve at the same moment go to the store together.
//!
//! One call for many costs the store less than half of what as many calls do, and the service a part
//! of it. Nobody waits for company: a call leaves at once with whoever is there, and those who come
//! while two calls are under way go with the next. Each is decided by the script as if alone, after it
//! asked and before it is answered.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::task::TaskTracker;

use super::{Reserve, Reserved, Sale, SaleError, scripts};
use crate::StoreError;

/// Most in one call, and most units they may ask for: about a millisecond of the store's time.
const MOST: usize = 64;
const MOST_UNITS: u32 = 400;
/// Calls under way at once: the store works on one while the other is read or gathered.
const CALLS: usize = 2;

/// Who waits to be taken along.
pub(super) struct Together {
    waiting: Mutex<VecDeque<Asked>>,
    turns: Arc<Semaphore>,
    /// The calls under way. They end by themselves, before the requests that wait for them.
    calls: TaskTracker,
}

impl Default for Together {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            turns: Arc::new(Semaphore::new(CALLS)),
            calls: TaskTracker::new(),
        }
    }
}

struct Asked {
    key: String,
    packed: String,
    units: u32,
    answer: oneshot::Sender<Result<Reserved, SaleError>>,
}

impl Together {
    /// Puts one into the line; whether nobody stood there before.
    fn push(&self, asked: Asked) -> bool {
        let mut waiting = self.waiting.lock();
        waiting.push_back(asked);
        waiting.len() == 1
    }

    /// Those who go now, and whether somebody stays behind. Who gave up meanwhile asks for nothing.
    fn take(&self) -> (Vec<Asked>, bool) {
        let mut waiting = self.waiting.lock();
        let (mut going, mut units) = (Vec::with_capacity(waiting.len().min(MOST)), 0);
        while let Some(next) = waiting.front() {
            units += next.units;
            if going.len() == MOST || (units > MOST_UNITS && !going.is_empty()) {
                break;
            }
            going.extend(waiting.pop_front().filter(|next| !next.answer.is_closed()));
        }
        (going, !waiting.is_empty())
    }

    fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).try_acquire_owned().ok()
    }
}

impl Sale {
    /// Reserves. Repeating a call with the same key and body has the effect of one.
    pub async fn reserve(&self, what: &Reserve<'_>) -> Result<Reserved, SaleError> {
        let (answer, told) = oneshot::channel();
        let first = self.together.push(Asked {
            key: self.keys.idempotency(what.person, what.key),
            packed: what.packed(),
            units: what.units(),
            answer,
        });
        // Whoever came before has seen to a call, or both are under way and look again at their end.
        if first {
            self.call_if_it_is_our_turn();
        }
        told.await.unwrap_or_else(|_| Err(given_up()))
    }

    fn call_if_it_is_our_turn(&self) {
        if let Some(turn) = self.together.turn() {
            let calls = self.clone().call_while_anybody_waits(turn);
            // A task of its own, because a caller who gives up must not take the others along.
            self.together.calls.spawn(calls);
        }
    }

    async fn call_while_anybody_waits(self, mut turn: OwnedSemaphorePermit) {
        loop {
            // Those whose requests have been read already come along.
            tokio::task::yield_now().await;
            let (going, more) = self.together.take();
            if more {
                self.call_if_it_is_our_turn();
            }
            if !going.is_empty() {
                self.reserve_together(going).await;
                continue;
            }
            drop(turn);
            // Somebody may have come after the last look and before the turn was given back.
            if self.together.waiting.lock().is_empty() {
                return;
            }
            match self.together.turn() {
                Some(mine) => turn = mine,
                None => return,
            }
        }
    }

    async fn reserve_together(&self, going: Vec<Asked>) {
        let mut keys = Vec::with_capacity(8 + going.len());
        keys.extend(self.keys.whole());
        keys.extend(going.iter().map(|asked| asked.key.as_str()));
        let args: Vec<&str> = going.iter().map(|asked| asked.packed.as_str()).collect();
        let answers = match self.fast(&scripts::RESERVE, &keys, &args).await {
            Ok(reply) => reply.answers("answers", going.len()),
            Err(error) => Err(error),
        };
        // Whoever gave up hears nothing.
        match answers {
            Ok(answers) => {
                for (asked, answer) in going.into_iter().zip(answers) {
                    let _ = asked.answer.send(Reserved::parse(answer));
                }
            }
            Err(error) => {
                for asked in going {
                    let _ = asked.answer.send(Err(error.clone()));
                }
            }
        }
    }
}

/// The call was dropped with its runtime: whether it ran is unknown.
fn given_up() -> SaleError {
    let source = std::io::Error::from(std::io::ErrorKind::Interrupted).into();
    StoreError::Away {
        call: "sale/reserve.lua",
        source,
    }
    .into()
}
