//! Release: the next batch out of the waitlist, once per tick.
//!
//! Every gateway runs a releaser and none is the leader: the script refuses before a full tick has
//! passed, so whoever asks first takes the tick. A gateway that dies takes nothing with it. In a
//! phase that lets nobody in, the tick only tidies up what ran out.

use std::{sync::Arc, time::Duration};

use lua::room::{Released, Rules, Waitlist, WaitlistError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::waitlist::Opener;

/// How long to wait after an error, at the most: an outage must not turn into a busy loop.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// Takes ticks for one room.
pub(crate) struct Releaser {
    pub(crate) waitlist: Arc<Waitlist>,
    pub(crate) opener: Arc<Opener>,
    pub(crate) rules: Arc<dyn Fn() -> Rules + Send + Sync>,
    /// Woken when the line moved, so that polls see it at once.
    pub(crate) moved: Arc<Notify>,
}

impl Releaser {
    /// Takes ticks until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            let wait = self.step().await;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Asks for the tick once; answers when to ask again.
    pub(crate) async fn step(&self) -> Duration {
        let rules = (self.rules)();
        let tick = Duration::from_millis(rules.tick_ms);
        match self.release(&rules).await {
            Ok(Released::Early { wait_ms }) => Duration::from_millis(wait_ms.max(1)),
            Ok(Released::Batch {
                offered,
                passed_over,
                waiting,
                ..
            }) => {
                if offered + passed_over > 0 {
                    metrics::counter!("vestibule_released_total").increment(offered);
                    metrics::counter!("vestibule_passed_over_total").increment(passed_over);
                    tracing::debug!(batch.size = offered, passed_over, waiting, "released");
                    self.moved.notify_one();
                }
                tick
            }
            Err(_) => tick.min(AFTER_ERROR),
        }
    }

    async fn release(&self, rules: &Rules) -> Result<Released, WaitlistError> {
        self.opener.retrying(|| self.waitlist.release(rules)).await
    }
}
