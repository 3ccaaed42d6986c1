//! The shop's pages.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// The product with its button, and what went wrong last time, if anything did.
#[derive(Template)]
#[template(path = "product.html")]
pub(super) struct Product {
    pub(super) sku: String,
    /// How many are left, in words.
    pub(super) left: Option<String>,
    /// Names this attempt: pressing twice buys once.
    pub(super) key: String,
    pub(super) error: Option<Trouble>,
}

/// What went wrong, in words.
pub(super) struct Trouble {
    pub(super) title: String,
    pub(super) detail: String,
}

/// The thank-you page.
#[derive(Template)]
#[template(path = "order.html")]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) sku: String,
    pub(super) quantity: u64,
    pub(super) units: String,
    pub(super) payment_ref: String,
}

/// Paid, but the ledger has not said so yet.
#[derive(Template)]
#[template(path = "paying.html")]
pub(super) struct Paying {
    pub(super) reservation: String,
}

/// Nothing at this address.
#[derive(Template)]
#[template(path = "nothing.html")]
pub(super) struct Nothing {
    pub(super) title: String,
}

/// A page that belongs to one visitor and is never cached.
pub(super) fn answer(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let mut response = (status, Html(html)).into_response();
            response
                .headers_mut()
                .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => {
            tracing::error!(%error, "a page of the demo shop does not render");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
