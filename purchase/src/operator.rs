//! The operator's routes: supply, counts, refund; and the shop's payment service: confirm, cancel.
//!
//! They are served on the operator listener, whose layer asks for the bearer token. What is supplied
//! and what is refunded is in the ledger before it is answered.

use std::collections::BTreeMap;

use ::entry_pass::{IdError, RoomId, SaleId, Sku};
use axum::{
    Json, Router,
    extract::{Path, Request, State, rejection::PathRejection},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use http::{HeaderValue, StatusCode, header};
use lua::sale::{MOST_UNITS, Refunded, SetSupply, Supplied};
use serde::Serialize;
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
    #[schema(minimum = 0, maximum = 100_000_000, example = 200)]
    pub supplied: u32,
    /// Most per person; the sale's own limit if it is missing.
    #[schema(value_type = u32, required = false, minimum = 1, maximum = 100, example = 1)]
    pub limit_per_person: Option<u32>,
}

/// An sku's figures: `available + held + sold = supplied`.
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
    #[schema(minimum = 1, maximum = 100)]
    pub limit_per_person: u32,
}

/// A sale: its counts, and the times it promises.
#[derive(Debug, Serialize, ToSchema)]
pub struct SaleBody {
    /// Its name.
    #[schema(value_type = String, pattern = "^[a-z0-9-]{1,32}$", example = "demo")]
    pub sale: SaleId,
    /// The room it is offered through.
    #[schema(value_type = String, pattern = "^[a-z0-9-]{1,32}$", example = "demo")]
    pub room: RoomId,
    /// False while store and ledger are being compared; the counts are then the last known ones.
    pub open: bool,
    /// When the counts were so, Unix ms of the store's clock.
    pub as_of: u64,
    /// How long a reservation is held for its payment, in whole seconds.
    pub hold_ttl_s: u64,
    /// How long an idempotency key is remembered after the answer, in whole seconds.
    pub idempotency_ttl_s: u64,
    /// Each sku's figures, by its name.
    pub skus: BTreeMap<String, SkuFigures>,
}

/// Seeds or changes what is supplied of an sku. In the ledger before it is answered.
#[utoipa::path(
    put, path = "/v1/sales/{sale}/skus/{sku}", tag = "operator", operation_id = "setSupply",
    request_body = SupplyRequest,
    params(
        ("sale" = String, Path, description = "The sale", pattern = "^[a-z0-9-]{1,32}$", example = "demo"),
        ("sku" = String, Path, description = "What is sold", pattern = "^[A-Za-z0-9._-]{1,64}$", example = "demo-unit"),
    ),
    responses(
        (status = 200, description = "So it is, and the ledger has it", body = SkuFigures),
        (status = 400, description = "invalid: also an sku that belongs to another sale"),
        (status = 401, description = "unauthorized"),
        (status = 404, description = "unknown-sale"),
        (status = 409, description = "below-committed"),
        (status = 413, description = "too-large"),
        (status = 415, description = "unsupported-type"),
        (status = 503, description = "restarting, store-away"),
    ),
    security(("operatorToken" = [])),
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
    let fields = Fields::read(request, &["supplied", "limit_per_person"]).await?;
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

/// Counts of a sale, and the times it promises.
#[utoipa::path(
    get, path = "/v1/sales/{sale}", tag = "operator", operation_id = "readSale",
    params(("sale" = String, Path, description = "The sale", pattern = "^[a-z0-9-]{1,32}$", example = "demo")),
    responses(
        (status = 200, description = "The sale", body = SaleBody),
        (status = 401, description = "unauthorized"),
        (status = 404, description = "unknown-sale"),
        (status = 503, description = "store-away"),
    ),
    security(("operatorToken" = [])),
)]
pub async fn read_sale(
    State(purchase): State<Purchase>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let Path(sale) = path.map_err(|_| Refusal::NotFound)?;
    let sale: Option<SaleId> = sale.parse().ok();
    let desk = purchase.desk(sale).ok_or(Refusal::UnknownSale)?;
    let counts = desk.stock.counts().await?;
    let figures = counts.skus.into_iter().map(|sku| {
        let figures = SkuFigures {
            supplied: sku.supplied,
            available: sku.available,
            held: sku.held,
            sold: sku.sold,
            limit_per_person: sku.limit,
        };
        (sku.sku.to_string(), figures)
    });
    Ok(Json(SaleBody {
        sale: desk.stock.id().clone(),
        room: desk.config.room.clone(),
        open: counts.open,
        as_of: counts.as_of_ms,
        hold_ttl_s: desk.config.hold_ttl.as_secs(),
        idempotency_ttl_s: desk.config.idempotency_ttl.as_secs(),
        skus: figures.collect(),
    })
    .into_response())
}

/// Takes an order back; its units can be sold again.
#[utoipa::path(
    post, path = "/v1/orders/{id}/refund", tag = "operator", operation_id = "refund",
    params(("id" = String, Path, description = "The order",
        pattern = "^o\\.[a-z0-9-]{1,32}\\.[0-9a-f]{32}$", example = "o.demo.019ab0c24e5d7f7b8a3c5d6e7f809102")),
    responses(
        (status = 200, description = "Refunded, now or before, and the ledger has it", body = reservation::OrderAnswer),
        (status = 202, description = "Refunded, and recorded as soon as the ledger is back", body = reservation::OrderAnswer),
        (status = 401, description = "unauthorized"),
        (status = 404, description = "not-found"),
        (status = 409, description = "wrong-state: never sold"),
        (status = 503, description = "restarting, store-away"),
    ),
    security(("operatorToken" = [])),
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
            state: reservation::Stage::Refunded,
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
