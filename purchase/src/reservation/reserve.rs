//! Reserve: the rush ends here, most of it at "sold out". One call to the stock store, no SQL.

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use lua::sale::{MOST_UNITS, Reserve, Reserved};

use super::{Fields, new_id};
use crate::{
    Purchase,
    entry_pass::Bearer,
    idempotency::{IdempotencyKey, fingerprint},
    refusal::Refusal,
};

/// Reserves units for the person of the pass: all or none.
///
/// The `Idempotency-Key` names the attempt, for this person and this sale. The same key with the
/// same body is answered with the very bytes of the first answer, also while the first is still on
/// its way and after a restart: looking for the key, reserving and remembering the answer are one
/// step of the store, so a key is never "in flight" and there is no 409 for that. Only successes are
/// remembered; a refusal is decided anew. A key is remembered for the sale's `idempotency_ttl`
/// after the answer: 24 hours unless the operator sets another, and never shorter than the hold.
#[utoipa::path(
    post, path = "/v1/reservations", tag = "visitor", operation_id = "reserve",
    request_body = super::ReserveRequest,
    params(("Idempotency-Key" = String, Header,
        description = "The client's name of this attempt, such as a UUID: 1 to 255 visible ASCII \
                       characters but `\"` and `\\`, quoted or bare",
        pattern = "^(\"[!#-\\[\\]-~]{1,255}\"|[!#-\\[\\]-~]{1,255})$",
        example = "0b2f6c1e-6b0e-4a54-9a9e-3d1f5c1f2a77")),
    responses(
        (status = 201, description = "Held, now or with this key before", body = super::ReservationBody),
        (status = 400, description = "invalid, key-missing"),
        (status = 401, description = "no-pass: none, or its time is over"),
        (status = 403, description = "other-pass: a pass of another room"),
        (status = 404, description = "unknown-sku"),
        (status = 409, description = "sold-out, not-enough, limit-reached"),
        (status = 413, description = "too-large"),
        (status = 415, description = "unsupported-type"),
        (status = 422, description = "key-reused: the key came before with another body"),
        (status = 503, description = "restarting, store-away, busy"),
    ),
    security(("entryPass" = []), ("entryPassBearer" = [])),
)]
pub async fn reserve(
    State(purchase): State<Purchase>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refusal> {
    let key = IdempotencyKey::from_headers(request.headers());
    let fields = Fields::read(request, &["sku", "quantity"]).await?;
    let (sku, key) = (fields.name("sku")?, key?);
    let quantity = fields.number("quantity", 1..=MOST_UNITS)?;

    // A sku that another room sells asks for that room's pass; one nobody knows is looked up in the
    // sale of this pass, because operators add skus while the sale runs.
    let desk = purchase
        .desk_of_sku(&sku)
        .or_else(|| purchase.desk_of_room(&bearer.0.aud))
        .ok_or(Refusal::UnknownSku)?;
    let claims = bearer.running_in(&desk.config.room, purchase.clock().now_ms())?;

    let what = Reserve {
        id: &new_id(desk.stock.id()),
        person: &claims.sub,
        sku: &sku,
        quantity,
        hold: desk.config.hold_ttl,
        key: key.as_str(),
        body: &fingerprint(&[sku.as_str(), &quantity.to_string()]),
        key_ttl: desk.config.idempotency_ttl,
    };
    let reserved = desk.stock.reserve(&what).await?;
    metrics::counter!("vestibule_reservations_total", "outcome" => outcome(&reserved)).increment(1);
    match reserved {
        Reserved::New(answer) | Reserved::Again(answer) => Ok((
            StatusCode::CREATED,
            [
                (header::CONTENT_TYPE, "application/json"),
                (header::CACHE_CONTROL, "no-store"),
            ],
            answer,
        )
            .into_response()),
        Reserved::KeyReused => Err(Refusal::KeyReused),
        Reserved::UnknownSku => Err(Refusal::UnknownSku),
        Reserved::LimitReached { limit, taken } => Err(Refusal::LimitReached { limit, taken }),
        Reserved::NotEnough { available } => Err(Refusal::NotEnough { available }),
        Reserved::SoldOut { held } => Err(Refusal::SoldOut { held }),
    }
}

fn outcome(reserved: &Reserved) -> &'static str {
    match reserved {
        Reserved::New(_) => "held",
        Reserved::Again(_) => "again",
        Reserved::KeyReused => "key-reused",
        Reserved::UnknownSku => "unknown-sku",
        Reserved::LimitReached { .. } => "limit-reached",
        Reserved::NotEnough { .. } => "not-enough",
        Reserved::SoldOut { .. } => "sold-out",
    }
}
