//! The OpenAPI document of `/v1/`, made from the handlers.

use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(title = "Vestibule purchase service", description = "Reserve, confirm and cancel units of a sale. Refusals are problem documents (RFC 9457). Times are Unix milliseconds."),
    paths(
        crate::reservation::reserve::reserve,
        crate::reservation::confirm::confirm,
        crate::reservation::own::cancel,
        crate::reservation::own::read,
        crate::reservation::own::read_order,
        crate::operator::set_supply,
        crate::operator::read_sale,
        crate::operator::refund,
    ),
    tags(
        (name = "visitor", description = "With an entry pass"),
        (name = "operator", description = "On the operator listener, with its bearer token"),
    ),
)]
struct Document;

/// The document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
