//! What keeps a room going beside its visitors: the snapshot, the stock, opening and reopening.

use redis::Value;

use super::{Opened, Snapshot, StockMark, Waitlist, WaitlistError, reply::Reply};
use crate::Store;

impl Waitlist {
    /// Tells the line what can still be sold. Answers the room's cursor: `to` when applied, another
    /// when a different gateway was faster.
    pub async fn apply_stock(
        &self,
        from: &str,
        to: &str,
        sellable: u64,
        marks: &[StockMark],
    ) -> Result<String, WaitlistError> {
        let k = &self.keys;
        let mut call = self
            .scripts
            .stock
            .call()
            .keys([&k.state, &k.reserved, &k.inside]);
        call = call.arg(from).arg(to).arg(sellable);
        for mark in marks {
            let (word, person) = match mark {
                StockMark::Reserved(person) => ("reserved", person),
                StockMark::Freed(person) => ("freed", person),
            };
            call = call.arg(word).arg(person.as_str());
        }
        let reply: Vec<Value> = call.run(&mut self.store.fast()).await?;
        let (word, mut reply) = Reply::with_word(&self.scripts.stock, reply)?;
        match word.as_str() {
            "ok" => Ok(to.to_owned()),
            "stale" => Ok(reply.text()?),
            other => Err(self.scripts.stock.unexpected(other).into()),
        }
    }

    /// What a gateway needs to answer polls by itself. `gone` and `ended`: how many entries of the
    /// two logs the caller knows.
    pub async fn snapshot(&self, gone: u64, ended: u64) -> Result<Snapshot, WaitlistError> {
        let k = &self.keys;
        let call = self.scripts.snapshot.call().keys([
            &k.state,
            &k.waiting,
            &k.offers,
            &k.sessions,
            &k.releases,
            &k.gone,
            &k.ended,
            &k.away,
        ]);
        let reply: Vec<Value> = call
            .arg(self.now())
            .arg(gone)
            .arg(ended)
            .run(&mut self.store.fast())
            .await?;
        Snapshot::parse(Reply::new(&self.scripts.snapshot, reply)?)
    }

    /// Opens the room, accepts a restarted store, or raises the ceiling; see `open.lua`.
    pub async fn open(&self, opening: &Opening) -> Result<Opened, WaitlistError> {
        let reply: Vec<Value> = self
            .scripts
            .open
            .call()
            .key(&self.keys.state)
            .arg(self.now())
            .arg(opening.epoch)
            .arg(opening.start)
            .arg(opening.ceiling)
            .arg(opening.hold_ms)
            .arg(opening.serving)
            .run(&mut self.store.fast())
            .await?;
        let (word, _) = Reply::with_word(&self.scripts.open, reply)?;
        Opened::parse(&word).ok_or_else(|| self.scripts.open.unexpected(word).into())
    }

    /// Notes an orderly stop; the next opening then knows that nothing is missing.
    pub async fn close(&self) -> Result<(), WaitlistError> {
        let script = &self.scripts.close;
        let reply: Vec<Value> = script
            .call()
            .key(&self.keys.state)
            .run(&mut self.store.fast())
            .await?;
        Reply::new(script, reply).map(|_| ())
    }

    /// Raises what this room keeps durably, in the *stock* store. Answers what it was and what it
    /// is now.
    pub async fn durable(
        &self,
        stock: &Store,
        epoch: u64,
        ceiling: u64,
    ) -> Result<Durable, WaitlistError> {
        let reply: Vec<Value> = self
            .scripts
            .durable
            .call()
            .key(&self.keys.durable)
            .arg(epoch)
            .arg(ceiling)
            .run(&mut stock.fast())
            .await?;
        let mut reply = Reply::new(&self.scripts.durable, reply)?;
        Ok(Durable {
            epoch_before: reply.number()?,
            ceiling_before: reply.number()?,
            epoch: reply.number()?,
            ceiling: reply.number()?,
        })
    }
}

/// How a room is to be opened.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    /// 1 for a new room, higher when its store was lost.
    pub epoch: u64,
    /// The counter goes on after this number.
    pub start: u64,
    /// The highest number that may be given; durable elsewhere.
    pub ceiling: u64,
    /// After a loss: how long nobody is released beyond what the store still knows, in ms.
    pub hold_ms: u64,
    /// The last watermark the caller knows.
    pub serving: u64,
}

/// What a room keeps in the stock store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durable {
    /// Epoch before the call; 0: never opened.
    pub epoch_before: u64,
    /// Ceiling before the call.
    pub ceiling_before: u64,
    /// Epoch now.
    pub epoch: u64,
    /// Ceiling now.
    pub ceiling: u64,
}
