//! `gateway`: the waiting room and its gate alone, in front of the shop.

use std::process::ExitCode;

use super::requirements;
use crate::{
    config::{Layers, Secret},
    files,
    lifecycle::Lifecycle,
    logging,
    operator::{self, Dependency},
    roles::RoleOptions,
    wiring::{self, Desk, Doors, SigningKeys},
};

/// Files beside the visitors' connections: stores, listeners.
const OTHER_FILES: u64 = 256;

/// Runs until a signal.
pub(crate) async fn run(options: RoleOptions) -> anyhow::Result<ExitCode> {
    let flags = options.flags("listen.gateway");
    let layers = Layers::read(options.config.as_deref(), Layers::environment(), flags)?;
    let (config, _) = layers.into_config(requirements::of_a_gateway)?;
    logging::start(&config.log)?;
    files::allow(OTHER_FILES)?;
    let metrics = operator::collect_metrics()?;

    let doors = Doors::open(config.listen.gateway, config.listen.gateways)?;
    let (listener, _) = wiring::bind(config.listen.operator, "--operator")?;
    let address = doors.address();

    let (Some(waitlist), Some(tickets), Some(passes), Some(token)) = (
        config.stores.waitlist,
        config.keys.tickets,
        config.keys.passes,
        config.operator.token,
    ) else {
        anyhow::bail!("the configuration was not judged");
    };
    let keys = SigningKeys {
        tickets: requirements::ticket_key(&tickets)?,
        passes: requirements::pass_keys(&passes)?,
    };
    let mut dependencies = vec![Dependency::Store("waitlist-store", waitlist.clone())];
    if let Some(stock) = &config.stores.stock {
        dependencies.push(Dependency::Store("stock-store", stock.clone()));
    }
    if let Some(purchase) = &config.gateway.purchase {
        dependencies.push(Dependency::Http("purchase", purchase.clone()));
    }
    let mut lifecycle = Lifecycle::new()?;
    Desk {
        token,
        metrics,
        listener,
    }
    .open(&mut lifecycle, dependencies)?;
    let stock = config.stores.stock.as_ref().map(Secret::reveal);
    wiring::gateways(
        &mut lifecycle,
        config.gateway,
        &keys,
        waitlist.reveal(),
        stock,
        doors,
    )?;
    tracing::info!(visitors = %address, "open");
    lifecycle.run(std::future::pending()).await
}
