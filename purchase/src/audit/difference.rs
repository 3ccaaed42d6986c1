//! One difference between what should be and what is, and what can be done about it.

use std::fmt;

use lua::sale::{Reservation, State};
use serde::Serialize;

use crate::reservation::order_id;

/// What kind of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One side has an order that the other has not.
    MissingOrder,
    /// The ledger has a hold that the stock store has not.
    MissingHold,
    /// The stock store has a hold that the ledger has not, or one without a deadline, a deadline
    /// without a hold, or a hold whose time is over and that nobody gave back.
    LeakedHold,
    /// Both have it and tell other things of it.
    WrongRecord,
    /// A record that is none.
    OtherShape,
    /// A person has slots that no reservation explains, or lacks some.
    BuyerSlots,
    /// A figure is not what the reservations add up to.
    WrongCount,
    /// A limit per person is not the one that was set.
    WrongLimit,
    /// A unit is free and taken, taken twice, neither, or was never allotted.
    StrayUnit,
    /// The list of what ended is not what ended.
    Ended,
    /// The answer remembered for an idempotency key is not the one given.
    Idempotency,
    /// The time closed is not what the events say, so holds end at another time.
    Clock,
    /// A key of the sale, or the marker of one, is missing.
    LostKey,
    /// The sale is closed and waits for its repair.
    Broken,
    /// The stream has an event that the ledger has not.
    UnrecordedEvent,
    /// An event was set aside.
    DeadLetter,
    /// The ledger's tables are not what its events add up to.
    Ledger,
    /// An order that cannot stand beside the others.
    Contradiction,
}

/// The words of the JSON, which an operator looks up in the documentation.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// It has one right answer: a repair settles it.
    Repair,
    /// Somebody paid for what cannot be kept: the payment has to go back.
    Refund,
    /// A person has to look.
    Look,
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What kind.
    pub kind: Kind,
    /// Of which sku.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Which reservation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation: Option<String>,
    /// The order it is or would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// Whose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Which unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<u32>,
    /// Its payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_ref: Option<String>,
    /// What the ledger says.
    pub ledger: String,
    /// What the stock store says.
    pub stock: String,
    /// What can be done.
    pub remedy: Remedy,
}

impl Difference {
    /// A difference that a repair settles.
    pub fn new(kind: Kind, ledger: impl Into<String>, stock: impl Into<String>) -> Self {
        Self {
            kind,
            sku: None,
            reservation: None,
            order: None,
            person: None,
            unit: None,
            payment_ref: None,
            ledger: ledger.into(),
            stock: stock.into(),
            remedy: Remedy::Repair,
        }
    }

    /// Of this sku.
    #[must_use]
    pub fn sku(mut self, sku: impl Into<String>) -> Self {
        self.sku = Some(sku.into());
        self
    }

    /// Of this unit.
    #[must_use]
    pub fn unit(mut self, unit: u32) -> Self {
        self.unit = Some(unit);
        self
    }

    /// Of this person.
    #[must_use]
    pub fn person(mut self, person: impl Into<String>) -> Self {
        self.person = Some(person.into());
        self
    }

    /// Of this reservation.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.reservation = Some(id.to_owned());
        self
    }

    /// Of this reservation, with what its record says.
    #[must_use]
    pub fn of(mut self, id: &str, record: &Reservation) -> Self {
        self = self
            .id(id)
            .sku(record.sku.clone())
            .person(record.person.clone());
        if matches!(record.state, State::Sold | State::Refunded) {
            self.order = Some(order_id(id));
            self.payment_ref.clone_from(&record.payment_ref);
        }
        self
    }

    /// With another remedy.
    #[must_use]
    pub fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedy = remedy;
        self
    }
}
