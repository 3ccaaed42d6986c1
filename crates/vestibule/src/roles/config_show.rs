//! `config show`: every value in effect and where it came from.

use std::process::ExitCode;

use crate::{
    config::{Config, Layers, show},
    roles::RoleOptions,
};

/// Prints the configuration of a role that is given these flags. It need not be complete: what is
/// missing is the other roles' business.
pub(crate) fn run(options: &RoleOptions) -> anyhow::Result<ExitCode> {
    let flags = options.flags("listen.gateway");
    let layers = Layers::read(options.config.as_deref(), Layers::environment(), flags)?;
    let (config, layers) = layers.into_config(Config::complaints)?;
    print!("{}", show(&config, &layers)?);
    Ok(ExitCode::SUCCESS)
}
