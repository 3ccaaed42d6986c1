//! The visitor's steps in the shop: look, buy, thank you.

use std::sync::Arc;

use axum::{
    extract::{Form, Path, State, rejection::FormRejection},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rand::{Rng, distr::Alphanumeric};
use serde::Deserialize;

use super::{
    Shop, counters,
    page::{self, Nothing, Order, Paying, Product, Trouble},
    purchases::{Confirmed, Refusal},
};

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Buy {
    key: String,
}

/// `GET /`: the product.
pub(super) async fn product(State(shop): State<Arc<Shop>>) -> Response {
    product_page(&shop, StatusCode::OK, None).await
}

/// `POST /buy`: reserves and pays in one step, because the demo's payment is one.
pub(super) async fn buy(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    form: Result<Form<Buy>, FormRejection>,
) -> Response {
    let Ok(Form(Buy { key })) = form else {
        let error = trouble(
            "Please use the button",
            "The order form arrived incomplete.",
        );
        return product_page(&shop, StatusCode::BAD_REQUEST, Some(error)).await;
    };
    let bought = async {
        let pass = counters::pass(&headers).ok_or_else(no_pass)?;
        let reservation = shop.purchases.reserve(pass, &shop.sku, &key).await?;
        let confirmed = shop.purchases.confirm(pass, &reservation).await?;
        Ok::<_, Refusal>((reservation, confirmed))
    };
    match bought.await {
        Ok((_, Confirmed::Order(id))) => Redirect::to(&format!("/order/{id}")).into_response(),
        Ok((reservation, Confirmed::Later)) => {
            Redirect::to(&format!("/paying/{reservation}")).into_response()
        }
        Err(refusal) => refused(&shop, refusal).await,
    }
}

/// `GET /paying/{reservation}`: the ledger was away; confirms again, which is harmless.
pub(super) async fn paying(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    Path(reservation): Path<String>,
) -> Response {
    let confirmed = async {
        let pass = counters::pass(&headers).ok_or_else(no_pass)?;
        shop.purchases.confirm(pass, &reservation).await
    };
    match confirmed.await {
        Ok(Confirmed::Order(id)) => Redirect::to(&format!("/order/{id}")).into_response(),
        Ok(Confirmed::Later) => page::answer(StatusCode::OK, &Paying { reservation }),
        Err(refusal) => refused(&shop, refusal).await,
    }
}

/// `GET /order/{id}`: thank you. Tells the gateway that this visitor is done, so that the next one
/// can come in.
pub(super) async fn order(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let found = async {
        let pass = counters::pass(&headers).ok_or_else(no_pass)?;
        shop.purchases.order(pass, &id).await
    };
    let answer = match found.await {
        Ok(answer) => answer,
        Err(refusal) => {
            return page::answer(
                refusal.status,
                &Nothing {
                    title: refusal.title,
                },
            );
        }
    };
    // The order itself, or the order inside an envelope.
    let order = if answer["order"].is_object() {
        &answer["order"]
    } else {
        &answer
    };
    let word = |member: &str| order[member].as_str().unwrap_or_default().to_owned();
    let units = order["units"].as_array().into_iter().flatten();
    let thanks = Order {
        id: word("id"),
        sku: word("sku"),
        quantity: order["quantity"].as_u64().unwrap_or(1),
        units: units
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        payment_ref: word("payment_ref"),
    };
    let mut response = page::answer(StatusCode::OK, &thanks);
    response.headers_mut().insert(
        HeaderName::from_static("wr-command"),
        HeaderValue::from_static("complete"),
    );
    response
}

/// Everything else.
pub(super) async fn nothing_here() -> Response {
    page::answer(
        StatusCode::NOT_FOUND,
        &Nothing {
            title: "Nothing here".to_owned(),
        },
    )
}

async fn refused(shop: &Shop, refusal: Refusal) -> Response {
    let title = if refusal.title.is_empty() {
        "That did not work"
    } else {
        &refusal.title
    };
    product_page(shop, refusal.status, Some(trouble(title, &refusal.detail))).await
}

async fn product_page(shop: &Shop, status: StatusCode, error: Option<Trouble>) -> Response {
    let key = rand::rng()
        .sample_iter(Alphanumeric)
        .take(24)
        .map(char::from)
        .collect();
    let left = shop.purchases.left().await.map(|left| match left {
        0 => "Sold out".to_owned(),
        _ => format!("{left} left"),
    });
    page::answer(
        status,
        &Product {
            sku: shop.sku.to_string(),
            left,
            key,
            error,
        },
    )
}

fn trouble(title: &str, detail: &str) -> Trouble {
    Trouble {
        title: title.to_owned(),
        detail: detail.to_owned(),
    }
}

fn no_pass() -> Refusal {
    Refusal {
        status: StatusCode::UNAUTHORIZED,
        title: "No entry pass".to_owned(),
        detail: "Please come in through the waiting room.".to_owned(),
    }
}
