//! The operator's routes: supply, counts, refund; and the shop's payment service: confirm, cancel.
//!
//! They are served on the operator listener, whose layer asks for the bearer token. What is supplied
//! and what is refunded is in the ledger before it is answered.

use ::entry_pass::{IdError, SaleId, Sku};
use axum::{
    Json, Router,
    extract::{Path, Request, State, rejection::PathRejection},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use http::{HeaderValue, StatusCode, header};
use lua::sale::{MOST_UNITS, Refunded, SetSupply, Supplied};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{
    Purchase,
    refusal::Refusal,
    rescue::Rescue,
    reservation::{self, Fields, OrderBody, reservation_id, sale_of_order},
};

/// Most units of one sku.
const MOST_SUPPLIED: u32 = 100_000_000;

/// The operator's routes, to be merged into the operator listener behind its token.
pub fn router(purchase: &Purchase) -> Router {
    Router::new()
        .route("/v1/sales/{sale}", get(read_sale))
        .route("/v1/sales/{sale}/skus/{sku}", put(set_supply))
        .route("/v1/orders/{id}/refund", post(refund))
        .route(
            "/v1/reservations/{id}/confirm",
            post(reservation::confirm_by_shop),
        )
        .route(
            "/v1/reservations/{id}/cancel",
            post(reservation::cancel_by_shop),
        )
        .with_state(purchase.clone())
        .layer(Rescue)
}

/// What is supplied of an sku.
#[derive(Debug, ToSchema)]
pub struct SupplyRequest {
    /// Units in all, sold ones included.
    pub supplied: u32,
    /// Most per person; the sale's own limit if it is missing.
    pub limit_per_person: Option<u32>,
}

/// An sku's figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct SkuFigures {
    /// Units in all.
    pub supplied: u64,
    /// Can be reserved now.
    pub available: u64,
    /// Reserved and not confirmed.
    pub held: u64,
    /// Confirmed.
    pub sold: u64,
    /// Most per person.
    pub limit_per_person: u32,
}

/// Seeds or changes what is supplied of an sku.
#[utoipa::path(
    put, path = "/v1/sales/{sale}/skus/{sku}", tag = "operator",
    request_body = SupplyRequest,
    params(("sale" = String, Path), ("sku" = String, Path)),
    responses(
        (status = 200, description = "So it is, and the ledger has it", body = SkuFigures),
        (status = 400, description = "invalid"),
        (status = 401, description = "unauthorized"),
        (status = 404, description = "unknown-sale"),
        (status = 409, description = "below-committed (with committed)"),
        (status = 503, description = "restarting, store-away; with Retry-After"),
    ),
)]
pub async fn set_supply(
    State(purchase): State<Purchase>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let Path((sale, sku)) = path.map_err(|_| Refusal::NotFound)?;
    let desk = purchase
        .desk(sale.parse().ok())
        .ok_or(Refusal::UnknownSale)?;
    let sku: Sku = sku.parse().map_err(|error: IdError| Refusal::Invalid {
        field: "sku",
        must: format!("must be {}", error.form),
    })?;
    if purchase
        .desk_of_sku(&sku)
        .is_some_and(|other| other.stock.id() != desk.stock.id())
    {
        let must = "belongs to another sale".to_owned();
        return Err(Refusal::Invalid { field: "sku", must });
    }
    let fields = Fields::read(request).await?;
    let supplied = fields.number("supplied", 0..=MOST_SUPPLIED)?;
    let limit = if fields.has("limit_per_person") {
        fields.number("limit_per_person", 1..=MOST_UNITS)?
    } else {
        desk.config.limit_per_person
    };
    let supply = SetSupply {
        sku: &sku,
        supplied,
        limit,
        seed: false,
    };
    match desk.stock.supply(&supply).await? {
        Supplied::Below { committed } => Err(Refusal::BelowCommitted { committed }),
        Supplied::Done {
            event,
            available,
            held,
            sold,
            ..
        } => {
            if !desk
                .acknowledge
                .wait(event, purchase.config().confirm_wait)
                .await
            {
                return Err(Refusal::LedgerAway);
            }
            let supplied = u64::from(supplied);
            let figures = SkuFigures {
                supplied,
                available,
                held,
                sold,
                limit_per_person: limit,
            };
            Ok(Json(figures).into_response())
        }
    }
}

/// Counts of a sale.
#[utoipa::path(
    get, path = "/v1/sales/{sale}", tag = "operator",
    params(("sale" = String, Path)),
    responses(
        (status = 200, description = "{sale, room, open, as_of, skus: {sku: figures}}", body = SkuFigures),
        (status = 401, description = "unauthorized"),
        (status = 404, description = "unknown-sale"),
        (status = 503, description = "store-away; with Retry-After"),
    ),
)]
pub async fn read_sale(
    State(purchase): State<Purchase>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let Path(sale) = path.map_err(|_| Refusal::NotFound)?;
    let sale: Option<SaleId> = sale.parse().ok();
    let desk = purchase.desk(sale).ok_or(Refusal::UnknownSale)?;
    let counts = desk.stock.counts().await?;
    let skus: Map<String, Value> = counts
        .skus
        .iter()
        .map(|sku| {
            let figures = json!({
                "supplied": sku.supplied, "available": sku.available, "held": sku.held,
                "sold": sku.sold, "limit_per_person": sku.limit,
            });
            (sku.sku.to_string(), figures)
        })
        .collect();
    let body = json!({
        "sale": desk.stock.id(), "room": desk.config.room, "open": counts.open,
        "as_of": counts.as_of_ms, "skus": skus,
    });
    Ok(Json(body).into_response())
}

/// Takes an order back; its units can be sold again.
#[utoipa::path(
    post, path = "/v1/orders/{id}/refund", tag = "operator",
    params(("id" = String, Path)),
    responses(
        (status = 200, description = "Refunded, now or before, and the ledger has it", body = reservation::OrderAnswer),
        (status = 202, description = "Refunded, and recorded as soon as the ledger is back"),
        (status = 401, description = "unauthorized"),
        (status = 404, description = "not-found"),
        (status = 409, description = "wrong-state: never sold"),
        (status = 503, description = "restarting, store-away; with Retry-After"),
    ),
)]
pub async fn refund(
    State(purchase): State<Purchase>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let Path(id) = path.map_err(|_| Refusal::NotFound)?;
    let desk = purchase.desk(sale_of_order(&id)).ok_or(Refusal::NotFound)?;
    let reservation = reservation_id(&id);
    let record = match desk.stock.refund(&reservation).await? {
        Refunded::Done(record) => record,
        Refunded::NotSold => return Err(Refusal::NotSold),
        Refunded::NotFound => return Err(Refusal::NotFound),
    };
    let recorded = desk
        .acknowledge
        .wait(record.event, purchase.config().confirm_wait)
        .await;
    let order = OrderBody::from_record(&reservation, &record);
    let status = if recorded {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    let mut response = (
        status,
        Json(reservation::OrderAnswer {
            state: "refunded",
            order,
        }),
    )
        .into_response();
    if !recorded {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Ok(response)
}
