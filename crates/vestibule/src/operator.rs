//! The operator listener: what is done to sales, how the process is, what it measures.
//!
//! One address for people, probes and Prometheus, apart from the visitors'. Everything but the two
//! probes takes the bearer token, compared in constant time. `/livez` says that the process runs;
//! `/readyz` asks each dependency and names the one that is away, because "503" alone sends the
//! operator looking in the wrong place.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use problem::{Kind, Problem};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::config::Secret;

mod dependency;
mod openapi;

pub(crate) use dependency::{Dependency, connect};
pub(crate) use openapi::openapi;

/// How often the exporter's histograms are emptied into their summaries.
const UPKEEP: Duration = Duration::from_secs(5);

/// Collects metrics from now on, for the whole process; once per process.
pub(crate) fn collect_metrics() -> anyhow::Result<PrometheusHandle> {
    Ok(PrometheusBuilder::new().install_recorder()?)
}

/// What the listener serves.
pub(crate) struct Operator {
    /// What operators must send.
    pub(crate) token: Secret,
    /// What `/readyz` asks.
    pub(crate) dependencies: Vec<Dependency>,
    /// What `/metrics` says.
    pub(crate) metrics: PrometheusHandle,
    /// Routes of the roles in this process.
    pub(crate) routes: Router,
}

/// Serves until told to stop.
pub(crate) async fn run(
    operator: Operator,
    listener: std::net::TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let tasks = TaskTracker::new();
    let (metrics, ended) = (operator.metrics.clone(), stop.clone());
    tasks.spawn(async move {
        while ended
            .run_until_cancelled(tokio::time::sleep(UPKEEP))
            .await
            .is_some()
        {
            metrics.run_upkeep();
        }
    });
    let served =
        axum::serve(listener, router(operator)).with_graceful_shutdown(stop.cancelled_owned());
    served.await?;
    tasks.close();
    tasks.wait().await;
    Ok(())
}

fn router(operator: Operator) -> Router {
    let Operator {
        token,
        dependencies,
        metrics,
        routes,
    } = operator;
    let token = Arc::new(token);
    let dependencies = Arc::new(dependencies);
    let text = (
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4"),
    );
    Router::new()
        .route(
            "/metrics",
            get(move || async move { ([text], metrics.render()) }),
        )
        .merge(routes)
        .fallback(|| async { Problem::new(Kind::NotFound) })
        .method_not_allowed_fallback(|| async { Problem::new(Kind::MethodNotAllowed) })
        .layer(middleware::from_fn_with_state(token, require_token))
        // Outside the token's reach: probes have none.
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(move || ready(Arc::clone(&dependencies))))
}

async fn ready(dependencies: Arc<Vec<Dependency>>) -> Response {
    let mut said = Map::new();
    let mut ready = true;
    for dependency in dependencies.iter() {
        for (name, answer) in dependency.ask().await {
            ready &= answer.is_ok();
            let word = answer.err().unwrap_or_else(|| "ok".to_owned());
            said.insert(name.to_owned(), Value::String(word));
        }
    }
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let document = serde_json::json!({ "ready": ready, "dependencies": said });
    let retry = HeaderName::from_static("retry-after");
    let mut response = (status, Json(document)).into_response();
    if !ready {
        response
            .headers_mut()
            .insert(retry, HeaderValue::from_static("2"));
    }
    response
}

async fn require_token(State(token): State<Arc<Secret>>, request: Request, next: Next) -> Response {
    if !has_token(request.headers(), token.reveal()) {
        return Problem::new(Kind::Unauthorized)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            .into_response();
    }
    next.run(request).await
}

fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let sent = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, sent)| sent.trim());
    sent.is_some_and(|sent| bool::from(sent.as_bytes().ct_eq(token.as_bytes())))
}

#[cfg(test)]
mod tests;
