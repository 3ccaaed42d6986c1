//! The demo shop: the upstream of the demo, one product and a button.
//!
//! It stands for the shop a user already has, so it knows nothing of waiting: it is a plain HTTP
//! server behind the gate that trusts `X-Entry-Pass` after checking it against the public keys. It
//! buys on the visitor's behalf from the purchase service and works without JavaScript. It counts
//! what reaches it, and what reaches it without a verified pass, which must stay zero. It keeps
//! nothing: stock, holds and orders are the purchase service's.

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{any, get, post},
};
use entry_pass::{PublicKeys, RoomId, Sku, Verifier};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

mod counters;
mod journey;
mod page;
mod probes;
mod purchases;

pub(crate) use counters::Counters;

use purchases::Purchases;

/// How many passes are remembered as verified, at about 1 KB each.
const PASSES: usize = 20_000;

/// What the shop sells and whom it asks.
pub(crate) struct Settings {
    /// The room it stands behind; a pass of another does not count.
    pub(crate) room: RoomId,
    /// Its one product.
    pub(crate) sku: Sku,
    /// The gateway as a visitor sees it: where the public status is.
    pub(crate) gateway: Url,
    /// Who signs the passes.
    pub(crate) issuer: String,
    /// The keys that check passes.
    pub(crate) keys: PublicKeys,
    /// The purchase service's own address.
    pub(crate) purchase: Url,
}

/// What every handler shares.
struct Shop {
    room: RoomId,
    sku: Sku,
    verifier: Verifier,
    purchases: Purchases,
    counters: Arc<Counters>,
    tasks: TaskTracker,
}

/// Serves until told to stop; requests in flight are answered.
pub(crate) async fn run(
    settings: Settings,
    counters: Arc<Counters>,
    listener: std::net::TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let shared = Arc::new(Shop {
        verifier: Verifier::new(settings.keys, &settings.issuer, PASSES),
        purchases: Purchases::new(&settings.purchase, &settings.gateway, &settings.room),
        room: settings.room,
        sku: settings.sku,
        counters,
        tasks: TaskTracker::new(),
    });
    axum::serve(listener, router(shared))
        .with_graceful_shutdown(stop.cancelled_owned())
        .await?;
    Ok(())
}

fn router(shop: Arc<Shop>) -> Router {
    Router::new()
        .route("/", get(journey::product))
        .route("/buy", post(journey::buy))
        .route("/paying/{reservation}", get(journey::paying))
        .route("/order/{id}", get(journey::order))
        .route("/healthz", get(probes::healthz))
        .route("/big", get(probes::big))
        .route("/echo", post(probes::echo).put(probes::echo))
        .route("/ws", any(probes::websocket))
        .fallback(journey::nothing_here)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&shop),
            counters::count,
        ))
        .with_state(shop)
}

#[cfg(test)]
mod tests;
