//! Reservations over HTTP: reserve, confirm, cancel, read.
//!
//! A reservation's id names its sale, so that any service finds it without asking; its order's id
//! is the same with another letter. Nobody learns whether somebody else's id exists.

use ::entry_pass::SaleId;

pub mod confirm;
mod fields;
pub mod own;
pub mod reserve;
mod wire;

pub use confirm::{confirm, confirm_by_shop};
pub use own::{cancel, cancel_by_shop, read, read_order};
pub(crate) use reserve::answer as answer_reserve;
pub use reserve::reserve;
pub use wire::{
    ConfirmAnswer, ConfirmRequest, Confirming, OrderAnswer, OrderBody, ReservationBody,
    ReserveRequest, Stage,
};

pub(crate) use fields::Fields;

/// Letters of the two kinds of id.
const RESERVATION: &str = "r";
const ORDER: &str = "o";

/// A new reservation's id: `r.{sale}.{32 hex digits}`, in the order of time by the ms.
///
/// Its random part is from this thread's generator: asking the kernel for each costs a microsecond.
fn new_id(sale: &SaleId, now_ms: u64) -> String {
    let uuid = uuid::Builder::from_unix_timestamp_millis(now_ms, &rand::random()).into_uuid();
    format!("{RESERVATION}.{sale}.{}", uuid.simple())
}

/// When an id was made, ms, by the clock of the service that made it; none if it is none of ours.
pub(crate) fn made_at(id: &str) -> Option<u64> {
    let (_, random) = id.rsplit_once('.')?;
    let (seconds, nanos) = uuid::Uuid::try_parse(random)
        .ok()?
        .get_timestamp()?
        .to_unix();
    Some(seconds * 1_000 + u64::from(nanos) / 1_000_000)
}

/// The id of the order a reservation becomes.
pub(crate) fn order_id(reservation: &str) -> String {
    format!(
        "{ORDER}{}",
        reservation.strip_prefix(RESERVATION).unwrap_or(reservation)
    )
}

/// The reservation an order was.
pub(crate) fn reservation_id(order: &str) -> String {
    format!(
        "{RESERVATION}{}",
        order.strip_prefix(ORDER).unwrap_or(order)
    )
}

/// The sale an id names, if it is well formed.
fn sale_of(id: &str, letter: &str) -> Option<SaleId> {
    let rest = id.strip_prefix(letter)?.strip_prefix('.')?;
    let (sale, random) = rest.split_once('.')?;
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if random.len() != 32 || !random.bytes().all(hex) {
        return None;
    }
    sale.parse().ok()
}

/// The sale a reservation's id names.
pub(crate) fn sale_of_reservation(id: &str) -> Option<SaleId> {
    sale_of(id, RESERVATION)
}

/// The sale an order's id names.
pub(crate) fn sale_of_order(id: &str) -> Option<SaleId> {
    sale_of(id, ORDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_sale_and_its_order_and_nothing_else_does() {
        let sale: SaleId = "demo-1".parse().unwrap();
        let id = new_id(&sale, 1_700_000_000_000);
        assert_eq!(sale_of_reservation(&id), Some(sale.clone()));
        assert_eq!(sale_of_order(&order_id(&id)), Some(sale));
        assert_eq!(reservation_id(&order_id(&id)), id);
        assert_eq!(sale_of_order(&id), None);
        for bad in [
            "",
            "r",
            "r.",
            "r.demo",
            "r.demo.",
            "r.demo.12",
            "r.DEMO.",
            "r demo",
            &format!("{id}0"),
            &id.replace('.', "}"),
            &id.to_uppercase(),
        ] {
            assert_eq!(sale_of_reservation(bad), None, "{bad}");
        }
    }
}
