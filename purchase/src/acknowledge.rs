//! Waits until the ledger has one very event.
//!
//! The recorder may run here or in another process. One that runs here says what it committed;
//! for the other case, and for what was committed before anybody waited, one query every few
//! milliseconds asks for everything that is waited for. When nobody waits, nothing is asked.

use std::{collections::HashMap, sync::Arc, time::Duration};

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

type Waiting = HashMap<EventId, Vec<oneshot::Sender<()>>>;

/// Who waits for what, of one sale.
#[derive(Default)]
pub struct Acknowledge {
    waiting: Mutex<Waiting>,
    somebody: Notify,
}

impl Acknowledge {
    /// True once the ledger has `event`; false after `most`.
    pub async fn wait(&self, event: EventId, most: Duration) -> bool {
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().entry(event).or_default().push(sender);
        self.somebody.notify_one();
        matches!(tokio::time::timeout(most, receiver).await, Ok(Ok(())))
    }

    /// The ledger has these.
    pub fn committed<'a>(&self, events: impl IntoIterator<Item = &'a EventId>) {
        let mut waiting = self.waiting.lock();
        if waiting.is_empty() {
            return;
        }
        for event in events {
            for sender in waiting.remove(event).unwrap_or_default() {
                // Whoever waited may have gone; the ledger has it all the same.
                let _ = sender.send(());
            }
        }
    }

    /// What is waited for, the oldest first; those who went are forgotten.
    fn waited_for(&self) -> Vec<EventId> {
        let mut waiting = self.waiting.lock();
        waiting.retain(|_, senders| {
            senders.retain(|sender| !sender.is_closed());
            !senders.is_empty()
        });
        let mut events: Vec<EventId> = waiting.keys().copied().collect();
        events.sort_unstable();
        events.truncate(MOST);
        events
    }

    /// Asks the ledger while somebody waits.
    pub async fn ask(self: Arc<Self>, sale: SaleId, ledger: Ledger, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let events = self.waited_for();
            if events.is_empty() {
                tokio::select! {
                    () = self.somebody.notified() => {}
                    () = stop.cancelled() => return,
                }
                // The recorder in this process usually answers within this time.
                tokio::time::sleep(ASK_EVERY).await;
                continue;
            }
            let pause = match ledger.recorded(&sale, &events).await {
                Ok(recorded) => {
                    self.committed(&recorded);
                    ASK_EVERY
                }
                Err(_) => ASK_AGAIN,
            };
            tokio::time::sleep(pause).await;
        }
    }
}
