//! What becomes of a hold: confirm, cancel, refund, expire; and looking at one.

use std::time::Duration;

use entry_pass::PersonId;

use super::{Reservation, Sale, SaleError, scripts};

/// What came of a confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmed {
    /// Sold, now or before with the same payment. The ledger must have its `event`.
    Sold(Reservation),
    /// Sold before with another payment.
    OtherPayment,
    /// The hold's time is over.
    Expired,
    /// The hold was given back.
    Cancelled,
    /// It was sold and taken back.
    Refunded,
    /// No such reservation, or somebody else's.
    NotFound,
}

/// What came of a cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// Given back, now or before.
    Done(Reservation),
    /// Sold already.
    Confirmed,
    /// Given back by time already.
    Expired,
    /// It was sold and taken back.
    Refunded,
    /// No such reservation, or somebody else's.
    NotFound,
}

/// What came of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refunded {
    /// Taken back, now or before. The ledger must have its `event`.
    Done(Reservation),
    /// Never sold.
    NotSold,
    /// No such reservation.
    NotFound,
}

/// What one step of the sweeper did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// Holds given back and old records forgotten; `more` when more are due already.
    Step {
        /// Holds given back.
        expired: u64,
        /// Records forgotten.
        forgotten: u64,
        /// More are due.
        more: bool,
    },
    /// Time had jumped or nobody swept: so many ms were booked as closed, nobody expired.
    ReAnchored(i64),
}

/// A reservation and when its hold ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The record.
    pub reservation: Reservation,
    /// When the hold ends or ended, ms.
    pub expires_at: u64,
    /// Its time is over though no sweeper came by yet.
    pub over: bool,
}

impl Sale {
    /// Confirms a hold. `person`: only if it is theirs; none when the shop asks.
    /// `payment_ref` is visible ASCII without spaces.
    pub async fn confirm(
        &self,
        id: &str,
        person: Option<&PersonId>,
        payment_ref: &str,
    ) -> Result<Confirmed, SaleError> {
        let mut reply = self
            .fast(
                &scripts::CONFIRM,
                &self.keys.whole(),
                &[id, person.map_or("", PersonId::as_str), payment_ref],
            )
            .await?;
        Ok(match reply.word.as_str() {
            "confirmed" | "again" => Confirmed::Sold(reply.record(0)?),
            "other-payment" => Confirmed::OtherPayment,
            "expired" => Confirmed::Expired,
            "cancelled" => Confirmed::Cancelled,
            "refunded" => Confirmed::Refunded,
            "not-found" => Confirmed::NotFound,
            _ => return Err(reply.unknown()),
        })
    }

    /// Gives a hold back. `person` as in [`Sale::confirm`].
    pub async fn cancel(
        &self,
        id: &str,
        person: Option<&PersonId>,
    ) -> Result<Cancelled, SaleError> {
        let mut reply = self
            .fast(
                &scripts::CANCEL,
                &self.keys.whole(),
                &[id, person.map_or("", PersonId::as_str)],
            )
            .await?;
        Ok(match reply.word.as_str() {
            "cancelled" | "again" => Cancelled::Done(reply.record(0)?),
            "confirmed" => Cancelled::Confirmed,
            "expired" => Cancelled::Expired,
            "refunded" => Cancelled::Refunded,
            "not-found" => Cancelled::NotFound,
            _ => return Err(reply.unknown()),
        })
    }

    /// Takes a sale back.
    pub async fn refund(&self, id: &str) -> Result<Refunded, SaleError> {
        let mut reply = self
            .in_background(&scripts::REFUND, &self.keys.whole(), &[id])
            .await?;
        Ok(match reply.word.as_str() {
            "refunded" | "again" => Refunded::Done(reply.record(0)?),
            "held" | "cancelled" | "expired" => Refunded::NotSold,
            "not-found" => Refunded::NotFound,
            _ => return Err(reply.unknown()),
        })
    }

    /// Reads one reservation; none if the store has none of this id.
    pub async fn look(&self, id: &str) -> Result<Option<Looked>, SaleError> {
        let mut reply = self.fast(&scripts::LOOK, &self.keys.whole(), &[id]).await?;
        Ok(match reply.word.as_str() {
            "found" => Some(Looked {
                reservation: reply.record(0)?,
                expires_at: reply.take(1)?,
                over: reply.take(2)?,
            }),
            "not-found" => None,
            _ => return Err(reply.unknown()),
        })
    }

    /// One step of the sweeper: at most `most` holds (1 to 100) are given back, and as many records
    /// that ended more than `keep` ago are forgotten.
    pub async fn sweep(&self, most: u32, keep: Duration) -> Result<Swept, SaleError> {
        let most = most.clamp(1, 100).to_string();
        let keep = keep.as_millis().to_string();
        let mut reply = self
            .in_background(&scripts::EXPIRE, &self.keys.whole(), &[&most, &keep])
            .await?;
        Ok(match reply.word.as_str() {
            "swept" => Swept::Step {
                expired: reply.take(0)?,
                forgotten: reply.take(1)?,
                more: reply.take(2)?,
            },
            "re-anchored" => Swept::ReAnchored(reply.take(0)?),
            _ => return Err(reply.unknown()),
        })
    }
}
