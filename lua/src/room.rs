//! The door to the waitlist store: arrival, waiting, release, offer, session.
//!
//! One [`Waitlist`] per room and gateway. Every call carries many visitors where it can, because a
//! call costs the store about 10 µs however many it carries. Each method is one script, so one
//! step: what it answers is true of one moment. A failed call may or may not have run; all of them
//! may be repeated with the same arguments.

mod answer;
mod reply;
mod rules;
mod scripts;
mod snapshot;
mod upkeep;

pub use answer::{
    Answer, Arrival, Arrived, Claimed, End, Mode, Opened, Released, Session, StockMark, Touch,
};
pub use rules::{MOST_PER_CALL, Rules};
pub use snapshot::{EndedPass, Snapshot};
pub use upkeep::{Durable, Opening};

use entry_pass::{PersonId, RoomId};
use redis::Value;

use crate::{ScriptError, Store, StoreError, keys::RoomKeys};
use reply::Reply;
use rules::LARGEST;
use scripts::Scripts;

/// Why the waitlist store could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum WaitlistError {
    /// The store has no such room: it is new, or the store was emptied. Open it.
    #[error("the room is not open in the store")]
    Lost,
    /// The store was restarted since the room was opened: its last second may be missing. Reopen it.
    #[error("the store was restarted")]
    Restarted,
    /// The counter would pass the number that is durably written elsewhere. Raise it.
    #[error("the ticket counter has reached its ceiling")]
    Ceiling,
    /// The store is away, or answered what nobody knows.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

impl From<StoreError> for WaitlistError {
    fn from(error: StoreError) -> Self {
        Self::Script(error.into())
    }
}

/// The line of one room.
pub struct Waitlist {
    store: Store,
    keys: RoomKeys,
    scripts: Scripts,
    /// 0: Redis TIME is the clock. Tests tell another.
    now_ms: std::sync::atomic::AtomicU64,
}

impl Waitlist {
    /// The line of `room` in this store.
    pub fn new(store: Store, room: &RoomId) -> Self {
        Self {
            store,
            keys: RoomKeys::new(room),
            scripts: Scripts::new(),
            now_ms: std::sync::atomic::AtomicU64::new(0),
        }
    }

    /// Tells the time instead of Redis, for tests. 0 gives the clock back to Redis.
    pub fn tell_time(&self, now_ms: u64) {
        self.now_ms
            .store(now_ms, std::sync::atomic::Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.now_ms.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Gives places, tells places, takes people back; in the order given. At most
    /// [`MOST_PER_CALL`]; a few hundred is better: the store serves nobody else meanwhile.
    pub async fn join(
        &self,
        rules: &Rules,
        arrivals: &[Arrival],
    ) -> Result<Arrived, WaitlistError> {
        let k = &self.keys;
        let mut call = self.scripts.join.call().keys([
            &k.state,
            &k.waiting,
            &k.offers,
            &k.sessions,
            &k.inside,
            &k.away,
            &k.away_until,
            &k.present,
            &k.releases,
            &k.reserved,
            &k.revoked,
        ]);
        call = call.arg(self.now()).args(
            [
                rules.capacity,
                rules.batch,
                rules.tick_ms,
                rules.per_minute,
                rules.session_ms,
                rules.session_max_ms,
                rules.near,
                u64::from(rules.newcomers_straight_in),
                u64::from(rules.sells),
            ]
            .map(|number| number.min(LARGEST)),
        );
        for arrival in arrivals {
            let (mode, number) = match arrival.mode {
                Mode::Join => ("join", 0),
                Mode::Look => ("look", 0),
                Mode::Back(number) => ("back", number.0),
            };
            call = call
                .arg(arrival.person.as_str())
                .arg(mode)
                .arg(number)
                .arg(&arrival.jti);
        }
        let reply: Vec<Value> = call.run(&mut self.store.fast()).await?;
        let mut reply = Reply::new(&self.scripts.join, reply)?;
        let (epoch, serving, now_ms) = (reply.number()?, reply.number()?, reply.number()?);
        let answers = reply.rest(Answer::parse)?;
        if answers.len() != arrivals.len() {
            return Err(self.scripts.join.unexpected(answers.len()).into());
        }
        Ok(Arrived {
            epoch,
            serving,
            now_ms,
            answers,
        })
    }

    /// Lets the next batch out, unless a full tick has not passed yet.
    pub async fn release(&self, rules: &Rules) -> Result<Released, WaitlistError> {
        let k = &self.keys;
        let mut call = self.scripts.release.call().keys([
            &k.state,
            &k.waiting,
            &k.offers,
            &k.sessions,
            &k.inside,
            &k.away,
            &k.away_until,
            &k.present,
            &k.releases,
            &k.reserved,
            &k.revoked,
            &k.gone,
            &k.ended,
        ]);
        call = call.arg(self.now()).args(
            [
                rules.capacity,
                rules.batch,
                rules.tick_ms,
                rules.per_minute,
                rules.offer_ttl_ms,
                rules.place_kept_ms,
                rules.presence_ms,
                u64::from(rules.releasing),
                u64::from(rules.sells),
            ]
            .map(|number| number.min(LARGEST)),
        );
        let reply: Vec<Value> = call.run(&mut self.store.fast()).await?;
        let (word, mut reply) = Reply::with_word(&self.scripts.release, reply)?;
        match word.as_str() {
            "early" => Ok(Released::Early {
                wait_ms: reply.number()?,
            }),
            "released" => Ok(Released::Batch {
                offered: reply.number()?,
                passed_over: reply.number()?,
                waiting: reply.number()?,
                now_ms: reply.number()?,
            }),
            other => Err(self.scripts.release.unexpected(other).into()),
        }
    }

    /// Takes up offers. `claims`: person, and the `jti` to use if this is the first claim.
    pub async fn claim(
        &self,
        rules: &Rules,
        claims: &[(PersonId, String)],
    ) -> Result<Vec<Claimed>, WaitlistError> {
        let k = &self.keys;
        let mut call = self.scripts.claim.call().keys([
            &k.state,
            &k.offers,
            &k.sessions,
            &k.inside,
            &k.waiting,
            &k.away,
        ]);
        call = call
            .arg(self.now())
            .arg(rules.session_ms.min(LARGEST))
            .arg(rules.session_max_ms.min(LARGEST));
        for (person, jti) in claims {
            call = call.arg(person.as_str()).arg(jti);
        }
        let reply: Vec<Value> = call.run(&mut self.store.fast()).await?;
        let mut reply = Reply::new(&self.scripts.claim, reply)?;
        let _now: u64 = reply.number()?;
        Ok(reply.rest(Claimed::parse)?)
    }

    /// Ends stays. True where there was one to end.
    pub async fn leave(&self, persons: &[(PersonId, End)]) -> Result<Vec<bool>, WaitlistError> {
        let k = &self.keys;
        let mut call = self.scripts.leave.call().keys([
            &k.state,
            &k.waiting,
            &k.offers,
            &k.sessions,
            &k.inside,
            &k.away,
            &k.away_until,
            &k.present,
            &k.reserved,
            &k.revoked,
            &k.gone,
            &k.ended,
        ]);
        call = call.arg(self.now());
        for (person, end) in persons {
            call = call.arg(person.as_str()).arg(end.word());
        }
        let reply: Vec<Value> = call.run(&mut self.store.fast()).await?;
        let mut reply = Reply::new(&self.scripts.leave, reply)?;
        let _now: u64 = reply.number()?;
        Ok(reply.rest(|word| match word {
            "left" => Some(true),
            "none" => Some(false),
            _ => None,
        })?)
    }

    /// Slides sessions on and records signs of life near the front. Answers the new deadline in ms
    /// for each session, `None` where there is none (any more).
    pub async fn touch(
        &self,
        rules: &Rules,
        touches: &[Touch],
    ) -> Result<Vec<Option<u64>>, WaitlistError> {
        let k = &self.keys;
        let mut call = self.scripts.touch.call().keys([
            &k.state,
            &k.sessions,
            &k.inside,
            &k.present,
            &k.waiting,
        ]);
        call = call.arg(self.now()).arg(rules.session_ms.min(LARGEST));
        for touch in touches {
            let (person, jti) = match touch {
                Touch::Session { person, jti } => (person, jti.as_str()),
                Touch::Present { person } => (person, ""),
            };
            call = call.arg(person.as_str()).arg(jti);
        }
        let reply: Vec<Value> = call.run(&mut self.store.fast()).await?;
        let mut reply = Reply::new(&self.scripts.touch, reply)?;
        let _now: u64 = reply.number()?;
        Ok(reply.rest(|word| match word {
            "seen" | "0" => Some(None),
            deadline => deadline.parse().ok().map(Some),
        })?)
    }
}
