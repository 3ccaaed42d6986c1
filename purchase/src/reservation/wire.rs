//! What comes in and goes out as JSON.
//!
//! Bodies are read field by field rather than into a struct, so that a refusal names the field.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
};
use http::{HeaderMap, header};
use lua::sale::Reservation;
use problem::Members;
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

/// The members of a JSON object that came as a body.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body: JSON by its own word, bounded, an object of members that are all `known`.
    pub(crate) async fn read(request: Request, known: &[&str]) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            return Err(Refusal::UnsupportedType);
        }
        Self::parse(body, known).await
    }

    async fn parse(body: Body, known: &[&str]) -> Result<Self, Refusal> {
        let bytes = to_bytes(body, LARGEST).await.map_err(|error| {
            let source = std::error::Error::source(&error);
            if source.is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>) {
                Refusal::TooLarge
            } else {
                invalid("body", "broke off before its end")
            }
        })?;
        let Members(members) = Members::parse(&bytes, known).map_err(Refusal::Body)?;
        Ok(Self(members))
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
            .and_then(whole)
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

/// JSON knows no whole numbers: `2.0` is the number that `2` is, and some clients write it so.
fn whole(value: &Value) -> Option<u32> {
    let written_whole = value.as_u64().and_then(|number| u32::try_from(number).ok());
    written_whole.or_else(|| {
        let number = value.as_f64()?;
        let fits = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above"
        )]
        fits.then_some(number as u32)
    })
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
