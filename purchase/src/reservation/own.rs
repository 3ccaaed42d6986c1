//! One's own: cancel a reservation, read it, read its order.
//!
//! The stock store knows what is held, the ledger what is an order. While the store is closed or
//! away, what the ledger has is still answered.

use ::entry_pass::PersonId;
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use lua::sale::{Cancelled, State as Stage};

use super::{
    OrderAnswer, OrderBody, ReservationBody, reservation_id, sale_of_order, sale_of_reservation,
};
use crate::{
    Purchase,
    entry_pass::Bearer,
    ledger::{HoldRow, OrderRow},
    refusal::Refusal,
};

type Id = Result<Path<String>, PathRejection>;

/// Gives one's own hold back.
#[utoipa::path(
    post, path = "/v1/reservations/{id}/cancel", tag = "visitor",
    params(("id" = String, Path, description = "The reservation")),
    responses(
        (status = 200, description = "Given back, now or before", body = ReservationBody),
        (status = 401, description = "no-pass"),
        (status = 404, description = "not-found: none, or somebody else's"),
        (status = 409, description = "confirmed, wrong-state"),
        (status = 410, description = "expired, hold-lost"),
        (status = 503, description = "restarting, store-away, busy; with Retry-After"),
    ),
)]
pub async fn cancel(
    State(purchase): State<Purchase>,
    bearer: Bearer,
    id: Id,
) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    cancel_for(&purchase, &id, Some(&bearer.0.sub)).await
}

/// Gives any hold back: the shop, on the operator listener.
pub async fn cancel_by_shop(State(purchase): State<Purchase>, id: Id) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    cancel_for(&purchase, &id, None).await
}

async fn cancel_for(
    purchase: &Purchase,
    id: &str,
    person: Option<&PersonId>,
) -> Result<Response, Refusal> {
    let desk = purchase
        .desk(sale_of_reservation(id))
        .ok_or(Refusal::NotFound)?;
    let record = match desk.stock.cancel(id, person).await? {
        Cancelled::Done(record) => record,
        Cancelled::Confirmed => return Err(Refusal::Confirmed),
        Cancelled::Expired => return Err(Refusal::Expired),
        Cancelled::Refunded => return Err(Refusal::Refunded),
        Cancelled::NotFound => return Err(purchase.absent(id, person).await),
    };
    Ok(Json(ReservationBody {
        id: id.to_owned(),
        sku: record.sku.to_string(),
        quantity: record.units.len(),
        units: record.units,
        state: "cancelled",
        expires_at: None,
        order: None,
    })
    .into_response())
}

/// Reads one's own reservation.
#[utoipa::path(
    get, path = "/v1/reservations/{id}", tag = "visitor",
    params(("id" = String, Path, description = "The reservation")),
    responses(
        (status = 200, description = "Where it stands", body = ReservationBody),
        (status = 401, description = "no-pass"),
        (status = 404, description = "not-found: none, or somebody else's"),
        (status = 410, description = "hold-lost"),
        (status = 503, description = "restarting, store-away, busy; with Retry-After"),
    ),
)]
pub async fn read(
    State(purchase): State<Purchase>,
    bearer: Bearer,
    id: Id,
) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    let desk = purchase
        .desk(sale_of_reservation(&id))
        .ok_or(Refusal::NotFound)?;
    let person = &bearer.0.sub;
    let looked = match desk.stock.look(&id).await {
        Ok(Some(looked)) => looked,
        Ok(None) => {
            let nowhere = purchase.nowhere(&id).await;
            return from_ledger(&purchase, &id, person, nowhere, true).await;
        }
        Err(error) => return from_ledger(&purchase, &id, person, error.into(), false).await,
    };
    let record = looked.reservation;
    if record.person != *person {
        return Err(Refusal::NotFound);
    }
    let order = match record.state {
        // A ledger that is away cannot have it yet, as far as anybody can say.
        Stage::Sold => purchase
            .ledger()
            .order(&super::order_id(&id))
            .await
            .ok()
            .flatten(),
        _ => None,
    };
    let state = match record.state {
        Stage::Held if looked.over => "expired",
        Stage::Held => "held",
        Stage::Sold if order.is_some() => "confirmed",
        Stage::Sold => "confirming",
        Stage::Cancelled => "cancelled",
        Stage::Expired => "expired",
        Stage::Refunded => "refunded",
    };
    Ok(Json(ReservationBody {
        id,
        sku: record.sku.to_string(),
        quantity: record.units.len(),
        units: record.units,
        state,
        expires_at: Some(looked.expires_at),
        order: order.map(OrderBody::from_row),
    })
    .into_response())
}

/// What the ledger knows of a reservation the store does not show; else `otherwise`.
/// `open`: the store is open and does not have it, so a hold that ends in the future was lost.
async fn from_ledger(
    purchase: &Purchase,
    id: &str,
    person: &PersonId,
    otherwise: Refusal,
    open: bool,
) -> Result<Response, Refusal> {
    let Ok(Some(hold)) = purchase.ledger().hold(id).await else {
        return Err(otherwise);
    };
    if hold.person != *person {
        return Err(Refusal::NotFound);
    }
    let state = match hold.state.as_str() {
        "held" if open => return Err(Refusal::HoldLost),
        "held" => return Err(otherwise),
        "confirmed" => "confirmed",
        "cancelled" => "cancelled",
        "refunded" => "refunded",
        _ => "expired",
    };
    let order = purchase
        .ledger()
        .order(&super::order_id(id))
        .await
        .ok()
        .flatten();
    let HoldRow {
        reservation,
        sku,
        units,
        expires_at,
        ..
    } = hold;
    Ok(Json(ReservationBody {
        id: reservation,
        sku: sku.to_string(),
        quantity: units.len(),
        units,
        state,
        expires_at: Some(expires_at),
        order: order.map(OrderBody::from_row),
    })
    .into_response())
}

/// Reads one's own order. It is one as soon as the ledger has it; until then it is `confirming`.
#[utoipa::path(
    get, path = "/v1/orders/{id}", tag = "visitor",
    params(("id" = String, Path, description = "The order")),
    responses(
        (status = 200, description = "The order", body = OrderAnswer),
        (status = 401, description = "no-pass"),
        (status = 404, description = "not-found: none, or somebody else's"),
        (status = 503, description = "store-away, restarting, busy; with Retry-After"),
    ),
)]
pub async fn read_order(
    State(purchase): State<Purchase>,
    bearer: Bearer,
    id: Id,
) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    let desk = purchase.desk(sale_of_order(&id)).ok_or(Refusal::NotFound)?;
    let row = purchase.ledger().order(&id).await;
    if let Ok(Some(row)) = row {
        return own_order(row, &bearer.0.sub);
    }
    let reservation = reservation_id(&id);
    match desk.stock.look(&reservation).await {
        Ok(Some(looked))
            if looked.reservation.person == bearer.0.sub
                && looked.reservation.state == Stage::Sold =>
        {
            let order = OrderBody::from_record(&reservation, &looked.reservation);
            Ok(Json(OrderAnswer {
                state: "confirming",
                order,
            })
            .into_response())
        }
        Ok(_) => Err(row.err().map_or(Refusal::NotFound, Refusal::from)),
        Err(error) => Err(error.into()),
    }
}

fn own_order(row: OrderRow, person: &PersonId) -> Result<Response, Refusal> {
    if row.person != *person {
        return Err(Refusal::NotFound);
    }
    let state = if row.refunded_at.is_some() {
        "refunded"
    } else {
        "confirmed"
    };
    Ok(Json(OrderAnswer {
        state,
        order: OrderBody::from_row(row),
    })
    .into_response())
}
