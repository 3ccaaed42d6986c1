//! One binary: demo, serve, gateway, purchase, recorder, check, audit. Each role is a page of wiring.

mod cli;
mod clock;
mod config;
mod data_dir;
mod demo;
mod files;
mod json_client;
mod lifecycle;
mod logging;
mod openapi;
mod operator;
mod redis_child;
mod roles;
mod shop;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("vestibule: {error:#}");
            ExitCode::FAILURE
        }
    }
}
