//! Keeps the moment fresh: one call on the waitlist store, one on the stock store, a few times a
//! second, however many visitors there are.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use lua::{
    room::{EndedPass, Snapshot, Waitlist},
    sale::Sale,
};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Gone, Moment, Outage};
use crate::{config::Room as Policy, status, waitlist::Opener};

mod stock;

/// How often, when nothing wakes it earlier.
const EVERY: Duration = Duration::from_millis(250);
/// How long a store may take to answer a refresh before visitors are told that it is away. A store
/// that hangs must not hold up what the other one says.
const PATIENCE: Duration = Duration::from_secs(1);

/// The moment, and what is derived from it once for everybody.
pub(crate) struct Moments {
    moment: ArcSwap<Moment>,
    /// The public status document, ready to be sent.
    status: ArcSwap<Bytes>,
    /// Passes that ended before their time, by `jti`.
    ended: RwLock<HashMap<String, EndedPass>>,
}

impl Moments {
    pub(crate) fn new(policy: &Policy, now_ms: u64) -> Self {
        let moment = Moment::unknown(now_ms);
        let status = status::document(policy, &moment);
        Self {
            moment: ArcSwap::from_pointee(moment),
            status: ArcSwap::from_pointee(status),
            ended: RwLock::default(),
        }
    }

    /// The moment to answer from.
    pub(crate) fn now(&self) -> Arc<Moment> {
        self.moment.load_full()
    }

    /// The public status document.
    pub(crate) fn status(&self) -> Bytes {
        self.status.load().as_ref().clone()
    }

    /// Whether this pass was ended early, at `now_ms`.
    pub(crate) fn pass_ended(&self, jti: &str, now_ms: u64) -> bool {
        self.ended
            .read()
            .get(jti)
            .is_some_and(|pass| now_ms >= pass.refused_from)
    }

    /// Remembers at once that a pass was ended here; the store's log tells the other gateways.
    pub(crate) fn end_pass(&self, pass: EndedPass) {
        self.ended.write().insert(pass.jti.clone(), pass);
    }

    fn put(&self, policy: &Policy, moment: Moment) {
        self.status
            .store(Arc::new(status::document(policy, &moment)));
        self.moment.store(Arc::new(moment));
    }
}

/// Refreshes the moment of one room.
pub(crate) struct Refresher {
    pub(crate) policy: Arc<Policy>,
    pub(crate) waitlist: Arc<Waitlist>,
    pub(crate) opener: Arc<Opener>,
    pub(crate) sale: Option<Sale>,
    pub(crate) moments: Arc<Moments>,
    /// Woken when the line moved.
    pub(crate) moved: Arc<Notify>,
    /// How many entries of the two logs are known.
    pub(crate) known: Mutex<(u64, u64)>,
}

impl Refresher {
    /// Refreshes until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            self.step().await;
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = self.moved.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// One refresh. An outage is logged when it begins and when it ends, not in between.
    pub(crate) async fn step(&self) {
        let before = self.moments.now();
        let known = *self.known.lock();
        let read = self
            .opener
            .retrying(|| self.waitlist.snapshot(known.0, known.1));
        let read = patiently(read).await;
        let mut moment = match read {
            Ok(snapshot) => {
                if let Err(error) = self
                    .opener
                    .keep_ahead(snapshot.issued, snapshot.ceiling)
                    .await
                {
                    tracing::warn!(%error, "the ceiling could not be raised");
                }
                let mut moment = self.absorb(&before, &snapshot);
                if let Some(sale) = &self.sale {
                    self.read_stock(sale, &snapshot.stock_cursor, &before, &mut moment)
                        .await;
                }
                moment
            }
            Err(silence) => {
                if before.outage != Some(Outage::Waitlist) {
                    tracing::warn!(room.id = %self.policy.id, %silence, "the waitlist store is away");
                }
                Moment {
                    outage: Some(Outage::Waitlist),
                    ..Moment::clone(&before)
                }
            }
        };
        if moment.outage.is_none() && before.outage.is_some() {
            tracing::info!(room.id = %self.policy.id, "the stores answer");
        }
        // A moment that is only kept goes on in time from when it was taken.
        moment.at_ms = moment.at_ms.max(before.at_ms);
        self.gauge(&moment);
        self.moments.put(&self.policy, moment);
    }

    fn absorb(&self, before: &Moment, snapshot: &Snapshot) -> Moment {
        let mut known = self.known.lock();
        let afresh = Gone::default();
        // An index lower than asked for: the log begins anew, and so do we.
        let base = if snapshot.gone_from < known.0 {
            &afresh
        } else {
            &*before.gone
        };
        let quiet = snapshot.gone.is_empty()
            && snapshot.serving == before.serving
            && snapshot.epoch == before.epoch;
        let gone = if quiet {
            Arc::clone(&before.gone)
        } else {
            let left = snapshot.gone.iter().map(|number| number.0..=number.0);
            // Numbers a restart skipped have nobody standing at them either.
            let skipped = snapshot
                .never_given
                .iter()
                .map(|(after, to)| after.0 + 1..=to.0);
            Arc::new(base.with(&left.chain(skipped).collect::<Vec<_>>(), snapshot.serving))
        };
        *known = (
            snapshot.gone_from + snapshot.gone.len() as u64,
            snapshot.ended_from + snapshot.ended.len() as u64,
        );
        if !snapshot.ended.is_empty() {
            let mut ended = self.moments.ended.write();
            ended.retain(|_, pass| pass.expires_at > snapshot.now_ms);
            ended.extend(
                snapshot
                    .ended
                    .iter()
                    .map(|pass| (pass.jti.clone(), pass.clone())),
            );
        }
        self.opener
            .serving
            .fetch_max(snapshot.serving, Ordering::Relaxed);
        Moment {
            at_ms: snapshot.now_ms,
            taken: Instant::now(),
            epoch: snapshot.epoch,
            issued: snapshot.issued,
            serving: snapshot.serving,
            waiting: snapshot.waiting,
            inside: snapshot.sessions + snapshot.offers,
            released_lately: snapshot.released_lately,
            released_at: snapshot.released_at,
            hold_until: snapshot.hold_until,
            gone,
            stock: before.stock.clone(),
            outage: None,
        }
    }

    fn gauge(&self, moment: &Moment) {
        let room = self.policy.id.to_string();
        let set = |name: &'static str, value: u64| {
            metrics::gauge!(name, "room" => room.clone()).set(value as f64);
        };
        set("vestibule_waiting", moment.waiting);
        set("vestibule_inside", moment.inside);
        set("vestibule_issued", moment.issued);
        set("vestibule_serving", moment.serving);
        set("vestibule_available", u64::from(moment.outage.is_none()));
    }
}

/// No answer that can be used.
#[derive(Debug, thiserror::Error)]
enum Silence<E> {
    #[error(transparent)]
    Failed(#[from] E),
    #[error("no answer within {PATIENCE:?}")]
    Hangs,
}

/// Waits for an answer, but not for long.
async fn patiently<T, E>(answer: impl Future<Output = Result<T, E>>) -> Result<T, Silence<E>> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answered) => answered.map_err(Silence::Failed),
        Err(_) => Err(Silence::Hangs),
    }
}
