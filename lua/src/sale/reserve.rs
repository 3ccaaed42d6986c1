//! What is asked of the stock by one who reserves, and what comes of it. How it gets there: `together.rs`.

use std::time::Duration;

use entry_pass::{PersonId, Sku};
use redis::Value;

use super::{SaleError, reply::Reply, scripts};

/// Most units one reservation may ask for, and most one person may be allowed: what keeps the
/// script's work bounded.
pub const MOST_UNITS: u32 = 100;

/// What to reserve.
#[derive(Debug, Clone)]
pub struct Reserve<'a> {
    /// The new reservation's id, never used before; no spaces, nothing that JSON would escape.
    pub id: &'a str,
    /// For whom.
    pub person: &'a PersonId,
    /// Of what.
    pub sku: &'a Sku,
    /// How many, 1 to [`MOST_UNITS`].
    pub quantity: u32,
    /// How long it is held.
    pub hold: Duration,
    /// The idempotency key; visible ASCII without spaces.
    pub key: &'a str,
    /// Hash of the request's body; no spaces.
    pub body: &'a str,
    /// How long the key is remembered.
    pub key_ttl: Duration,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// Taken. The answer's bytes, as they are stored and sent.
    New(String),
    /// The key came before with this body: the stored answer.
    Again(String),
    /// The key came before with another body.
    KeyReused,
    /// The sale has no such sku.
    UnknownSku,
    /// It would be more than one person may have.
    LimitReached {
        /// Most per person.
        limit: u32,
        /// What the person has.
        taken: u32,
    },
    /// Some are left, but fewer.
    NotEnough {
        /// So many.
        available: u64,
    },
    /// None are left.
    SoldOut {
        /// So many may yet come back.
        held: u64,
    },
}

/// The script's hash and text, for measurements that run the very script by other means.
pub fn reserve_script() -> (&'static str, &'static str) {
    scripts::RESERVE.hash_and_text()
}

impl Reserve<'_> {
    /// As the script takes it. No part holds a space.
    pub(super) fn packed(&self) -> String {
        format!(
            "{} {} {} {} {} {} {} {}",
            self.id,
            self.person,
            self.sku,
            self.units(),
            self.hold.as_millis(),
            self.key,
            self.body,
            self.key_ttl.as_millis().max(1)
        )
    }

    pub(super) fn units(&self) -> u32 {
        self.quantity.clamp(1, MOST_UNITS)
    }
}

impl Reserved {
    /// The answer to one of those who asked.
    pub(super) fn parse(answer: Value) -> Result<Self, SaleError> {
        let mut reply = Reply::parse(&scripts::RESERVE, answer)?;
        Ok(match reply.word.as_str() {
            "reserved" => Self::New(reply.take(0)?),
            "again" => Self::Again(reply.take(0)?),
            "key-reused" => Self::KeyReused,
            "unknown-sku" => Self::UnknownSku,
            "limit-reached" => Self::LimitReached {
                limit: reply.take(0)?,
                taken: reply.take(1)?,
            },
            "not-enough" => Self::NotEnough {
                available: reply.take(0)?,
            },
            "sold-out" => Self::SoldOut {
                held: reply.take(0)?,
            },
            _ => return Err(reply.unknown()),
        })
    }
}
