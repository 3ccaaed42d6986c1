//! How a buyer, the shop's payment service and the operator ask: over HTTP, at any of the purchase
//! services, and every answer is written down.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use entry_pass::{Issuer, NewPass, TicketNumber};
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};

use super::{
    ChaosError,
    heard::{Ask, Heard, Log},
    stage::{Door, ISSUER, ROOM},
};
use crate::clock::now_ms;

/// How long an answer may take before its outcome counts as unknown.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long a look at the sale may take before the sale counts as not open: longer than a few
/// flushes of the slowest disk.
const LOOK: Duration = Duration::from_secs(5);
/// How long a pass is good, s; longer than any round.
const PASS: u64 = 3_600;

/// Somebody with an entry pass.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) name: String,
    pass: String,
}

/// What to ask. Empty where it does not apply.
#[derive(Debug, Clone, Default)]
pub(super) struct Question {
    pub(super) sku: String,
    pub(super) quantity: u64,
    pub(super) key: String,
    pub(super) reservation: String,
    pub(super) payment_ref: String,
    /// At the operator's door.
    pub(super) by_operator: bool,
}

/// All services of one sale.
pub(super) struct Shop {
    http: Client<HttpConnector, Full<Bytes>>,
    doors: Vec<Door>,
    token: String,
    sale: String,
    issuer: Issuer,
    pub(super) log: Arc<Log>,
}

impl Shop {
    pub(super) fn new(
        doors: Vec<Door>,
        token: &str,
        sale: &str,
        issuer: Issuer,
        log: Arc<Log>,
    ) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(1)));
        let http = Client::builder(TokioExecutor::new())
            // Whether to ask again is the buyer's decision, and is written down.
            .retry_canceled_requests(false)
            .build(connector);
        Self {
            http,
            doors,
            token: token.to_owned(),
            sale: sale.to_owned(),
            issuer,
            log,
        }
    }

    /// Lets somebody in.
    pub(super) fn admit(&self, name: String) -> Result<Person, ChaosError> {
        let now = now_ms() / 1_000;
        let bad = |error: &dyn std::fmt::Display| ChaosError::Pass(error.to_string());
        let (pass, _) = self
            .issuer
            .issue(NewPass {
                room: ROOM.parse().map_err(|error| bad(&error))?,
                sale: self.sale.parse().ok(),
                person: name.parse().map_err(|error| bad(&error))?,
                number: TicketNumber(1),
                jti: name.clone(),
                issued_at: now - 1,
                expires_at: now + PASS,
            })
            .map_err(|error| bad(&error))?;
        Ok(Person { name, pass })
    }

    /// How many services there are.
    pub(super) fn doors(&self) -> usize {
        self.doors.len()
    }

    /// Asks once, at one service, and writes down what came of it.
    pub(super) async fn ask(
        &self,
        door: usize,
        person: &Person,
        ask: Ask,
        what: &Question,
    ) -> Heard {
        let asked = now_ms();
        let answer = tokio::time::timeout(PATIENCE, self.send(door, person, ask, what)).await;
        let mut heard = Heard {
            ask,
            asked,
            answered: now_ms(),
            person: person.name.clone(),
            sku: what.sku.clone(),
            quantity: what.quantity,
            key: what.key.clone(),
            reservation: what.reservation.clone(),
            payment_ref: what.payment_ref.clone(),
            status: 0,
            retry_after: false,
            word: "no answer".to_owned(),
            body: String::new(),
        };
        if let Ok(Some((status, retry_after, body))) = answer {
            let json: Value = serde_json::from_str(&body).unwrap_or_default();
            heard.word = match (json["type"].as_str(), json["state"].as_str()) {
                (Some(kind), _) => kind.rsplit('/').next().unwrap_or(kind).to_owned(),
                (None, Some(state)) => state.to_owned(),
                (None, None) => String::new(),
            };
            (heard.status, heard.retry_after, heard.body) = (status, retry_after, body);
        }
        self.log.add(heard.clone());
        heard
    }

    async fn send(
        &self,
        door: usize,
        person: &Person,
        ask: Ask,
        what: &Question,
    ) -> Option<(u16, bool, String)> {
        let door = self.doors[door];
        let id = &what.reservation;
        let (path, body) = match ask {
            Ask::Reserve => (
                "/v1/reservations".to_owned(),
                json!({"sku": what.sku, "quantity": what.quantity}),
            ),
            Ask::Confirm => (
                format!("/v1/reservations/{id}/confirm"),
                json!({"payment_ref": what.payment_ref}),
            ),
            Ask::Cancel => (format!("/v1/reservations/{id}/cancel"), Value::Null),
            Ask::Refund => (format!("/v1/orders/{}/refund", order_of(id)), Value::Null),
            Ask::Read => (format!("/v1/reservations/{id}"), Value::Null),
        };
        let method = if ask == Ask::Read { "GET" } else { "POST" };
        let at = if what.by_operator {
            door.operator
        } else {
            door.buyers
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{at}{path}"));
        request = if what.by_operator {
            request.header(header::AUTHORIZATION, format!("Bearer {}", self.token))
        } else {
            request.header("X-Entry-Pass", &person.pass)
        };
        if ask == Ask::Reserve {
            request = request.header("Idempotency-Key", &what.key);
        }
        let body = if body.is_null() {
            Full::default()
        } else {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Full::new(Bytes::from(body.to_string()))
        };
        let answer = self.http.request(request.body(body).ok()?).await.ok()?;
        let (status, retry_after) = (
            answer.status().as_u16(),
            answer.headers().contains_key(header::RETRY_AFTER),
        );
        let body = answer.into_body().collect().await.ok()?.to_bytes();
        Some((
            status,
            retry_after,
            String::from_utf8_lossy(&body).into_owned(),
        ))
    }

    /// The sale's figures by one service, if it answers soon.
    pub(super) async fn figures(&self, door: usize) -> Option<Value> {
        let uri = format!(
            "http://{}/v1/sales/{}",
            self.doors[door].operator, self.sale
        );
        let request = Request::get(uri)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Full::default())
            .ok()?;
        let answer = async {
            let answer = self.http.request(request).await.ok()?;
            let good = answer.status().is_success();
            let body = answer.into_body().collect().await.ok()?.to_bytes();
            serde_json::from_slice(&body).ok().filter(|_| good)
        };
        tokio::time::timeout(LOOK, answer).await.ok()?
    }

    /// Whether every service says that the sale is open.
    pub(super) async fn is_open(&self) -> bool {
        for door in 0..self.doors.len() {
            let open = self.figures(door).await;
            if open.is_none_or(|figures| figures["open"] != true) {
                return false;
            }
        }
        true
    }
}

/// The issuer of the passes that the stage honours.
pub(super) fn issuer(ring: Arc<entry_pass::KeyRing>) -> Issuer {
    Issuer::new(ring, ISSUER)
}

/// The order a reservation becomes: the same id with another letter.
pub(super) fn order_of(reservation: &str) -> String {
    format!("o{}", reservation.strip_prefix('r').unwrap_or(reservation))
}
