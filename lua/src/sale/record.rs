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
    /// The word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Sold => "sold",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
        }
    }

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
    /// When the hold ends or ended, ms on the open clock.
    pub deadline: i64,
    /// The payment it was confirmed with.
    pub payment_ref: Option<String>,
    /// When it was confirmed, ms.
    pub confirmed_at: Option<u64>,
    /// The event of its last transition: the ledger has the transition once it has this one.
    pub event: EventId,
    /// When that was, ms; none of a hold.
    pub settled_at: Option<u64>,
}

impl Reservation {
    /// The eleven words of `lua/sale/record.lua`.
    pub fn pack(&self) -> String {
        let or_dash = |word: Option<String>| word.unwrap_or_else(|| "-".to_owned());
        format!(
            "{} {} {} {} {} {} {} {} {} {} {}",
            self.state.word(),
            self.person,
            self.sku,
            self.quantity,
            list(&self.units),
            list(&self.slots),
            self.deadline,
            or_dash(
                self.payment_ref
                    .as_ref()
                    .map(|payment| format!("={payment}"))
            ),
            or_dash(self.confirmed_at.map(|at| at.to_string())),
            self.event,
            or_dash(self.settled_at.map(|at| at.to_string())),
        )
    }

    /// Reads the eleven words of `lua/sale/record.lua`; none for anything else.
    pub fn unpack(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let [
            state,
            person,
            sku,
            quantity,
            units,
            slots,
            deadline,
            payment,
            confirmed_at,
            event,
            settled_at,
        ] = words[..]
        else {
            return None;
        };
        let (quantity, units, slots) = (quantity.parse().ok()?, numbers(units)?, numbers(slots)?);
        if units.len() != quantity as usize || slots.len() != units.len() {
            return None;
        }
        Some(Self {
            state: State::parse(state)?,
            person: person.parse().ok()?,
            sku: sku.parse().ok()?,
            quantity,
            units,
            slots,
            deadline: deadline.parse().ok()?,
            payment_ref: optional(payment, |word| word.strip_prefix('=').map(str::to_owned))
                .ok()?,
            confirmed_at: optional(confirmed_at, |word| word.parse().ok()).ok()?,
            event: event.parse().ok()?,
            settled_at: optional(settled_at, |word| word.parse().ok()).ok()?,
        })
    }
}

/// A word that is `-` where it does not apply; an error if it is neither that nor of its shape.
fn optional<T>(word: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, ()> {
    match word {
        "-" => Ok(None),
        word => read(word).map(Some).ok_or(()),
    }
}

/// `1,3` from numbers.
pub(crate) fn list(numbers: &[u32]) -> String {
    let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    words.join(",")
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
        assert_eq!(Reservation::unpack(good).unwrap().pack(), good);
        for bad in [
            "",
            "held",
            &good.replace("sold", "sould"),
            &format!("{good} x"),
            &good.replace("1,7", "1,x"),
            &good.replace("1,7", "1"),
            &good.replace("=pay-1", "pay-1"),
            &good.replace(" 2 ", " two "),
        ] {
            assert_eq!(Reservation::unpack(bad), None, "{bad}");
        }
    }
}
