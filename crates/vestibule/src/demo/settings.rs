//! The demo's room and sale, as configurations like any other.

use std::time::{Duration, UNIX_EPOCH};

use entry_pass::{RoomId, SaleId, Sku};
use purchase::config::{Acknowledge, ConfirmBy, SaleConfig, SkuConfig};
use serde_json::json;
use url::Url;

use super::Options;
use crate::clock;

/// How long a browser may be silent in the shop.
const SESSION: Duration = Duration::from_mins(1);
/// How long a turn is kept for someone who does not take it up.
const OFFER: Duration = Duration::from_secs(20);

/// A constant, tested below: it cannot fail for a user.
fn fixed<T: std::str::FromStr<Err: std::fmt::Debug>>(name: &'static str) -> T {
    name.parse().unwrap()
}

/// Room `demo`.
pub(super) fn room() -> RoomId {
    fixed("demo")
}

/// Sale `demo`.
pub(super) fn sale() -> SaleId {
    fixed("demo")
}

/// The one product.
pub(super) fn sku() -> Sku {
    fixed("demo-unit")
}

/// The gateway's configuration. Read from a document like an operator's, so that a field the demo
/// does not mention has the same default there.
pub(super) fn gateway(
    options: &Options,
    purchase: &Url,
    shop: &Url,
) -> anyhow::Result<gateway::Config> {
    let mut config: gateway::Config = serde_json::from_value(json!({
        "purchase": purchase,
        "rooms": [{
            "id": room(),
            "title": "The demo drop",
            "upstream": shop,
            "sale": sale(),
        }],
    }))?;
    let room = &mut config.rooms[0];
    room.capacity = options.capacity;
    room.batch = options.batch;
    room.tick = options.every;
    room.session = SESSION;
    room.offer_ttl = OFFER;
    if !options.opens_in.is_zero() {
        room.opens_at =
            Some(UNIX_EPOCH + Duration::from_millis(clock::now_ms()) + options.opens_in);
    }
    let complaints = config.validate();
    anyhow::ensure!(
        complaints.is_empty(),
        "the flags do not make a room: {}",
        complaints.join("; ")
    );
    Ok(config)
}

/// The purchase service's configuration: the visitor confirms, since there is no payment service.
pub(super) fn purchase(options: &Options) -> anyhow::Result<purchase::Config> {
    let supplied = u32::try_from(options.stock)?;
    let skus = [(
        sku(),
        SkuConfig {
            supplied,
            limit_per_person: None,
        },
    )]
    .into();
    let config = purchase::Config {
        sales: [(
            sale(),
            SaleConfig {
                room: room(),
                skus,
                limit_per_person: 1,
                hold_ttl: options.hold_ttl,
                idempotency_ttl: Duration::from_hours(24),
                confirm_by: ConfirmBy::Visitor,
                acknowledge: Acknowledge::Ledger,
            },
        )]
        .into(),
        ..purchase::Config::default()
    };
    let complaints = config.complaints();
    anyhow::ensure!(
        complaints.is_empty(),
        "the flags do not make a sale: {}",
        complaints.join("; ")
    );
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demos_names_are_valid() {
        assert_eq!(
            (room().as_str(), sale().as_str(), sku().as_str()),
            ("demo", "demo", "demo-unit")
        );
    }
}
