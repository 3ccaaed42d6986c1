//! The OpenAPI document of what every operator listener has, whichever roles are behind it.

use std::collections::BTreeMap;

use utoipa::{
    OpenApi, ToSchema,
    openapi::{ServerBuilder, ServerVariableBuilder},
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Vestibule, operator listener"),
    paths(livez, readyz, metrics)
)]
struct Document;

/// Whether this process can do its work.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "its shape alone is of use; the listener writes it as it asks"
)]
struct Readiness {
    /// Whether all of them answer.
    ready: bool,
    /// By name: `ok`, or what is wrong.
    dependencies: BTreeMap<String, String>,
}

/// The process runs.
#[utoipa::path(
    get, path = "/livez", tag = "operator",
    responses((status = 200, description = "It does", body = String, content_type = "text/plain; charset=utf-8"))
)]
#[expect(
    dead_code,
    reason = "only described here; the listener's router has it"
)]
fn livez() {}

/// All it depends on answers; if not, which does not.
#[utoipa::path(
    get, path = "/readyz", tag = "operator",
    responses(
        (status = 200, description = "It does", body = Readiness),
        (status = 503, description = "Something is away", body = Readiness),
    )
)]
#[expect(
    dead_code,
    reason = "only described here; the listener's router has it"
)]
fn readyz() {}

/// What it measures, for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "operator",
    responses(
        (status = 200, description = "Prometheus text", body = String, content_type = "text/plain; version=0.0.4"),
        (status = 401, description = "unauthorized"),
    ),
    security(("operatorToken" = []))
)]
#[expect(
    dead_code,
    reason = "only described here; the listener's router has it"
)]
fn metrics() {}

/// The document.
pub(crate) fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    for item in document.paths.paths.values_mut() {
        if let Some(operation) = &mut item.get {
            let address = ServerVariableBuilder::new()
                .default_value("http://127.0.0.1:9080")
                .description(Some("`listen.operator`; never open it to visitors"));
            let server = ServerBuilder::new()
                .url("{operator}")
                .description(Some("The operator listener"))
                .parameter("operator", address);
            operation.servers = Some(vec![server.build()]);
        }
    }
    document
}
