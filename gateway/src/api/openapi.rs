//! The OpenAPI document of the visitor's side, generated from the handlers.

use utoipa::{OpenApi, openapi::Required};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Vestibule, visitor side",
        description = "Join the line, see where you stand, take up the offer, leave. All instants \
                       are Unix milliseconds.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        super::documents::status,
        super::documents::page,
        super::documents::jwks,
        super::documents::openapi,
        super::documents::problem,
        super::ticket::join,
        super::ticket::look,
        super::claim::claim,
        super::leave::leave,
    )
)]
struct Document;

/// The document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    // Every body of ours may be left out. An `Option` would say so, and allow a literal `null` too.
    let posts = document.paths.paths.values_mut();
    for post in posts.filter_map(|item| item.post.as_mut()) {
        if let Some(body) = &mut post.request_body {
            body.required = Some(Required::False);
        }
    }
    document
}
