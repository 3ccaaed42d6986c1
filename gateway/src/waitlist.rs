//! The waitlist: where an arrival gets its number and its place.
//!
//! A [`Line`] gathers what many visitors ask at about the same moment and sends it to the store as
//! one call, several calls in flight: a join costs the store per batch, not per person. It also
//! opens the room when the store is new, was restarted or was emptied, so that nobody above it has
//! to know. It decides nothing: order, room and rate are decided in the store's scripts.

mod batch;
mod opening;
mod touches;

use std::{sync::Arc, time::Duration};

use entry_pass::PersonId;
use lua::room::{Answer, Arrival, Claimed, End, Mode, Rules, Waitlist, WaitlistError};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use batch::Batcher;
pub(crate) use opening::{Hold, Opener};
pub(crate) use touches::Touches;

/// Most visitors in one call: beyond a few hundred the store serves nobody else for too long.
const MOST: usize = 256;
/// How long a batch is gathered while an earlier one is on its way.
const GATHER: Duration = Duration::from_millis(1);
/// Calls on their way at once.
const IN_FLIGHT: usize = 4;
/// How often a call is repeated after the room was opened or reopened for it.
const ATTEMPTS: usize = 3;

/// Why the line cannot answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LineError {
    /// The store is away, or does not answer sensibly. Whether the call ran is unknown; it may be
    /// repeated.
    #[error("the waitlist store is away: {0}")]
    Away(Arc<WaitlistError>),
    /// More is waiting to be sent than is sensible to hold.
    #[error("too much is waiting for the waitlist store")]
    Busy,
}

/// A place, told or given.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where the visitor stands.
    pub answer: Answer,
    /// The room's epoch, for the ticket.
    pub epoch: u64,
    /// The watermark at that moment.
    pub serving: u64,
    /// The store's time, Unix milliseconds.
    pub now_ms: u64,
}

/// The line of one room, as one gateway asks it.
pub struct Line {
    joins: Batcher<Arrival, Place>,
    claims: Batcher<(PersonId, String), Claimed>,
    ends: Batcher<(PersonId, End), bool>,
}

impl Line {
    /// `rules` are asked anew for every call, since they depend on the phase.
    pub(crate) fn new(
        waitlist: &Arc<Waitlist>,
        opener: &Arc<Opener>,
        rules: &Arc<dyn Fn() -> Rules + Send + Sync>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let (line, open, policy) = (Arc::clone(waitlist), Arc::clone(opener), Arc::clone(rules));
        let joins = Batcher::start(tasks, stop, move |batch: Vec<Arrival>| {
            let (line, open, policy) = (Arc::clone(&line), Arc::clone(&open), Arc::clone(&policy));
            async move {
                let rules = policy();
                let arrived = open.retrying(|| line.join(&rules, &batch)).await?;
                let (epoch, serving, now_ms) = (arrived.epoch, arrived.serving, arrived.now_ms);
                let place = |answer| Place {
                    answer,
                    epoch,
                    serving,
                    now_ms,
                };
                Ok(arrived.answers.into_iter().map(place).collect())
            }
        });
        let (line, open, policy) = (Arc::clone(waitlist), Arc::clone(opener), Arc::clone(rules));
        let claims = Batcher::start(tasks, stop, move |batch: Vec<(PersonId, String)>| {
            let (line, open, policy) = (Arc::clone(&line), Arc::clone(&open), Arc::clone(&policy));
            async move {
                let rules = policy();
                open.retrying(|| line.claim(&rules, &batch)).await
            }
        });
        let (line, open) = (Arc::clone(waitlist), Arc::clone(opener));
        let ends = Batcher::start(tasks, stop, move |batch: Vec<(PersonId, End)>| {
            let (line, open) = (Arc::clone(&line), Arc::clone(&open));
            async move { open.retrying(|| line.leave(&batch)).await }
        });
        Self {
            joins,
            claims,
            ends,
        }
    }

    /// Gives a place, tells one, or takes one back. `jti` names the session if this visitor is let
    /// straight in.
    pub async fn arrive(
        &self,
        person: PersonId,
        mode: Mode,
        jti: String,
    ) -> Result<Place, LineError> {
        self.joins.ask(Arrival { person, mode, jti }).await
    }

    /// Takes up an offer.
    pub async fn claim(&self, person: PersonId, jti: String) -> Result<Claimed, LineError> {
        self.claims.ask((person, jti)).await
    }

    /// Ends a stay; true if there was one.
    pub async fn end(&self, person: PersonId, how: End) -> Result<bool, LineError> {
        self.ends.ask((person, how)).await
    }
}
