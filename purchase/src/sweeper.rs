//! Gives back holds whose time is over, and keeps a sale's open clock going.
//!
//! Any number of sweepers run: each hold is given back by exactly one step. A step is bounded; when
//! more is due, the next comes at once.

use std::{sync::Arc, time::Duration};

use lua::sale::{SaleError, Swept};
use tokio_util::sync::CancellationToken;

use crate::role::Desk;

/// Most holds per step: about 2 ms of the store's time.
const MOST: u32 = 100;

/// Sweeps every `every` until `stop`.
pub async fn run(desk: Arc<Desk>, every: Duration, stop: CancellationToken) {
    loop {
        let more = match step(&desk).await {
            Ok(Swept::Step { more, .. }) => more,
            // Closed and away are said by the recorder, once.
            Ok(Swept::ReAnchored(_)) | Err(_) => false,
        };
        if more {
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// One step. A record that ended is kept readable as long as its idempotency key.
pub async fn step(desk: &Desk) -> Result<Swept, SaleError> {
    let swept = desk.stock.sweep(MOST, desk.config.idempotency_ttl).await?;
    match swept {
        Swept::Step { expired, .. } if expired > 0 => {
            metrics::counter!("vestibule_expired_holds_total").increment(expired);
            tracing::debug!(sale.id = %desk.stock.id(), expired, "holds given back");
        }
        Swept::ReAnchored(closed_ms) => {
            tracing::warn!(sale.id = %desk.stock.id(), closed_ms, "deadlines moved on: time jumped, or nobody swept");
        }
        Swept::Step { .. } => {}
    }
    Ok(swept)
}
