//! A sale as a simple model: what each call must answer, which events it must write, and what it
//! must leave behind.
//!
//! It keeps no counts, no list of free units and no taken slots: all of them follow from the
//! reservations, which is what the scripts must never let drift apart.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lua::sale::{EventId, Looked, Reopened, Reservation, Shut, State};

use super::calls::{Call, Reply};

mod reserve;
mod settle;
mod supply;

/// Beyond this a step of the clock is a jump.
const JUMP_MS: i64 = 5_000;

/// The fields of one event.
pub(crate) type Fact = BTreeMap<&'static str, String>;
/// Ids of the events that were really written, to be put into the records.
pub(crate) type Ids = VecDeque<EventId>;

/// One sku.
#[derive(Debug, Clone)]
pub(crate) struct Stock {
    pub(crate) supplied: u64,
    pub(crate) limit: u32,
    pub(crate) minted: u32,
    pub(crate) event: EventId,
}

/// The open clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    pub(crate) alive_at: i64,
    pub(crate) closed_ms: i64,
    pub(crate) opened_at: i64,
}

/// One sale.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    /// None: nobody seeded it.
    pub(crate) clock: Option<Clock>,
    /// The server process that answers.
    pub(crate) server: String,
    /// The one it was last opened under, if another one answers now.
    pub(crate) opened_under: Option<String>,
    /// Why nobody may go on.
    pub(crate) broken: Option<String>,
    pub(crate) stock: BTreeMap<&'static str, Stock>,
    pub(crate) records: BTreeMap<String, Reservation>,
    /// By person and key.
    pub(crate) keys: BTreeMap<(&'static str, String), Remembered>,
}

/// What a key was answered.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) answer: String,
}

/// One call: the moment as it sees it, and what it tells.
struct Turn<'a> {
    now: i64,
    open: i64,
    closed_ms: i64,
    /// How far the clock jumped, if it did.
    gap: Option<i64>,
    ids: &'a mut Ids,
    facts: Vec<Fact>,
}

impl Turn<'_> {
    /// Writes an event. Its id is a zero when the real sale wrote fewer than it had to.
    fn tell<const N: usize>(&mut self, kind: &str, more: [(&'static str, String); N]) -> EventId {
        let head = [
            ("v", "1".to_owned()),
            ("kind", kind.to_owned()),
            ("at", self.now.to_string()),
        ];
        self.facts.push(head.into_iter().chain(more).collect());
        self.ids.pop_front().unwrap_or(EventId { ms: 0, seq: 0 })
    }
}

impl Model {
    /// The answer to `call`, and the events it writes; their ids are taken from `ids`.
    pub(crate) fn answer(&mut self, call: &Call, now: i64, ids: &mut Ids) -> (Reply, Vec<Fact>) {
        if self.clock.is_none() && matches!(call, Call::Supply { seed: true, .. }) {
            self.clock = Some(Clock {
                alive_at: now,
                closed_ms: 0,
                opened_at: now,
            });
        }
        let Some(clock) = self.clock else {
            return (Reply::Closed, Vec::new());
        };
        let gap = now - clock.alive_at;
        let gap = (gap.abs() > JUMP_MS).then_some(gap);
        let mut turn = Turn {
            now,
            open: gap.map_or(now, |_| clock.alive_at) - clock.closed_ms,
            closed_ms: clock.closed_ms + gap.unwrap_or(0),
            gap,
            ids,
            facts: Vec::new(),
        };
        let reply = match call {
            Call::Reopen { compared } => Reply::Reopened(self.reopen(compared, &mut turn)),
            _ if self.broken.is_some() => Reply::Closed,
            _ if self.opened_under.is_some() => Reply::Restarted,
            Call::Reserve(wish) => self.reserve(wish, &mut turn),
            Call::Confirm {
                id,
                person,
                payment,
            } => Reply::Confirmed(self.confirm(id, *person, payment, &mut turn)),
            Call::Cancel { id, person } => Reply::Cancelled(self.cancel(id, *person, &mut turn)),
            Call::Refund { id } => Reply::Refunded(self.refund(id, &mut turn)),
            Call::Look { id } => Reply::Looked(self.look(id, &turn)),
            Call::Supply {
                sku,
                supplied,
                limit,
                seed,
            } => Reply::Supplied(self.supply(sku, *supplied, *limit, *seed, &mut turn)),
            Call::Sweep { most, keep_ms } => {
                Reply::Swept(self.sweep(*most as usize, *keep_ms, &mut turn))
            }
        };
        (reply, turn.facts)
    }

    /// Whether anybody may go on.
    pub(crate) fn is_open(&self) -> bool {
        self.clock.is_some() && self.opened_under.is_none() && self.broken.is_none()
    }

    /// What it is shut under, or would be.
    pub(crate) fn shut(&self) -> Shut {
        Shut {
            run_id: self.opened_under.as_ref().unwrap_or(&self.server).clone(),
            broken: self.broken.clone(),
        }
    }

    /// Units of `sku` out in `state`.
    pub(crate) fn out(&self, sku: &str, state: State) -> u64 {
        let out = self
            .records
            .values()
            .filter(|it| it.sku.as_str() == sku && it.state == state);
        out.map(|it| u64::from(it.quantity)).sum()
    }

    pub(crate) fn available(&self, sku: &str) -> u64 {
        self.stock[sku].supplied - self.out(sku, State::Held) - self.out(sku, State::Sold)
    }

    /// Reservations that hold or bought.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &Reservation> {
        let out = |it: &&Reservation| matches!(it.state, State::Held | State::Sold);
        self.records.values().filter(out)
    }

    /// Units that came back.
    pub(crate) fn free(&self, sku: &str) -> BTreeSet<u32> {
        let standing = self.standing().filter(|it| it.sku.as_str() == sku);
        let out: BTreeSet<u32> = standing.flat_map(|it| it.units.clone()).collect();
        let minted = 1..=self.stock[sku].minted;
        minted.filter(|unit| !out.contains(unit)).collect()
    }

    /// Slots a person takes.
    pub(crate) fn slots(&self, sku: &str, person: &str) -> BTreeSet<u32> {
        let standing = self.standing();
        let mine = standing.filter(|it| it.sku.as_str() == sku && it.person.as_str() == person);
        mine.flat_map(|it| it.slots.clone()).collect()
    }

    fn look(&self, id: &str, turn: &Turn<'_>) -> Option<Looked> {
        let record = self.records.get(id)?;
        Some(Looked {
            reservation: record.clone(),
            expires_at: (record.deadline + turn.closed_ms) as u64,
            over: record.state == State::Held && turn.open >= record.deadline,
        })
    }

    fn reopen(&mut self, compared: &Shut, turn: &mut Turn<'_>) -> Reopened {
        if self.is_open() {
            return Reopened::Already;
        }
        if self.shut() != *compared {
            return Reopened::Changed;
        }
        let gap = turn.now - self.clock.map_or(0, |clock| clock.alive_at);
        self.book_closed(gap, turn);
        if let Some(clock) = &mut self.clock {
            clock.opened_at = turn.now;
        }
        (self.opened_under, self.broken) = (None, None);
        Reopened::Now(gap)
    }

    /// Lets time pass that counts for nobody.
    fn book_closed(&mut self, gap: i64, turn: &mut Turn<'_>) {
        let clock = self.clock.as_mut().expect("looked at by the caller");
        clock.alive_at = turn.now;
        clock.closed_ms += gap;
        turn.tell("reopened", [("closed_ms", gap.to_string())]);
    }
}

pub(crate) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or("-".to_owned(), |value| value.to_string())
}

/// As `1,3`.
pub(crate) fn list(numbers: &[u32]) -> String {
    let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    words.join(",")
}
