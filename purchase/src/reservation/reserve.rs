//! Reserve: the rush ends here, most of it at "sold out". One call to the stock store, no SQL.

use std::sync::LazyLock;

use ::entry_pass::Sku;
use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use lua::sale::{MOST_UNITS, Reserve, Reserved};

use super::{Fields, new_id};
use crate::{
    Purchase,
    entry_pass::{Bearer, running_in},
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
    request: Request,
) -> Result<Response, Refusal> {
    answer(&purchase, request).await
}

/// What [`reserve`] does, for a caller that knows the route already.
pub(crate) async fn answer(purchase: &Purchase, request: Request) -> Result<Response, Refusal> {
    // What came is let go before the store is asked: its bytes are the connection's read buffer,
    // which is then there for the next request instead of being allocated anew.
    let (Bearer(claims), key, Asked { sku, quantity }) = read(purchase, request).await?;

    // A sku that another room sells asks for that room's pass; one nobody knows is looked up in the
    // sale of this pass, because operators add skus while the sale runs.
    let desk = purchase
        .desk_of_sku(&sku)
        .or_else(|| purchase.desk_of_room(&claims.aud))
        .ok_or(Refusal::UnknownSku)?;
    let now_ms = purchase.clock().now_ms();
    running_in(&claims, &desk.config.room, now_ms)?;

    let what = Reserve {
        id: &new_id(desk.stock.id(), now_ms),
        person: &claims.sub,
        sku: &sku,
        quantity,
        hold: desk.config.hold_ttl,
        key: key.as_str(),
        body: &fingerprint(&[sku.as_str(), &quantity.to_string()]),
        key_ttl: desk.config.idempotency_ttl,
    };
    let reserved = desk.stock.reserve(&what).await?;
    COUNTED[outcome(&reserved)].increment(1);
    match reserved {
        Reserved::New(answer) | Reserved::Again(answer) => Ok(held(answer)),
        Reserved::KeyReused => Err(Refusal::KeyReused),
        // Seeded one after another: a sku of the configuration will be known in a moment.
        Reserved::UnknownSku if desk.config.skus.contains_key(&sku) => Err(Refusal::Restarting),
        Reserved::UnknownSku => Err(Refusal::UnknownSku),
        Reserved::LimitReached { limit, taken } => Err(Refusal::LimitReached { limit, taken }),
        Reserved::NotEnough { available } => Err(Refusal::NotEnough { available }),
        Reserved::SoldOut { held } => Err(Refusal::SoldOut { held }),
    }
}

/// The members of a body.
const KNOWN: [&str; 2] = ["sku", "quantity"];

/// Who asks, by which key, for what.
async fn read(
    purchase: &Purchase,
    request: Request,
) -> Result<(Bearer, IdempotencyKey, Asked), Refusal> {
    let (parts, body) = request.into_parts();
    let bearer = Bearer::of(&parts.headers, purchase)?;
    let key = IdempotencyKey::from_headers(&parts.headers);
    let bytes = Fields::bytes(&parts.headers, body).await?;
    if let Some(asked) = Asked::plain(&bytes) {
        return Ok((bearer, key?, asked));
    }
    // Anything unusual is read member by member, because a refusal names the field.
    let fields = Fields::parse(&bytes, &KNOWN)?;
    let (sku, key) = (fields.name("sku")?, key?);
    let quantity = fields.number("quantity", 1..=MOST_UNITS)?;
    Ok((bearer, key, Asked { sku, quantity }))
}

/// What is asked for.
struct Asked {
    sku: Sku,
    quantity: u32,
}

impl Asked {
    /// The body of everybody who reads the documentation, without a copy of its members.
    fn plain(bytes: &[u8]) -> Option<Self> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Plain<'a> {
            sku: &'a str,
            quantity: u32,
        }
        // A list of the values would do for the reader, and is no object.
        let object = bytes.trim_ascii_start().first() == Some(&b'{');
        let Plain { sku, quantity } = serde_json::from_slice(bytes).ok().filter(|_| object)?;
        let sku = sku.parse().ok()?;
        let bounded = (1..=MOST_UNITS).contains(&quantity);
        bounded.then_some(Self { sku, quantity })
    }
}

/// The stored bytes as they are: for the same key again they are the same.
fn held(answer: String) -> Response {
    let mut response = Response::new(Body::from(answer));
    *response.status_mut() = StatusCode::CREATED;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The outcomes by name, each counted; found by name once and not at every request.
const OUTCOMES: [&str; 7] = [
    "held",
    "again",
    "key-reused",
    "unknown-sku",
    "limit-reached",
    "not-enough",
    "sold-out",
];
static COUNTED: LazyLock<[metrics::Counter; 7]> = LazyLock::new(|| {
    OUTCOMES.map(|outcome| metrics::counter!("vestibule_reservations_total", "outcome" => outcome))
});

fn outcome(reserved: &Reserved) -> usize {
    match reserved {
        Reserved::New(_) => 0,
        Reserved::Again(_) => 1,
        Reserved::KeyReused => 2,
        Reserved::UnknownSku => 3,
        Reserved::LimitReached { .. } => 4,
        Reserved::NotEnough { .. } => 5,
        Reserved::SoldOut { .. } => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_read_at_once_says_the_same_as_read_member_by_member() {
        for (body, at_once) in [
            (r#"{"sku":"a","quantity":2}"#, true),
            (r#" { "quantity" : 100, "sku" : "a" } "#, true),
            (r#"{"sku":"a","quantity":1,"more":[1]}"#, false),
            (r#"{"sku":"\u0061","quantity":1}"#, false),
            (r#"{"sku":"b","sku":"a","quantity":1}"#, false),
            (r#"{"sku":"a","quantity":0}"#, false),
            (r#"{"sku":"a","quantity":101}"#, false),
            (r#"{"sku":"a","quantity":1.0}"#, false),
            (r#"{"sku":"a b","quantity":1}"#, false),
            (r#"["a",1]"#, false),
            (r#"{"sku":"a","quantity":1}}"#, false),
        ] {
            let plain = Asked::plain(body.as_bytes());
            assert_eq!(plain.is_some(), at_once, "{body}");
            if let Some(plain) = plain {
                let fields = Fields::parse(body.as_bytes(), &KNOWN).unwrap();
                let sku: Sku = fields.name("sku").unwrap();
                let quantity = fields.number("quantity", 1..=MOST_UNITS).unwrap();
                assert_eq!((plain.sku, plain.quantity), (sku, quantity), "{body}");
            }
        }
    }
}
