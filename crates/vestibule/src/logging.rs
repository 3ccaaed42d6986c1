//! Where the log goes: standard error, as text or as one JSON object a line.
//!
//! `RUST_LOG` wins over the configured filter, for the one night something must be seen. Colours are
//! for terminals only: in a file or a journal they are noise.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::Log;

/// Starts logging. A second call in one process changes nothing.
pub(crate) fn start(log: &Log) -> anyhow::Result<()> {
    let filter = match EnvFilter::try_from_default_env() {
        Ok(filter) => filter,
        Err(_) => EnvFilter::try_new(&log.filter)
            .map_err(|error| anyhow::anyhow!("log.filter: {error}"))?,
    };
    let colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // Both fail only when a log is started already.
    let _ = if log.json {
        lines.json().flatten_event(true).try_init()
    } else {
        lines.with_ansi(colours).with_target(false).try_init()
    };
    Ok(())
}
