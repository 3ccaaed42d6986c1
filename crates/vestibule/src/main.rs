//! One binary: demo, serve, gateway, purchase, recorder, check. Each role is a page of wiring.

mod cli;
mod clock;
mod config;
mod data_dir;
mod demo;
mod lifecycle;
mod logging;
mod operator;
mod redis_child;
mod roles;
mod shop;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

/// This runtime only waits: for signals, for the crowd. Each role has a thread and runtime of its own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match cli::Cli::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("vestibule: {error:#}");
            ExitCode::FAILURE
        }
    }
}
