//! The public documents: the same bytes for everybody.

use axum::{
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use problem::{Kind, Problem};
use waiting_room_ui::ProblemPage;

use super::{InRoom, Shared};
use crate::pages;

/// The status of a room.
#[utoipa::path(
    get, path = "/_wr/status/{room}", tag = "public",
    params(("room" = String, Path, description = "The room", pattern = "^[a-z0-9-]{1,32}$", example = "main")),
    responses(
        (status = 200, description = "The same for everybody; cacheable for a second",
         body = crate::status::StatusDocument),
        (status = 404, description = "unknown-room"),
    )
)]
pub(super) async fn status(InRoom(room): InRoom) -> Response {
    const HEADERS: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=1"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (HEADERS, Body::from(room.moments().status())).into_response()
}

/// The static queue and countdown page.
#[utoipa::path(
    get, path = "/_wr/page/{room}", tag = "public",
    params(("room" = String, Path, description = "The room", pattern = "^[a-z0-9-]{1,32}$", example = "main")),
    responses((status = 200, description = "The same for everybody; cacheable for a minute",
               body = String, content_type = "text/html; charset=utf-8"),
              (status = 404, description = "unknown-room"))
)]
pub(super) async fn page(InRoom(room): InRoom) -> Response {
    pages::html(
        pages::static_page(&room),
        StatusCode::OK,
        "public, max-age=60",
    )
}

/// A JWKS document (RFC 7517).
#[derive(utoipa::ToSchema)]
#[expect(
    dead_code,
    reason = "its shape alone is of use; the bytes come from the key ring"
)]
struct JwksDocument {
    /// The keys, the signing one first.
    #[schema(value_type = Vec<Jwk>)]
    keys: Vec<Jwk>,
}

/// A P-256 key that checks passes.
#[derive(utoipa::ToSchema)]
#[expect(
    dead_code,
    reason = "its shape alone is of use; the bytes come from the key ring"
)]
struct Jwk {
    /// Always `EC`.
    #[schema(pattern = "^EC$")]
    kty: String,
    /// Always `P-256`.
    #[schema(pattern = "^P-256$")]
    crv: String,
    /// Its name, as in the pass.
    kid: String,
    /// The point's first half, base64url.
    x: String,
    /// The point's second half, base64url.
    y: String,
}

/// The keys that check entry passes.
#[utoipa::path(
    get, path = "/_wr/jwks.json", tag = "public",
    responses((status = 200, description = "A JWKS document", body = JwksDocument))
)]
pub(super) async fn jwks(State(counter): State<Shared>) -> Response {
    json(counter.jwks.clone(), "public, max-age=300")
}

/// This document.
#[utoipa::path(
    get, path = "/_wr/openapi.json", tag = "public",
    responses((status = 200, description = "This document", body = Object))
)]
pub(super) async fn openapi(State(counter): State<Shared>) -> Response {
    json(counter.openapi.clone(), "public, max-age=300")
}

/// What a problem type means.
#[utoipa::path(
    get, path = "/_wr/problems/{type}", tag = "public",
    params(("type" = String, Path, description = "Last segment of the type URI",
        pattern = "^[a-z-]{1,32}$", example = "sold-out")),
    responses((status = 200, description = "A page for a person",
               body = String, content_type = "text/html; charset=utf-8"),
              (status = 404, description = "not-found"))
)]
pub(super) async fn problem(Path(slug): Path<String>) -> Response {
    match Kind::ALL.iter().find(|kind| kind.slug() == slug) {
        Some(kind) => {
            let page = ProblemPage {
                slug: kind.slug(),
                title: kind.title(),
                help: kind.help(),
            };
            pages::html(page.render(), StatusCode::OK, "public, max-age=3600")
        }
        None => Problem::new(Kind::NotFound)
            .with("field", "type")
            .into_response(),
    }
}

/// A file of the pages. Its name carries its content's hash, so it may be kept for ever.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = waiting_room_ui::asset(&name) else {
        return Problem::new(Kind::NotFound)
            .with("field", "name")
            .into_response();
    };
    let same = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|etag| etag.as_bytes() == asset.etag.as_bytes());
    let status = if same {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::OK
    };
    let body = if same {
        Body::empty()
    } else {
        Body::from(asset.bytes)
    };
    let mut response = (status, body).into_response();
    let put = response.headers_mut();
    put.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(asset.media_type),
    );
    put.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    put.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Ok(etag) = HeaderValue::try_from(asset.etag.as_str()) {
        put.insert(header::ETAG, etag);
    }
    response
}

fn json(document: String, cache: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, cache),
    ];
    (headers, document).into_response()
}
