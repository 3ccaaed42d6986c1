//! A reservation as the stock store keeps it.

use entry_pass::{PersonId, Sku};

use super::EventId;

/// What has become of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Reserved and not yet confirmed.
    Held,
    /// Confirmed; an order as soon as the ledger has it.
    Sold,
    /// Given back by wish.
    Cancelled,
    /// Given back by time.
    Expired,
    /// Was sold and taken back.
    Refunded,
}

impl State {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "held" => Self::Held,
            "sold" => Self::Sold,
            "cancelled" => Self::Cancelled,
            "expired" => Self::Expired,
            "refunded" => Self::Refunded,
            _ => return None,
        })
    }
}

/// The record of one reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// What has become of it.
    pub state: State,
    /// Whose it is.
    pub person: PersonId,
    /// What was reserved.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
    /// Which units; as many as `quantity`.
    pub units: Vec<u32>,
    /// Which of the person's slots they take.
    pub slots: Vec<u32>,
    /// The payment it was confirmed with.
    pub payment_ref: Option<String>,
    /// When it was confirmed, ms.
    pub confirmed_at: Option<u64>,
    /// The event of its last transition: the ledger has the transition once it has this one.
    pub event: EventId,
}

impl Reservation {
    /// Reads the eleven words of `lua/sale/record.lua`.
    pub(crate) fn unpack(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let [
            state,
            person,
            sku,
            quantity,
            units,
            slots,
            _,
            payment,
            confirmed_at,
            event,
            _,
        ] = words[..]
        else {
            return None;
        };
        Some(Self {
            state: State::parse(state)?,
            person: person.parse().ok()?,
            sku: sku.parse().ok()?,
            quantity: quantity.parse().ok()?,
            units: numbers(units)?,
            slots: numbers(slots)?,
            payment_ref: payment.strip_prefix('=').map(str::to_owned),
            confirmed_at: confirmed_at.parse().ok(),
            event: event.parse().ok()?,
        })
    }
}

/// `1,3` as numbers.
pub(crate) fn numbers(list: &str) -> Option<Vec<u32>> {
    list.split(',').map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_another_shape_is_refused_and_never_guessed() {
        let good = "sold p demo-unit 2 1,7 1,2 1700000000000 =pay-1 1700000000001 5-0 -";
        let record = Reservation::unpack(good).unwrap();
        assert_eq!(
            (record.units, record.payment_ref.as_deref()),
            (vec![1, 7], Some("pay-1"))
        );
        for bad in [
            "",
            "held",
            &good.replace("sold", "sould"),
            &format!("{good} x"),
            &good.replace("1,7", "1,x"),
        ] {
            assert_eq!(Reservation::unpack(bad), None, "{bad}");
        }
    }
}
