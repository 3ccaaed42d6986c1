//! `purchase`: reserve, confirm and cancel, behind the gateways.

use std::process::ExitCode;

use super::requirements;
use crate::{
    config::Layers,
    lifecycle::Lifecycle,
    logging, operator,
    roles::RoleOptions,
    wiring::{self, Counter, Desk},
};

/// Runs until a signal.
pub(crate) async fn run(options: RoleOptions) -> anyhow::Result<ExitCode> {
    let flags = options.flags("listen.purchase");
    let layers = Layers::read(options.config.as_deref(), Layers::environment(), flags)?;
    let (config, _) = layers.into_config(requirements::of_a_purchase_service)?;
    logging::start(&config.log)?;
    let metrics = operator::collect_metrics()?;
    let (counter, address) = wiring::bind(config.listen.purchase, "--listen")?;
    let (listener, _) = wiring::bind(config.listen.operator, "--operator")?;

    let keys = requirements::public_keys(&config);
    let (Some(stock), Some(ledger), Some(keys), Some(token)) = (
        config.stores.stock,
        config.stores.ledger,
        keys,
        config.operator.token,
    ) else {
        anyhow::bail!("the configuration was not judged");
    };
    let issuer = wiring::issuer(config.gateway.public_url.as_ref(), address);
    let mut lifecycle = Lifecycle::new()?;
    Counter {
        config: config.purchase,
        urls: purchase::Urls {
            stock: stock.reveal().to_owned(),
            ledger: ledger.reveal().to_owned(),
        },
        passes: purchase::PassKeys { keys, issuer },
    }
    .serve(
        &mut lifecycle,
        counter,
        Desk {
            token,
            metrics,
            listener,
        },
        Vec::new(),
    )?;
    tracing::info!(%address, "open");
    lifecycle.run(std::future::pending()).await
}
