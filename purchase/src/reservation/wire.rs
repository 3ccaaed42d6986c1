//! What comes in and goes out as JSON.
//!
//! Bodies are read field by field rather than into a struct, so that a refusal names the field.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
};
use http::{HeaderMap, header};
use lua::sale::Reservation;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::order_id;
use crate::{ledger::OrderRow, refusal::Refusal};

/// Largest body taken, bytes.
const LARGEST: usize = 16 * 1024;
/// Longest payment reference.
const LONGEST_REFERENCE: usize = 128;

/// What to reserve.
#[derive(Debug, ToSchema)]
pub struct ReserveRequest {
    /// Of what.
    #[schema(example = "demo-unit", min_length = 1, max_length = 64)]
    pub sku: String,
    /// How many; all or none.
    #[schema(minimum = 1, maximum = 100)]
    pub quantity: u32,
}

/// The payment a reservation is confirmed with.
#[derive(Debug, ToSchema)]
pub struct ConfirmRequest {
    /// The payment service's name for it; visible ASCII without spaces.
    #[schema(min_length = 1, max_length = 128)]
    pub payment_ref: String,
}

/// A reservation.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReservationBody {
    /// Its id.
    pub id: String,
    /// Of what.
    pub sku: String,
    /// How many.
    pub quantity: usize,
    /// Which units.
    pub units: Vec<u32>,
    /// held, confirming, confirmed, cancelled, expired or refunded.
    pub state: &'static str,
    /// When the hold ends or ended, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// The order it became, as soon as the ledger has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderBody>,
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderBody {
    /// Its id.
    pub id: String,
    /// The reservation it was.
    pub reservation: String,
    /// Of what.
    pub sku: String,
    /// How many.
    pub quantity: usize,
    /// Which units.
    pub units: Vec<u32>,
    /// The payment it was confirmed with.
    pub payment_ref: String,
    /// When, Unix ms.
    pub confirmed_at: u64,
    /// When it was taken back, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refunded_at: Option<u64>,
}

/// An order and where it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderAnswer {
    /// confirmed, or refunded.
    pub state: &'static str,
    /// The order.
    pub order: OrderBody,
}

/// Confirmed and safe on the stock store's disk; the ledger will have it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Confirming {
    /// confirming.
    pub state: &'static str,
    /// The reservation; ask for it again.
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

/// The members of a JSON object that came as a body.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body: JSON by its own word, bounded, an object.
    pub(crate) async fn read(request: Request) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        Self::parse(&Self::bytes(&parts.headers, body).await?)
    }

    /// The body's bytes, if it says it is JSON and is not too large.
    pub(crate) async fn bytes(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
        if !is_json(headers) {
            return Err(Refusal::UnsupportedType);
        }
        to_bytes(body, LARGEST).await.map_err(|error| {
            let source = std::error::Error::source(&error);
            if source.is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>) {
                Refusal::TooLarge
            } else {
                invalid("body", "broke off before its end")
            }
        })
    }

    /// The members in these bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(invalid("body", "must be a JSON object")),
            Err(error) => Err(invalid("body", &format!("is not JSON: {error}"))),
        }
    }

    /// A member that is a name of some kind.
    pub(crate) fn name<T>(&self, field: &'static str) -> Result<T, Refusal>
    where
        T: std::str::FromStr<Err = ::entry_pass::IdError>,
    {
        self.text(field)?
            .parse()
            .map_err(|error: ::entry_pass::IdError| {
                invalid(field, &format!("must be {}", error.form))
            })
    }

    /// A payment's reference.
    pub(crate) fn payment_ref(&self) -> Result<&str, Refusal> {
        let text = self.text("payment_ref")?;
        if text.is_empty()
            || text.len() > LONGEST_REFERENCE
            || !text.bytes().all(|b| b.is_ascii_graphic())
        {
            let must = format!("must be 1 to {LONGEST_REFERENCE} visible ASCII characters");
            return Err(invalid("payment_ref", &must));
        }
        Ok(text)
    }

    /// A whole number within bounds.
    pub(crate) fn number(
        &self,
        field: &'static str,
        bounds: std::ops::RangeInclusive<u32>,
    ) -> Result<u32, Refusal> {
        self.0
            .get(field)
            .and_then(Value::as_u64)
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| bounds.contains(number))
            .ok_or_else(|| {
                let must = format!(
                    "must be a whole number from {} to {}",
                    bounds.start(),
                    bounds.end()
                );
                invalid(field, &must)
            })
    }

    /// Whether a member is there.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    fn text(&self, field: &'static str) -> Result<&str, Refusal> {
        self.0
            .get(field)
            .and_then(Value::as_str)
            .ok_or_else(|| invalid(field, "is missing or not a string"))
    }
}

fn invalid(field: &'static str, must: &str) -> Refusal {
    Refusal::Invalid {
        field,
        must: must.to_owned(),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
