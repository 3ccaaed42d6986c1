//! What the demo does as its own operator, over HTTP like any other: supply, counts, readiness.

use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use loadtest::judge::SaleCounts;
use serde_json::{Value, json};

use super::{Stage, settings};
use crate::{clock, json_client::JsonClient};

/// How long the services may take to come up.
const UP: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// The operator listener and the public status, as seen from outside.
pub(super) struct Desk {
    client: JsonClient,
    operator: String,
    status: String,
    token: String,
}

impl Desk {
    pub(super) fn new(stage: &Stage) -> Self {
        Self {
            client: JsonClient::new(),
            operator: format!("http://{}", stage.operator),
            status: format!("http://{}/_wr/status/{}", stage.visitors, settings::room()),
            token: stage.token.clone(),
        }
    }

    /// Waits until everything answers and the room knows its state.
    pub(super) async fn wait_until_open(&self) -> anyhow::Result<()> {
        let mut last = "nothing answered".to_owned();
        let up = async {
            loop {
                let ready = self.ask(Method::GET, "/readyz", Value::Null).await;
                let room = match Request::get(&self.status).body(Full::default()) {
                    Ok(request) => self.client.send(request).await.ok(),
                    Err(_) => None,
                };
                match (ready, room) {
                    (Some((StatusCode::OK, _)), Some((StatusCode::OK, status))) => {
                        if status["available"] == true {
                            return;
                        }
                        last = format!("the room is not available: {}", status["reason"]);
                    }
                    (Some((_, ready)), _) => last = ready["dependencies"].to_string(),
                    _ => {}
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(UP, up).await.is_err() {
            anyhow::bail!(
                "the services did not come up within {} s: {last}",
                UP.as_secs()
            );
        }
        Ok(())
    }

    /// Sets the supply. After a restart with less than is sold already, the old supply stays.
    pub(super) async fn supply(&self, units: u64) -> anyhow::Result<()> {
        let path = format!("/v1/sales/{}/skus/{}", settings::sale(), settings::sku());
        let body = json!({ "supplied": units, "limit_per_person": 1 });
        match self.ask(Method::PUT, &path, body).await {
            Some((status, _)) if status.is_success() => Ok(()),
            Some((StatusCode::CONFLICT, problem)) => {
                eprintln!(
                    "The supply stays as it was: {}",
                    problem["detail"].as_str().unwrap_or("more is sold")
                );
                Ok(())
            }
            Some((status, problem)) => {
                anyhow::bail!("the stock was not accepted: {status} {problem}")
            }
            None => {
                anyhow::bail!("the stock was not accepted: no answer from the purchase service")
            }
        }
    }

    /// The sale's counts now.
    pub(super) async fn counts(&self) -> anyhow::Result<SaleCounts> {
        let path = format!("/v1/sales/{}", settings::sale());
        match self.ask(Method::GET, &path, Value::Null).await {
            Some((StatusCode::OK, answer)) => Ok(SaleCounts::from_json(&answer, clock::now_ms())?),
            Some((status, problem)) => anyhow::bail!("the sale's counts: {status} {problem}"),
            None => anyhow::bail!("the sale's counts: no answer from the purchase service"),
        }
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Option<(StatusCode, Value)> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.operator))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json");
        let body = if body.is_null() {
            Full::default()
        } else {
            Full::from(body.to_string())
        };
        self.client.send(request.body(body).ok()?).await.ok()
    }
}
