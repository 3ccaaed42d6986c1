//! What the rows of a reservation should be, to be compared with what they are.

use lua::sale::State;

use super::{
    super::{Columns, list},
    Mend,
};
use crate::audit::Booked;

/// The rows of one reservation, as text, in the order in which a whole ledger is read.
#[derive(Debug, Default)]
pub struct Rows {
    /// In `holds`.
    pub hold: Columns,
    /// In `orders`, if it is or was one.
    pub order: Option<Columns>,
    /// In `order_units`.
    pub units: Vec<Columns>,
}

fn or_dash(number: Option<u64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

impl Mend {
    /// What the rows of a reservation should be.
    pub fn rows(id: &str, booked: &Booked) -> Rows {
        let record = &booked.record;
        let state = match record.state {
            State::Sold => "confirmed",
            other => other.word(),
        };
        let refunded_at = or_dash(
            record
                .settled_at
                .filter(|_| record.state == State::Refunded),
        );
        let (sku, person) = (record.sku.to_string(), record.person.to_string());
        let (units, slots) = (list(&record.units), list(&record.slots));
        let quantity = record.quantity.to_string();
        let hold = vec![
            sku.clone(),
            quantity.clone(),
            person.clone(),
            units.clone(),
            slots.clone(),
            booked.reserved_at.to_string(),
            booked.expires_at.to_string(),
            booked.key.clone(),
            booked.body.clone(),
            booked.answer.clone(),
            state.to_owned(),
            or_dash(record.settled_at),
        ];
        if !matches!(record.state, State::Sold | State::Refunded) {
            return Rows {
                hold,
                ..Rows::default()
            };
        }
        let mut rows: Vec<Columns> = record
            .units
            .iter()
            .zip(&record.slots)
            .map(|(unit, slot)| {
                vec![
                    sku.clone(),
                    unit.to_string(),
                    person.clone(),
                    slot.to_string(),
                    refunded_at.clone(),
                ]
            })
            .collect();
        rows.sort();
        let order = vec![
            id.to_owned(),
            sku,
            quantity,
            person,
            units,
            slots,
            record.payment_ref.clone().unwrap_or_default(),
            or_dash(record.confirmed_at),
            refunded_at,
        ];
        Rows {
            hold,
            order: Some(order),
            units: rows,
        }
    }
}
