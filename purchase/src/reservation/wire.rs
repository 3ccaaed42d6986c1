//! What comes in and goes out as JSON, and what the OpenAPI document says of it.

use lua::sale::Reservation;
use serde::Serialize;
use utoipa::ToSchema;

use super::order_id;
use crate::ledger::OrderRow;

/// What to reserve.
#[derive(Debug, ToSchema)]
pub struct ReserveRequest {
    /// Of what.
    #[schema(example = "demo-unit", pattern = "^[A-Za-z0-9._-]{1,64}$")]
    pub sku: String,
    /// How many; all or none.
    #[schema(minimum = 1, maximum = 100, example = 1)]
    pub quantity: u32,
}

/// The payment a reservation is confirmed with.
#[derive(Debug, ToSchema)]
pub struct ConfirmRequest {
    /// The payment service's name for it; visible ASCII without spaces.
    #[schema(example = "pay-4711", pattern = "^[!-~]{1,128}$")]
    pub payment_ref: String,
}

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Kept for its person until `expires_at`.
    Held,
    /// Sold, and safe on the stock store's disk; the ledger will have it.
    Confirming,
    /// An order.
    Confirmed,
    /// Given back.
    Cancelled,
    /// Its time ran out, and it went back.
    Expired,
    /// An order that was taken back.
    Refunded,
}

/// A reservation.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReservationBody {
    /// Its id.
    #[schema(
        pattern = "^r\\.[a-z0-9-]{1,32}\\.[0-9a-f]{32}$",
        example = "r.demo.019ab0c24e5d7f7b8a3c5d6e7f809102"
    )]
    pub id: String,
    /// Of what.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$", example = "demo-unit")]
    pub sku: String,
    /// How many.
    #[schema(minimum = 1, maximum = 100)]
    pub quantity: usize,
    /// Which units, each with a number of its own.
    #[schema(min_items = 1, max_items = 100)]
    pub units: Vec<u32>,
    /// Where it stands.
    pub state: Stage,
    /// When the hold ends or ended, Unix ms. Time in which the sale is closed does not count, so
    /// asking again may tell a later one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    pub expires_at: Option<u64>,
    /// The order it became, as soon as the ledger has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = OrderBody, required = false)]
    pub order: Option<OrderBody>,
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderBody {
    /// Its id: the reservation's with `o` for `r`.
    #[schema(
        pattern = "^o\\.[a-z0-9-]{1,32}\\.[0-9a-f]{32}$",
        example = "o.demo.019ab0c24e5d7f7b8a3c5d6e7f809102"
    )]
    pub id: String,
    /// The reservation it was.
    #[schema(
        pattern = "^r\\.[a-z0-9-]{1,32}\\.[0-9a-f]{32}$",
        example = "r.demo.019ab0c24e5d7f7b8a3c5d6e7f809102"
    )]
    pub reservation: String,
    /// Of what.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$", example = "demo-unit")]
    pub sku: String,
    /// How many.
    #[schema(minimum = 1, maximum = 100)]
    pub quantity: usize,
    /// Which units.
    #[schema(min_items = 1, max_items = 100)]
    pub units: Vec<u32>,
    /// The payment it was confirmed with.
    #[schema(pattern = "^[!-~]{1,128}$", example = "pay-4711")]
    pub payment_ref: String,
    /// When, Unix ms.
    pub confirmed_at: u64,
    /// When it was taken back, Unix ms; missing until the ledger has that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    pub refunded_at: Option<u64>,
}

/// What a confirm is answered with.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfirmAnswer {
    /// The order.
    pub order: OrderBody,
}

/// An order and where it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderAnswer {
    /// Confirming, confirmed or refunded.
    pub state: Stage,
    /// The order.
    pub order: OrderBody,
}

/// Confirmed and safe on the stock store's disk; the ledger will have it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Confirming {
    /// Always `confirming`.
    pub state: Stage,
    /// The reservation; ask for it again.
    #[schema(
        pattern = "^r\\.[a-z0-9-]{1,32}\\.[0-9a-f]{32}$",
        example = "r.demo.019ab0c24e5d7f7b8a3c5d6e7f809102"
    )]
    pub reservation: String,
}

impl OrderBody {
    pub(crate) fn from_record(id: &str, record: &Reservation) -> Self {
        Self {
            id: order_id(id),
            reservation: id.to_owned(),
            sku: record.sku.to_string(),
            quantity: record.units.len(),
            units: record.units.clone(),
            payment_ref: record.payment_ref.clone().unwrap_or_default(),
            confirmed_at: record.confirmed_at.unwrap_or_default(),
            refunded_at: None,
        }
    }

    pub(crate) fn from_row(row: OrderRow) -> Self {
        Self {
            id: row.id,
            reservation: row.reservation,
            sku: row.sku.to_string(),
            quantity: row.units.len(),
            units: row.units,
            payment_ref: row.payment_ref,
            confirmed_at: row.confirmed_at,
            refunded_at: row.refunded_at,
        }
    }
}
