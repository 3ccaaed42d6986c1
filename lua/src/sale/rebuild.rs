//! Rebuilding a sale from the ledger, step by step, while it is closed.
//!
//! The caller says what belongs into each key; here it is cut into steps that hold the store for a
//! few milliseconds at most.

use std::time::Duration;

use entry_pass::PersonId;

use super::{EventId, Lead, Sale, SaleError, scripts};
use crate::StoreError;

/// Most pairs one step carries: about a millisecond of the store's time.
pub const REBUILD_STEP: usize = 1_000;

/// A key of the sale that is being filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// hash: `{sku}:{figure}` and value.
    Stock,
    /// sorted set: score and `{sku}:{unit}`.
    Free,
    /// hash: `{sku} {person}` and slots.
    Slots,
    /// hash: id and record.
    Reservations,
    /// sorted set: deadline and id.
    Deadlines,
    /// sorted set: when it ended and id.
    Ended,
}

impl Part {
    fn word(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Free => "free",
            Self::Slots => "slots",
            Self::Reservations => "reservations",
            Self::Deadlines => "deadlines",
            Self::Ended => "ended",
        }
    }
}

/// What an idempotency key was answered.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// Whose key.
    pub person: PersonId,
    /// The key.
    pub key: String,
    /// Hash of the request's body.
    pub body: String,
    /// The answer's bytes.
    pub answer: String,
    /// For how long it is remembered yet.
    pub ttl: Duration,
}

/// A rebuild under way, named by the lease it was begun under.
pub struct Rebuild<'a> {
    sale: &'a Sale,
    owner: String,
    term: String,
    alive_at: Option<u64>,
}

impl Sale {
    /// Begins: empties what is left. None if the sale is open and needs no rebuild. From here to the
    /// end every step is refused once another recorder has taken over.
    pub async fn rebuild(&self, lead: &Lead) -> Result<Option<Rebuild<'_>>, SaleError> {
        let mut rebuild = Rebuild {
            sale: self,
            owner: lead.owner.clone(),
            term: lead.term.to_string(),
            alive_at: None,
        };
        let mut reply = rebuild.step("begin", &[]).await?;
        match reply.word.as_str() {
            "begun" => {
                let alive_at: String = reply.take(0)?;
                rebuild.alive_at = alive_at.parse().ok();
                Ok(Some(rebuild))
            }
            "open" => Ok(None),
            "fenced" => Err(SaleError::Closed),
            _ => Err(reply.unknown()),
        }
    }
}

impl Rebuild<'_> {
    /// When a sweeper last came by, ms, as far as the store still knew.
    pub fn alive_at(&self) -> Option<u64> {
        self.alive_at
    }

    /// Puts pairs into a key: field and value of a hash, score and member of a sorted set.
    pub async fn put(&self, part: Part, pairs: &[(String, String)]) -> Result<(), SaleError> {
        for pairs in pairs.chunks(REBUILD_STEP) {
            let mut args = vec![part.word()];
            args.extend(
                pairs
                    .iter()
                    .flat_map(|(one, two)| [one.as_str(), two.as_str()]),
            );
            self.done("put", &args).await?;
        }
        Ok(())
    }

    /// Remembers the answers of idempotency keys again. Not a step of its own name: without its
    /// reservation an answer is worth nothing.
    pub async fn remember(&self, answers: &[Remembered]) -> Result<(), SaleError> {
        let mut connection = self.sale.store.pooled().await?;
        for answers in answers.chunks(REBUILD_STEP) {
            let mut pipe = redis::pipe();
            for answer in answers {
                pipe.cmd("SET")
                    .arg(self.sale.keys.idempotency(&answer.person, &answer.key))
                    .arg(format!("{} {}", answer.body, answer.answer))
                    .arg("PX")
                    .arg(answer.ttl.as_millis().max(1) as u64)
                    .ignore();
            }
            let kept = pipe.exec_async(&mut *connection).await;
            kept.map_err(|source| StoreError::from_redis("rebuild", source))?;
        }
        Ok(())
    }

    /// Opens the sale. `newest`: the newest event the ledger has; `stopped_at`: when the open clock
    /// stopped, ms; `closed_ms`: how long the sale had been closed until then, in all.
    pub async fn open(
        self,
        newest: EventId,
        stopped_at: u64,
        closed_ms: i64,
    ) -> Result<(), SaleError> {
        let args = [
            newest.ms.to_string(),
            stopped_at.to_string(),
            closed_ms.to_string(),
        ];
        self.done("open", &args.each_ref().map(String::as_str))
            .await
    }

    async fn done(&self, step: &str, args: &[&str]) -> Result<(), SaleError> {
        let reply = self.step(step, args).await?;
        match reply.word.as_str() {
            "done" => Ok(()),
            // Another recorder took over, or began anew: this one starts over if it leads again.
            "changed" | "fenced" => Err(SaleError::Closed),
            _ => Err(reply.unknown()),
        }
    }

    async fn step(&self, step: &str, more: &[&str]) -> Result<super::Reply<'static>, SaleError> {
        let mut args = vec![step, self.owner.as_str(), self.term.as_str()];
        args.extend(more);
        self.sale
            .in_background(&scripts::REBUILD, &self.sale.keys.led(), &args)
            .await
    }
}
