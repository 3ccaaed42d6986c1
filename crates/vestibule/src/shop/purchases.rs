//! The shop's calls to the purchase service, in the visitor's name, and to the public status.
//!
//! The visitor's pass goes along as it came; the purchase service checks it again. A refusal comes
//! back as the problem document's words, which the page shows.

use std::time::{Duration, Instant};

use entry_pass::{RoomId, Sku};
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use url::Url;

use super::counters::ENTRY_PASS;
use crate::json_client::JsonClient;

/// The public status is good for a second.
const STATUS_AGE: Duration = Duration::from_secs(1);

/// What the purchase service would not do, in words for the page.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) title: String,
    pub(super) detail: String,
}

/// How a confirm went.
pub(super) enum Confirmed {
    /// In the ledger, under this order id.
    Order(String),
    /// Safe, and recorded as soon as the ledger is back.
    Later,
}

/// The purchase service and the public status, as clients.
pub(super) struct Purchases {
    client: JsonClient,
    base: String,
    status_url: String,
    left: Mutex<Option<(Instant, Option<u64>)>>,
}

impl Purchases {
    pub(super) fn new(purchase: &Url, gateway: &Url, room: &RoomId) -> Self {
        let bare = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
        Self {
            client: JsonClient::new(),
            base: bare(purchase),
            status_url: format!("{}/_wr/status/{room}", bare(gateway)),
            left: Mutex::new(None),
        }
    }

    /// Units still to be had, as the public status says; none when it does not say.
    pub(super) async fn left(&self) -> Option<u64> {
        if let Some((at, left)) = *self.left.lock()
            && at.elapsed() < STATUS_AGE
        {
            return left;
        }
        let request = Request::get(&self.status_url).body(Full::default()).ok()?;
        let left = match self.send(request).await {
            Ok((StatusCode::OK, status)) => status["stock"]["available"].as_u64(),
            _ => None,
        };
        *self.left.lock() = Some((Instant::now(), left));
        left
    }

    /// Takes one unit; the reservation's id. The same key again is the same reservation.
    pub(super) async fn reserve(
        &self,
        pass: &str,
        sku: &Sku,
        key: &str,
    ) -> Result<String, Refusal> {
        let body = json!({ "sku": sku.as_str(), "quantity": 1 });
        let (_, answer) = self
            .call(Method::POST, "reservations", pass, Some(key), body)
            .await?;
        Ok(answer["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Pays for a reservation and makes it an order; harmless to repeat.
    pub(super) async fn confirm(
        &self,
        pass: &str,
        reservation: &str,
    ) -> Result<Confirmed, Refusal> {
        let path = format!("reservations/{reservation}/confirm");
        let body = json!({ "payment_ref": format!("demo-{reservation}") });
        let (status, answer) = self.call(Method::POST, &path, pass, None, body).await?;
        match answer["order"]["id"].as_str() {
            Some(id) if status == StatusCode::OK => Ok(Confirmed::Order(id.to_owned())),
            _ => Ok(Confirmed::Later),
        }
    }

    /// The visitor's own order.
    pub(super) async fn order(&self, pass: &str, id: &str) -> Result<Value, Refusal> {
        let path = format!("orders/{id}");
        Ok(self
            .call(Method::GET, &path, pass, None, Value::Null)
            .await?
            .1)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        pass: &str,
        key: Option<&str>,
        body: Value,
    ) -> Result<(StatusCode, Value), Refusal> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/v1/{path}", self.base))
            .header(ENTRY_PASS, pass);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = if body.is_null() {
            Full::default()
        } else {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Full::from(body.to_string())
        };
        // A path or key that makes no request came from the address bar or a changed form.
        let request = request.body(body).map_err(|_| Refusal {
            status: StatusCode::BAD_REQUEST,
            title: "That address makes no sense".to_owned(),
            detail: String::new(),
        })?;
        let (status, answer) = self.send(request).await?;
        if status.is_success() {
            return Ok((status, answer));
        }
        let word = |member: &str| answer[member].as_str().unwrap_or_default().to_owned();
        Err(Refusal {
            status,
            title: word("title"),
            detail: word("detail"),
        })
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Value), Refusal> {
        self.client.send(request).await.map_err(|_| Refusal {
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: "Buying is not possible right now".to_owned(),
            detail: "Nothing was taken or charged. Please try again in a moment.".to_owned(),
        })
    }
}
