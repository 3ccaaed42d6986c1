//! Asks an HTTP server of this machine and reads JSON: the shop's and the demo's way to the others.
//!
//! Small on purpose: plain http, one answer at a time, no retries. Whoever asks knows what to do
//! when nobody answers.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde_json::Value;

/// Longest wait for one answer; a confirm waits for the ledger.
const ANSWER: Duration = Duration::from_secs(15);
/// Largest answer looked at.
const LARGEST: usize = 1024 * 1024;

/// Nobody answered, or not in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer")]
pub(crate) struct NoAnswer;

/// A client with its kept connections.
#[derive(Clone)]
pub(crate) struct JsonClient(Client<HttpConnector, Full<Bytes>>);

impl JsonClient {
    /// On the runtime of the caller.
    pub(crate) fn new() -> Self {
        Self(
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build_http(),
        )
    }

    /// The status and the body, null where it is no JSON.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Value), NoAnswer> {
        let exchange = async {
            let response = self.0.request(request).await.ok()?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LARGEST)
                .collect()
                .await
                .ok()?;
            Some((
                status,
                serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null),
            ))
        };
        tokio::time::timeout(ANSWER, exchange)
            .await
            .ok()
            .flatten()
            .ok_or(NoAnswer)
    }
}
