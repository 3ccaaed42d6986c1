//! A room under test: its line, a clock that is told the time, and a look at the store itself.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use entry_pass::{PersonId, RoomId, TicketNumber};
use lua::{
    Store,
    keys::RoomKeys,
    room::{Answer, Arrival, Claimed, Mode, Opening, Released, Rules, Snapshot, Touch, Waitlist},
};

use crate::server::Server;

/// When every test begins, in ms.
pub(crate) const START: u64 = 1_700_000_000_000;

static ROOMS: AtomicU32 = AtomicU32::new(0);

/// One room and one gateway's door to it.
pub(crate) struct Line {
    pub(crate) waitlist: Waitlist,
    pub(crate) store: Store,
    pub(crate) keys: RoomKeys,
    room: RoomId,
    server: Option<Arc<Server>>,
}

impl Line {
    /// A room of its own on the shared server, open, at [`START`].
    pub(crate) async fn open() -> Self {
        let line = Self::unopened().await;
        line.waitlist.open(&fresh()).await.unwrap();
        line
    }

    /// The same, not opened yet.
    pub(crate) async fn unopened() -> Self {
        let server = Server::shared();
        let mut line = Self::on(&server, ROOMS.fetch_add(1, Ordering::Relaxed)).await;
        line.server = Some(server);
        line
    }

    /// Room number `room` on `server`, through connections of its own.
    pub(crate) async fn on(server: &Server, room: u32) -> Self {
        let room: RoomId = format!("room-{room}").parse().unwrap();
        let store = Store::connect(&server.url()).await.unwrap();
        let waitlist = Waitlist::new(store.clone(), &room);
        waitlist.tell_time(START);
        let keys = RoomKeys::new(&room);
        Self {
            waitlist,
            store,
            keys,
            room,
            server: None,
        }
    }

    /// Another gateway: the same room through connections of its own.
    pub(crate) async fn another_gateway(&self) -> Self {
        let server = self.server.clone().unwrap();
        let store = Store::connect(&server.url()).await.unwrap();
        let waitlist = Waitlist::new(store.clone(), &self.room);
        waitlist.tell_time(START);
        Self {
            waitlist,
            store,
            keys: self.keys.clone(),
            room: self.room.clone(),
            server: Some(server),
        }
    }

    /// Sets the clock to `ms` after [`START`].
    pub(crate) fn at(&self, ms: u64) {
        self.waitlist.tell_time(START + ms);
    }

    /// Several arrivals in one call, all asking for a place.
    pub(crate) async fn join(&self, rules: &Rules, persons: &[u32]) -> Vec<Answer> {
        let arrivals: Vec<_> = persons.iter().map(|&n| arrival(n, Mode::Join)).collect();
        self.waitlist.join(rules, &arrivals).await.unwrap().answers
    }

    /// One arrival.
    pub(crate) async fn arrive(&self, rules: &Rules, n: u32, mode: Mode) -> Answer {
        let arrived = self.waitlist.join(rules, &[arrival(n, mode)]).await;
        arrived.unwrap().answers.remove(0)
    }

    /// One release: offered and passed over, or `None` when it was early.
    pub(crate) async fn release(&self, rules: &Rules) -> Option<(u64, u64)> {
        match self.waitlist.release(rules).await.unwrap() {
            Released::Early { .. } => None,
            Released::Batch {
                offered,
                passed_over,
                ..
            } => Some((offered, passed_over)),
        }
    }

    /// One claim.
    pub(crate) async fn claim(&self, rules: &Rules, n: u32, jti: &str) -> Claimed {
        let claims = [(person(n), jti.to_owned())];
        self.waitlist.claim(rules, &claims).await.unwrap().remove(0)
    }

    /// Signs of life of people waiting.
    pub(crate) async fn seen(&self, rules: &Rules, persons: &[u32]) {
        let touches: Vec<_> = persons
            .iter()
            .map(|&n| Touch::Present { person: person(n) })
            .collect();
        self.waitlist.touch(rules, &touches).await.unwrap();
    }

    /// Everything a gateway would know that asks for the first time.
    pub(crate) async fn snapshot(&self) -> Snapshot {
        self.waitlist.snapshot(0, 0).await.unwrap()
    }

    /// Members of a sorted set in order, with their scores.
    pub(crate) async fn members(&self, key: &str) -> Vec<(String, u64)> {
        redis::cmd("ZRANGE")
            .arg(key)
            .arg(0)
            .arg(-1)
            .arg("WITHSCORES")
            .query_async(&mut self.store.fast())
            .await
            .unwrap()
    }

    /// Any command, answered or refused.
    pub(crate) async fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(*word);
        }
        command.query_async(&mut self.store.fast()).await.unwrap()
    }

    /// Every key of the room with all it holds, to see whether anything was written.
    pub(crate) async fn digest(&self) -> Vec<(String, Option<Vec<u8>>)> {
        let mut keys: Vec<String> = self
            .ask(&["KEYS", &format!("room:{{{}}}:*", self.room)])
            .await;
        keys.sort();
        let mut digest = Vec::new();
        for key in keys {
            let held = self.ask(&["DUMP", &key]).await;
            digest.push((key, held));
        }
        digest
    }
}

/// A new room.
pub(crate) fn fresh() -> Opening {
    Opening {
        epoch: 1,
        start: 0,
        ceiling: 1_000_000,
        hold_ms: 30_000,
        serving: 0,
    }
}

/// Ten a second into a room of a hundred; nobody straight in.
pub(crate) fn rules() -> Rules {
    Rules {
        capacity: 100,
        batch: 10,
        tick_ms: 1000,
        per_minute: 600,
        session_ms: 300_000,
        session_max_ms: 3_600_000,
        offer_ttl_ms: 60_000,
        place_kept_ms: 600_000,
        presence_ms: 180_000,
        near: 300,
        newcomers_straight_in: false,
        releasing: true,
        sells: false,
    }
}

/// The same, newcomers straight in.
pub(crate) fn door_open() -> Rules {
    Rules {
        newcomers_straight_in: true,
        ..rules()
    }
}

pub(crate) fn person(n: u32) -> PersonId {
    name(n).parse().unwrap()
}

pub(crate) fn name(n: u32) -> String {
    format!("p{n}")
}

pub(crate) fn arrival(n: u32, mode: Mode) -> Arrival {
    Arrival {
        person: person(n),
        mode,
        jti: format!("straight-{n}"),
    }
}

/// The number in an answer, whatever the state.
pub(crate) fn number(answer: &Answer) -> u64 {
    match answer {
        Answer::Waiting { number, .. } | Answer::Offered { number, .. } => number.0,
        Answer::Admitted(session) => session.number.0,
        other => panic!("no number in {other:?}"),
    }
}

pub(crate) fn waiting(number: u64, new: bool) -> Answer {
    Answer::Waiting {
        number: TicketNumber(number),
        new,
    }
}

pub(crate) fn offered(answer: &Answer) -> bool {
    matches!(answer, Answer::Offered { .. })
}

pub(crate) fn admitted(answer: &Answer) -> bool {
    matches!(answer, Answer::Admitted(_))
}
