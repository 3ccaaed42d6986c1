//! Seeds a sale from the configuration, once: only if neither the stock store nor the ledger knows
//! it. A sale that the ledger knows and the store does not was lost, and "start with N" would sell
//! everything again.

use std::{sync::Arc, time::Duration};

use lua::sale::{Fence, SetSupply, Supplied};
use tokio_util::sync::CancellationToken;

use crate::{Purchase, role::Desk};

/// How long until the next try while a store is away.
const AGAIN: Duration = Duration::from_millis(200);

/// Tries until the sale is known, or `stop`.
pub async fn run(purchase: Purchase, desk: Arc<Desk>, stop: CancellationToken) {
    let mut said = false;
    loop {
        match step(&purchase, &desk).await {
            Ok(()) => return,
            Err(reason) if !said => {
                tracing::warn!(sale.id = %desk.stock.id(), reason, "not seeded yet");
                said = true;
            }
            Err(_) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

async fn step(purchase: &Purchase, desk: &Desk) -> Result<(), String> {
    let (sale, text) = (desk.stock.id(), |error: &dyn std::fmt::Display| {
        error.to_string()
    });
    let fence = desk.stock.fence().await.map_err(|error| text(&error))?;
    if matches!(fence, Fence::Missing { .. })
        && purchase
            .ledger()
            .knows(sale)
            .await
            .map_err(|error| text(&error))?
    {
        return Err("the ledger knows the sale and the stock store lost it".to_owned());
    }
    for (sku, config) in &desk.config.skus {
        let seed = SetSupply {
            sku,
            supplied: config.supplied,
            limit: config
                .limit_per_person
                .unwrap_or(desk.config.limit_per_person),
            seed: true,
        };
        let seeded = desk
            .stock
            .supply(&seed)
            .await
            .map_err(|error| text(&error))?;
        if let Supplied::Done { changed: true, .. } = seeded {
            tracing::info!(sale.id = %sale, %sku, supplied = config.supplied, "seeded");
        }
    }
    Ok(())
}
