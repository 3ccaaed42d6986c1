//! Reserve: units for one person, all or none.

use std::time::Duration;

use entry_pass::{PersonId, Sku};

use super::{Sale, SaleError, scripts};

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

impl Sale {
    /// Reserves. Repeating a call with the same key and body has the effect of one.
    pub async fn reserve(&self, what: &Reserve<'_>) -> Result<Reserved, SaleError> {
        let key = self.keys.idempotency(what.person, what.key);
        let held = self.plainly_sold_out(what.sku, what.person, &key, what.quantity);
        if let Some(held) = held.await {
            return Ok(Reserved::SoldOut { held });
        }
        let [
            state,
            stock,
            free,
            slots,
            reservations,
            deadlines,
            ended,
            events,
        ] = self.keys.whole();
        let mut reply = self
            .fast(
                &scripts::RESERVE,
                &[
                    state,
                    stock,
                    free,
                    slots,
                    reservations,
                    deadlines,
                    ended,
                    events,
                    &key,
                ],
                &[
                    what.id,
                    what.person.as_str(),
                    what.sku.as_str(),
                    &what.quantity.clamp(1, MOST_UNITS).to_string(),
                    &what.hold.as_millis().to_string(),
                    what.key,
                    what.body,
                    &what.key_ttl.as_millis().max(1).to_string(),
                ],
            )
            .await?;
        Ok(match reply.word.as_str() {
            "reserved" => Reserved::New(reply.take(0)?),
            "again" => Reserved::Again(reply.take(0)?),
            "key-reused" => Reserved::KeyReused,
            "unknown-sku" => Reserved::UnknownSku,
            "limit-reached" => Reserved::LimitReached {
                limit: reply.take(0)?,
                taken: reply.take(1)?,
            },
            "not-enough" => Reserved::NotEnough {
                available: reply.take(0)?,
            },
            "sold-out" => {
                self.is_sold_out(what.sku);
                Reserved::SoldOut {
                    held: reply.take(0)?,
                }
            }
            _ => return Err(reply.unknown()),
        })
    }
}
