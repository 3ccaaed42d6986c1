//! `crowd`: one share of the demo's visitors, started by the demo as a child process.

use std::{path::Path, process::ExitCode};

/// Plays the share in `plan`. Brings its own runtime.
pub(crate) fn run(plan: &Path) -> anyhow::Result<ExitCode> {
    loadtest::crowd::child(plan)?;
    Ok(ExitCode::SUCCESS)
}
