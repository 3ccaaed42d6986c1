//! Waits until the ledger has one very event.
//!
//! The recorder may run here or in another process. One that runs here says what it committed;
//! for the other case, and for what was committed before anybody waited, one query every few
//! milliseconds asks for everything that is waited for. When nobody waits, nothing is asked, and
//! while the recorder here is at work only for what it is strangely late with: under load the
//! question would cost the ledger more than it is worth.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use ::entry_pass::SaleId;
use lua::sale::EventId;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use crate::ledger::Ledger;

/// How often the ledger is asked while somebody waits.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// How long not to ask a ledger that did not answer.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// Most events one query asks for.
const MOST: usize = 500;

/// For how long a recorder that committed something here counts as at work.
const AT_WORK: Duration = Duration::from_secs(1);
/// What it has not said by then it will not say.
const LATE: Duration = Duration::from_millis(250);

type Waiting = HashMap<EventId, Waiters>;

/// Everybody who waits for one event.
struct Waiters {
    since: Instant,
    senders: Vec<oneshot::Sender<()>>,
}

/// Who waits for what, of one sale.
#[derive(Default)]
pub struct Acknowledge {
    waiting: Mutex<Waiting>,
    somebody: Notify,
    /// When the recorder of this process last committed.
    told_at: Mutex<Option<Instant>>,
}

impl Acknowledge {
    /// True once the ledger has `event`; false after `most`.
    pub async fn wait(&self, event: EventId, most: Duration) -> bool {
        let (sender, receiver) = oneshot::channel();
        self.remember(event, sender);
        self.somebody.notify_one();
        matches!(tokio::time::timeout(most, receiver).await, Ok(Ok(())))
    }

    fn remember(&self, event: EventId, sender: oneshot::Sender<()>) {
        let new = || Waiters {
            since: Instant::now(),
            senders: Vec::new(),
        };
        let mut waiting = self.waiting.lock();
        let one = waiting.entry(event).or_insert_with(new);
        one.senders.push(sender);
    }

    /// The recorder of this process committed these.
    pub fn committed<'a>(&self, events: impl IntoIterator<Item = &'a EventId>) {
        *self.told_at.lock() = Some(Instant::now());
        self.tell(events);
    }

    /// The ledger has these.
    fn tell<'a>(&self, events: impl IntoIterator<Item = &'a EventId>) {
        let mut waiting = self.waiting.lock();
        if waiting.is_empty() {
            return;
        }
        for event in events {
            for sender in waiting
                .remove(event)
                .into_iter()
                .flat_map(|one| one.senders)
            {
                // Whoever waited may have gone; the ledger has it all the same.
                let _ = sender.send(());
            }
        }
    }

    /// What the ledger is asked for, the oldest first, or none if nobody waits. Those who went are
    /// forgotten.
    fn waited_for(&self) -> Option<Vec<EventId>> {
        let at_work = self.told_at.lock().is_some_and(|at| at.elapsed() < AT_WORK);
        let mut waiting = self.waiting.lock();
        waiting.retain(|_, one| {
            one.senders.retain(|sender| !sender.is_closed());
            !one.senders.is_empty()
        });
        if waiting.is_empty() {
            return None;
        }
        let mut events: Vec<EventId> = waiting
            .iter()
            .filter(|(_, one)| !at_work || one.since.elapsed() >= LATE)
            .map(|(event, _)| *event)
            .collect();
        events.sort_unstable();
        events.truncate(MOST);
        Some(events)
    }

    /// Asks the ledger while somebody waits.
    pub async fn ask(self: Arc<Self>, sale: SaleId, ledger: Ledger, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let Some(events) = self.waited_for() else {
                tokio::select! {
                    () = self.somebody.notified() => {}
                    () = stop.cancelled() => return,
                }
                // The recorder in this process usually answers within this time.
                tokio::time::sleep(ASK_EVERY).await;
                continue;
            };
            let pause = match ledger.recorded(&sale, &events).await {
                Ok(recorded) => {
                    self.tell(&recorded);
                    ASK_EVERY
                }
                Err(_) => ASK_AGAIN,
            };
            tokio::time::sleep(pause).await;
        }
    }
}
