//! Sold out, said to many at once: where most of a rush ends.
//!
//! While a sku is known to be sold out, those who ask for it wait for one look together instead of
//! each making a call: whoever asks while a look is under way goes with the next. A look takes place
//! after everybody in it asked, so its answer is as true as a call of one's own; nothing is
//! remembered from one look to the next but that looking together is worth it. What is not plain,
//! and every failure, goes the way of `reserve.rs`.

use std::{collections::HashMap, sync::Arc};

use entry_pass::{PersonId, Sku};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{OwnedMutexGuard, oneshot};
use tokio_util::task::TaskTracker;

use super::{Sale, SaleError, scripts};

/// Most in one look: about a quarter of a millisecond of the store's time.
const MOST: usize = 256;

/// The skus that are known to be sold out, and who waits at each.
#[derive(Default)]
pub(super) struct SoldOut {
    waiting: RwLock<HashMap<Sku, Arc<Waiting>>>,
    /// Looks under way. They end by themselves, after the requests that wait for them.
    looks: TaskTracker,
}

#[derive(Default)]
struct Waiting {
    asked: Mutex<Vec<Asked>>,
    /// Held by the one who looks.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// One who waits.
struct Asked {
    person: PersonId,
    key: String,
    quantity: String,
    /// How many may yet come back; dropped when it is not plain.
    held: oneshot::Sender<u64>,
}

impl Sale {
    /// Whether `sku` is plainly sold out for `person`, and how many of it are held. None: ask
    /// [`super::Reserve`]'s script.
    pub(super) async fn plainly_sold_out(
        &self,
        sku: &Sku,
        person: &PersonId,
        key: &str,
        quantity: u32,
    ) -> Option<u64> {
        let waiting = self.sold_out.waiting.read().get(sku).cloned()?;
        let (held, answer) = oneshot::channel();
        let asked = Asked {
            person: person.clone(),
            key: key.to_owned(),
            quantity: quantity.to_string(),
            held,
        };
        waiting.asked.lock().push(asked);
        if let Ok(turn) = Arc::clone(&waiting.turn).try_lock_owned() {
            let look = self.clone().look_for_all(sku.clone(), waiting, turn);
            // A task of its own, because a caller who gives up must not take the others along.
            self.sold_out.looks.spawn(look);
        }
        answer.await.ok()
    }

    /// From now on those who ask for `sku` look together.
    pub(super) fn is_sold_out(&self, sku: &Sku) {
        if !self.sold_out.waiting.read().contains_key(sku) {
            let mut waiting = self.sold_out.waiting.write();
            waiting.entry(sku.clone()).or_default();
        }
    }

    /// Looks until nobody waits.
    async fn look_for_all(self, sku: Sku, waiting: Arc<Waiting>, mut turn: OwnedMutexGuard<()>) {
        loop {
            // Those who are about to ask, having just been read from their connections, come along.
            tokio::task::yield_now().await;
            let asked = {
                let mut asked = waiting.asked.lock();
                let some = asked.len().min(MOST);
                asked.drain(..some).collect::<Vec<_>>()
            };
            if !asked.is_empty() {
                self.look_together(&sku, asked).await;
                continue;
            }
            drop(turn);
            // Somebody may have come after the look around and before the turn was given back.
            if waiting.asked.lock().is_empty() {
                return;
            }
            match Arc::clone(&waiting.turn).try_lock_owned() {
                Ok(mine) => turn = mine,
                Err(_) => return,
            }
        }
    }

    /// One look; answers those for whom it is plain and lets go of the others.
    async fn look_together(&self, sku: &Sku, asked: Vec<Asked>) {
        match self.sold_out_for(sku, &asked).await {
            Ok(Some((held, plain))) => {
                for (asked, _) in asked
                    .into_iter()
                    .zip(plain)
                    .filter(|(_, plain)| *plain == b'1')
                {
                    // Whoever gave up hears nothing.
                    let _ = asked.held.send(held);
                }
            }
            Ok(None) => {
                self.sold_out.waiting.write().remove(sku);
            }
            // Each asks alone and is told by its own call what is the matter.
            Err(_) => {}
        }
    }

    /// How many are held, and for whom it is plain; None when it is not sold out.
    async fn sold_out_for(
        &self,
        sku: &Sku,
        asked: &[Asked],
    ) -> Result<Option<(u64, Vec<u8>)>, SaleError> {
        let mut keys = Vec::with_capacity(8 + asked.len());
        keys.extend(self.keys.whole());
        keys.extend(asked.iter().map(|it| it.key.as_str()));
        let mut args = Vec::with_capacity(1 + 2 * asked.len());
        args.push(sku.as_str());
        args.extend(
            asked
                .iter()
                .flat_map(|it| [it.person.as_str(), it.quantity.as_str()]),
        );
        let mut reply = self.fast(&scripts::SOLD_OUT, &keys, &args).await?;
        match reply.word.as_str() {
            "sold-out" => Ok(Some((reply.take(0)?, reply.take(1)?))),
            "unsure" => Ok(None),
            _ => Err(reply.unknown()),
        }
    }
}
