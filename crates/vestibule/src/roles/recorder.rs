//! `recorder`: writes the stream of stock events to the ledger, and nothing else.
//!
//! Any number may run; one is active for each sale and the others stand by. With `--replay-dead` it
//! tries what was set aside again, with `--discard-dead` it discards one of these, and ends.

use std::process::ExitCode;

use entry_pass::KeyRing;

use super::requirements;
use crate::{
    config::Layers,
    lifecycle::Lifecycle,
    logging, operator,
    roles::RecorderOptions,
    wiring::{self, Counter, Desk},
};

mod dead_letters;

/// Runs until a signal, or until the dead letters are seen to.
pub(crate) async fn run(options: RecorderOptions) -> anyhow::Result<ExitCode> {
    if options.replay_dead {
        return dead_letters::replay(&options.common).await;
    }
    if let Some(which) = &options.discard_dead {
        return dead_letters::discard(&options.common, which).await;
    }
    let options = options.common;
    let flags = options.flags("listen.operator");
    let layers = Layers::read(options.config.as_deref(), Layers::environment(), flags)?;
    let (config, _) = layers.into_config(requirements::of_a_recorder)?;
    logging::start(&config.log)?;
    let metrics = operator::collect_metrics()?;
    let (listener, address) = wiring::bind(config.listen.operator, "--operator")?;

    let (Some(stock), Some(ledger), Some(token)) = (
        config.stores.stock,
        config.stores.ledger,
        config.operator.token,
    ) else {
        anyhow::bail!("the configuration was not judged");
    };
    // A recorder checks no passes. A key that never signed one honours none.
    let nobody = KeyRing::from_pems([KeyRing::generate_pem()?.as_str()])?.public();
    let mut lifecycle = Lifecycle::new()?;
    Counter {
        config: config.purchase,
        urls: purchase::Urls {
            stock: stock.reveal().to_owned(),
            ledger: ledger.reveal().to_owned(),
        },
        passes: purchase::PassKeys {
            keys: nobody,
            issuer: "nobody".to_owned(),
        },
    }
    .record(
        &mut lifecycle,
        Desk {
            token,
            metrics,
            listener,
        },
    )?;
    tracing::info!(operators = %address, "recording");
    lifecycle.run(std::future::pending()).await
}
