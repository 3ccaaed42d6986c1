//! Confirm: a hold becomes a sale in the stock store, and is answered 200 once the ledger has it.
//!
//! While the ledger is away the answer is 202: the sale is on the stock store's disk, the recorder
//! writes it as soon as it can, and `GET` shows it then. Repeating the request with the same payment
//! reference is safe at any time and waits for the same event.

use std::time::Instant;

use ::entry_pass::PersonId;
use axum::{
    Json,
    extract::{Path, Request, State, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use lua::sale::Confirmed;

use super::{ConfirmAnswer, Confirming, Fields, OrderBody, Stage, order_id, sale_of_reservation};
use crate::{
    Purchase,
    config::{Acknowledge, ConfirmBy},
    entry_pass::Bearer,
    refusal::Refusal,
};

/// Turns a hold into an order: the person, where the sale lets visitors do so; else the shop's
/// payment service, on the operator listener.
///
/// Repeat it with the same `payment_ref` until it is answered: it is idempotent by the reservation
/// and its payment, without a key. On the operator listener any reservation can be confirmed, with
/// the operator token and no pass.
#[utoipa::path(
    post, path = "/v1/reservations/{id}/confirm", tags = ["visitor", "operator"],
    operation_id = "confirm",
    request_body = super::ConfirmRequest,
    params(("id" = String, Path, description = "The reservation",
        pattern = "^r\\.[a-z0-9-]{1,32}\\.[0-9a-f]{32}$", example = "r.demo.019ab0c24e5d7f7b8a3c5d6e7f809102")),
    responses(
        (status = 200, description = "The ledger has it", body = ConfirmAnswer),
        (status = 202, description = "Safe, and recorded as soon as the ledger is back", body = Confirming),
        (status = 400, description = "invalid"),
        (status = 401, description = "no-pass; on the operator listener unauthorized"),
        (status = 403, description = "forbidden: only the shop's payment service confirms"),
        (status = 404, description = "not-found: none, or somebody else's"),
        (status = 409, description = "cancelled, confirmed, other-payment, wrong-state"),
        (status = 410, description = "expired, hold-lost"),
        (status = 413, description = "too-large"),
        (status = 415, description = "unsupported-type"),
        (status = 503, description = "restarting, store-away, busy"),
    ),
    security(("entryPass" = []), ("entryPassBearer" = []), ("operatorToken" = [])),
)]
pub async fn confirm(
    State(purchase): State<Purchase>,
    bearer: Bearer,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    let desk = purchase
        .desk(sale_of_reservation(&id))
        .ok_or(Refusal::NotFound)?;
    if desk.config.confirm_by == ConfirmBy::Shop {
        return Err(Refusal::ShopConfirms);
    }
    confirm_for(&purchase, &id, Some(&bearer.0.sub), request).await
}

/// Confirms any reservation: the shop's payment service, on the operator listener.
pub async fn confirm_by_shop(
    State(purchase): State<Purchase>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    confirm_for(&purchase, &id, None, request).await
}

async fn confirm_for(
    purchase: &Purchase,
    id: &str,
    person: Option<&PersonId>,
    request: Request,
) -> Result<Response, Refusal> {
    let desk = purchase
        .desk(sale_of_reservation(id))
        .ok_or(Refusal::NotFound)?;
    let fields = Fields::read(request, &["payment_ref"]).await?;
    let payment_ref = fields.payment_ref()?;
    let started = Instant::now();
    let record = match desk.stock.confirm(id, person, payment_ref).await? {
        Confirmed::Sold(record) => record,
        Confirmed::OtherPayment => return Err(Refusal::OtherPayment),
        Confirmed::Expired => return Err(Refusal::Expired),
        Confirmed::Cancelled => return Err(Refusal::Cancelled),
        Confirmed::Refunded => return Err(Refusal::Refunded),
        Confirmed::NotFound => match purchase.absent(id, person).await {
            gone @ Refusal::Confirmed => return again(purchase, id, payment_ref, gone).await,
            other => return Err(other),
        },
    };
    let recorded = desk.config.acknowledge == Acknowledge::Stock
        || desk
            .acknowledge
            .wait(record.event, purchase.config().confirm_wait)
            .await;
    let outcome = if recorded { "confirmed" } else { "confirming" };
    metrics::counter!("vestibule_confirms_total", "outcome" => outcome).increment(1);
    metrics::histogram!("vestibule_confirm_seconds").record(started.elapsed());
    if recorded {
        return Ok(Json(ConfirmAnswer {
            order: OrderBody::from_record(id, &record),
        })
        .into_response());
    }
    let body = Json(Confirming {
        state: Stage::Confirming,
        reservation: id.to_owned(),
    });
    let soon = [(header::RETRY_AFTER, HeaderValue::from_static("1"))];
    Ok((StatusCode::ACCEPTED, soon, body).into_response())
}

/// The same again, of an order that only the ledger has.
async fn again(
    purchase: &Purchase,
    id: &str,
    payment_ref: &str,
    otherwise: Refusal,
) -> Result<Response, Refusal> {
    match purchase.ledger().order(&order_id(id)).await? {
        Some(row) if row.payment_ref == payment_ref => Ok(Json(ConfirmAnswer {
            order: OrderBody::from_row(row),
        })
        .into_response()),
        Some(_) => Err(Refusal::OtherPayment),
        None => Err(otherwise),
    }
}
