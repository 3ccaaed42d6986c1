//! The stores of a sale that is there already, for commands that look at them from outside: the
//! configured ones, or those that `serve` keeps in its data directory. None is made: an empty ledger
//! made here would be one in which all is well.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use purchase::ledger::Ledger;

use crate::{config::Config, data_dir::LEDGER, redis_child::Purpose};

/// The ledger's URL.
pub(super) fn ledger(config: &Config) -> anyhow::Result<String> {
    let Some(url) = &config.stores.ledger else {
        let file = kept(config, "stores.ledger", Path::new(LEDGER))?;
        return Ok(format!("sqlite://{}", file.display()));
    };
    let url = url.reveal();
    if let Some(file) = Ledger::file(url) {
        fs::metadata(&file).with_context(|| format!("stores.ledger: {}", file.display()))?;
    }
    Ok(url.to_owned())
}

/// The stock store's URL.
pub(super) fn stock(config: &Config) -> anyhow::Result<String> {
    if let Some(url) = &config.stores.stock {
        return Ok(url.reveal().to_owned());
    }
    let socket = kept(config, "stores.stock", &Purpose::Stock.socket())?;
    Ok(format!("redis+unix://{}", socket.display()))
}

fn kept(config: &Config, setting: &str, name: &Path) -> anyhow::Result<PathBuf> {
    let file = config.data.dir.join(name);
    file.canonicalize()
        .with_context(|| format!("{setting} is not set, and {}", file.display()))
}
