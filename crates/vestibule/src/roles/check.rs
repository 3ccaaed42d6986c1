//! `check`: everything a start would stumble over, looked at and not changed.
//!
//! One line a finding, `ok`, `warn` or `fail`; exit code 1 if anything fails. What is refused here
//! is refused because it loses places or stock without a word, such as a Redis that evicts.

use std::{fmt, path::Path, process::ExitCode, time::Duration};

use lua::server::Purpose;
use rustix::process::{Resource, getrlimit};

use crate::{
    config::{Config, ConfigError, Layers},
    operator::connect,
    roles::RoleOptions,
};

mod ledger;
mod store;

/// Files a gateway needs beside two for each visitor: the connection and the one to the shop.
const OTHER_FILES: u64 = 256;
/// Longest wait for one server.
const LIMIT: Duration = Duration::from_secs(3);

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Ok,
    Warn,
    Fail,
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        })
    }
}

/// What was found, in the order looked.
#[derive(Default)]
struct Findings(Vec<(Weight, String)>);

impl Findings {
    fn add(&mut self, weight: Weight, what: impl Into<String>) {
        self.0.push((weight, what.into()));
    }

    fn judge(&mut self, good: bool, otherwise: Weight, what: impl Into<String>) {
        self.add(if good { Weight::Ok } else { otherwise }, what);
    }

    fn worst(&self) -> Weight {
        self.0
            .iter()
            .map(|(weight, _)| *weight)
            .max()
            .unwrap_or(Weight::Ok)
    }
}

/// Checks and prints.
pub(crate) async fn run(options: RoleOptions) -> anyhow::Result<ExitCode> {
    let mut findings = Findings::default();
    let flags = options.flags("listen.gateway");
    let read = Layers::read(options.config.as_deref(), Layers::environment(), flags)
        .and_then(|layers| layers.into_config(Config::complaints));
    match read {
        Ok((config, _)) => {
            findings.add(Weight::Ok, from(options.config.as_deref()));
            everything(&config, &mut findings).await;
        }
        Err(ConfigError::Complaints(all)) => {
            for complaint in all {
                findings.add(Weight::Fail, complaint);
            }
        }
        Err(error) => findings.add(Weight::Fail, error.to_string()),
    }
    for (weight, what) in &findings.0 {
        println!("{weight:<4}  {what}");
    }
    Ok(if findings.worst() == Weight::Fail {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn from(file: Option<&Path>) -> String {
    match file {
        Some(path) => format!("configuration {} is understood", path.display()),
        None => "no --config: defaults and variables only".to_owned(),
    }
}

async fn everything(config: &Config, findings: &mut Findings) {
    files(config, findings);
    let stores = &config.stores;
    store::check(Purpose::Waitlist, stores.waitlist.as_ref(), findings).await;
    store::check(Purpose::Stock, stores.stock.as_ref(), findings).await;
    ledger::check(stores.ledger.as_ref(), findings).await;
    if config.gateway.rooms.is_empty() {
        findings.add(
            Weight::Warn,
            "gateway.rooms: none; a gateway needs one, serve can make one with --upstream URL",
        );
    }
    for room in &config.gateway.rooms {
        let what = format!("upstream {} of room {}", room.upstream, room.id);
        match tokio::time::timeout(LIMIT, connect(&room.upstream)).await {
            Ok(Ok(())) => findings.add(Weight::Ok, what),
            Ok(Err(why)) => findings.add(Weight::Fail, format!("{what}: {why}")),
            Err(_) => findings.add(Weight::Fail, format!("{what}: no answer")),
        }
    }
    proxies(config, findings);
}

fn files(config: &Config, findings: &mut Findings) {
    let limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    let gateways = match config.listen.gateways {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        n => n,
    };
    let needed = 2 * (config.gateway.max_connections * gateways) as u64 + OTHER_FILES;
    findings.judge(
        allowed >= needed,
        Weight::Warn,
        format!("open files: {allowed} allowed, {needed} needed for {gateways} full gateways"),
    );
}

fn proxies(config: &Config, findings: &mut Findings) {
    let trusted = &config.gateway.trusted_proxies;
    let everybody = trusted.iter().any(|network| network.prefix_len() == 0);
    if everybody {
        findings.add(
            Weight::Fail,
            "trusted_proxies: everybody is trusted, so anybody can pretend any address",
        );
    } else if trusted.is_empty() {
        findings.add(
            Weight::Ok,
            "trusted_proxies: none; X-Forwarded-* is believed from nobody",
        );
    } else {
        findings.add(
            Weight::Ok,
            format!("trusted_proxies: {} networks", trusted.len()),
        );
    }
    let plain = config
        .gateway
        .public_url
        .as_ref()
        .is_none_or(|url| url.scheme() == "http");
    if plain && trusted.is_empty() {
        findings.add(
            Weight::Warn,
            "public_url: not https, so cookies travel without Secure",
        );
    }
}
