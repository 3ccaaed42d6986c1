//! The ledger's tables against the truth.

use std::collections::BTreeSet;

use lua::sale::State;

use super::{
    super::{
        books::{Books, takes},
        difference::{Difference, Kind},
    },
    Reconciled,
};
use crate::{
    ledger::{Columns, Mend, Tables},
    reservation::order_id,
};

/// The tables' rows are what the truth makes them.
pub(super) fn columns(tables: &Tables, books: &Books, result: &mut Reconciled) {
    let shown = |row: Option<&Columns>| row.map_or_else(|| "none".to_owned(), |row| row.join(" "));
    for (id, booked) in &books.reservations {
        let order = order_id(id);
        let rows = Mend::rows(id, booked);
        let hold = tables.holds.get(id);
        let mut wrong = Vec::new();
        if hold != Some(&rows.hold) {
            wrong.push((Kind::Ledger, shown(hold), shown(Some(&rows.hold))));
        }
        let is = tables.orders.get(&order);
        if is != rows.order.as_ref() {
            let missing = is.is_none() && booked.record.state == State::Sold;
            let kind = if missing {
                Kind::MissingOrder
            } else {
                Kind::Ledger
            };
            wrong.push((kind, shown(is), shown(rows.order.as_ref())));
        }
        let is = tables.units.get(&order).map_or(&[][..], Vec::as_slice);
        if is != rows.units {
            let shown = |rows: &[Columns]| {
                let rows: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
                rows.join("; ")
            };
            wrong.push((Kind::Ledger, shown(is), shown(&rows.units)));
        }
        if !wrong.is_empty() {
            result.mend.reservations.push((id.clone(), booked.clone()));
        }
        for (kind, is, should) in wrong {
            let found = Difference::new(kind, is, should).of(id, &booked.record);
            result.differences.push(found);
        }
    }
    let orders: BTreeSet<String> = books
        .reservations
        .iter()
        .filter(|(_, booked)| takes(booked.record.state) || booked.record.state == State::Refunded)
        .map(|(id, _)| order_id(id))
        .collect();
    for (order, rows) in tables
        .units
        .iter()
        .filter(|(order, _)| !orders.contains(*order))
    {
        let units: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
        let mut found = Difference::new(Kind::Ledger, units.join("; "), "no such order");
        found.order = Some(order.clone());
        result.differences.push(found);
        result.mend.drop_units.push(order.clone());
    }
}
