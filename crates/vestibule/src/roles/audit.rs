//! `audit`: compares ledger, stock store and stream of every sale, and has differences repaired.
//!
//! A table for people, JSON for machines. Exit code 0: both sides agree; 1: they differ, or did and
//! something is left or has to be paid back; 2: it was not possible to look, or there is no such sale.
//! Runs beside everything else, at any time.

use std::{io::Write, process::ExitCode};

use entry_pass::KeyRing;
use purchase::{PassKeys, Purchase, Urls, audit::Audited, clock::Clock};
use toml::Value;

use super::{requirements, stores};
use crate::{
    config::{Flag, Layers},
    logging,
    roles::AuditOptions,
};

/// It was not possible to look.
const BLIND: u8 = 2;

/// Looks at every sale and prints what differs.
pub(crate) async fn run(options: AuditOptions) -> anyhow::Result<ExitCode> {
    match Box::pin(look(&options)).await {
        Ok(audited) => {
            let mut told = String::new();
            if options.json {
                told = serde_json::to_string_pretty(&audited)? + "\n";
            } else {
                for sale in &audited {
                    told += &sale.to_string();
                }
            }
            // Whoever reads may have gone (`| head`): the exit code is the answer all the same.
            let _ = std::io::stdout().write_all(told.as_bytes());
            let known = audited.iter().all(|sale| sale.known);
            let clean = audited.iter().all(Audited::clean);
            Ok(ExitCode::from(match (known, clean) {
                (_, false) => 1,
                (false, true) => BLIND,
                (true, true) => 0,
            }))
        }
        Err(error) => {
            eprintln!("vestibule: {error:#}");
            Ok(ExitCode::from(BLIND))
        }
    }
}

async fn look(options: &AuditOptions) -> anyhow::Result<Vec<Audited>> {
    let data = options.data.as_ref().map(|data| Flag {
        name: "--data",
        path: "data.dir",
        value: Value::String(data.display().to_string()),
    });
    let flags = data.into_iter().collect();
    let layers = Layers::read(options.config.as_deref(), Layers::environment(), flags)?;
    let (config, _) = layers.into_config(requirements::of_a_look)?;
    logging::start(&config.log)?;
    let urls = Urls {
        stock: stores::stock(&config)?,
        ledger: stores::ledger(&config)?,
    };
    // An audit checks no passes. A key that never signed one honours none.
    let passes = PassKeys {
        keys: KeyRing::from_pems([KeyRing::generate_pem()?.as_str()])?.public(),
        issuer: "nobody".to_owned(),
    };
    let purchase = Purchase::open(config.purchase, &urls, passes, Clock::System).await?;
    let mut all = Vec::new();
    for desk in purchase.desks() {
        all.push(purchase::audit::audit(&purchase, desk, options.repair).await?);
    }
    purchase.ledger().close().await;
    Ok(all)
}
