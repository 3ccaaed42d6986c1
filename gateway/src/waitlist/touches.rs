//! Signs of life, written in batches: who is shopping, and who waits near the front.
//!
//! A session slides on while its visitor shops, and a visitor whose turn comes must be there. Both
//! are noted here and written twice a second, each person once: a thousand requests of one page
//! cost the store one line of one call. Losing a note is harmless, the next request brings another.

use std::{collections::HashMap, sync::Arc, time::Duration};

use entry_pass::PersonId;
use lua::room::{Rules, Touch, Waitlist};
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use tokio_util::sync::CancellationToken;

/// How often notes are written.
const EVERY: Duration = Duration::from_millis(500);
/// Most notes in one call.
const MOST: usize = 500;
/// Most notes kept between two writes.
const KEPT: usize = 200_000;

/// Notes of one room.
pub(crate) struct Touches {
    noted: Mutex<HashMap<PersonId, Option<String>>>,
    /// Session deadlines the store has confirmed, by `jti`, in ms. A pass is renewed only up to
    /// these: it never outlives its session.
    deadlines: Cache<String, u64>,
}

impl Touches {
    pub(crate) fn new(remembered: usize) -> Self {
        Self {
            noted: Mutex::default(),
            deadlines: Cache::new(remembered.max(1)),
        }
    }

    /// Notes a request with a running pass.
    pub(crate) fn session(&self, person: &PersonId, jti: &str) {
        let mut noted = self.noted.lock();
        if noted.len() < KEPT && !noted.contains_key(person) {
            noted.insert(person.clone(), Some(jti.to_owned()));
        }
    }

    /// Notes a personal poll near the front.
    pub(crate) fn present(&self, person: &PersonId) {
        let mut noted = self.noted.lock();
        if noted.len() < KEPT && !noted.contains_key(person) {
            noted.insert(person.clone(), None);
        }
    }

    /// The deadline the store last confirmed for this session, in ms.
    pub(crate) fn deadline(&self, jti: &str) -> Option<u64> {
        self.deadlines.get(jti)
    }

    /// Writes notes until told to stop, and once more then.
    pub(crate) async fn run(
        &self,
        waitlist: &Waitlist,
        rules: &Arc<dyn Fn() -> Rules + Send + Sync>,
        stop: CancellationToken,
    ) {
        loop {
            let last = tokio::select! {
                () = tokio::time::sleep(EVERY) => false,
                () = stop.cancelled() => true,
            };
            self.write(waitlist, &rules()).await;
            if last {
                return;
            }
        }
    }

    async fn write(&self, waitlist: &Waitlist, rules: &Rules) {
        let noted: Vec<Touch> = std::mem::take(&mut *self.noted.lock())
            .into_iter()
            .map(|(person, jti)| match jti {
                Some(jti) => Touch::Session { person, jti },
                None => Touch::Present { person },
            })
            .collect();
        for batch in noted.chunks(MOST) {
            // An outage is told once, by the refresher; these notes come again by themselves.
            let Ok(deadlines) = waitlist.touch(rules, batch).await else {
                return;
            };
            for (touch, deadline) in batch.iter().zip(deadlines) {
                if let (Touch::Session { jti, .. }, Some(deadline)) = (touch, deadline) {
                    self.deadlines.insert(jti.clone(), deadline);
                }
            }
        }
    }
}
