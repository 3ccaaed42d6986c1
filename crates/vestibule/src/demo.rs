//! `demo`: the whole journey on one machine, with a crowd to try it and a judge to check it.
//!
//! Private Redis servers, a SQLite ledger, a shop, the purchase service and gateways run in this
//! process; the crowd comes in child processes over real HTTP, while a person may open the page,
//! wait in the same line and buy. Nothing here is special to the demo but the shop and the crowd:
//! the services are wired exactly as `serve` wires them.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;

mod figures;
mod options;
mod progress;
mod rush;
mod sale;
mod settings;

pub(crate) use options::Options;

use crate::{
    config::{Log, Secret},
    data_dir::DataDir,
    files,
    lifecycle::Lifecycle,
    logging,
    operator::{self, Dependency},
    redis_child, shop,
    wiring::{self, Counter, Desk, Doors, SigningKeys},
};

/// Beside the progress line only what went wrong. That the demo speaks plain http did not.
const QUIET: &str = "warn,gateway::identify=error";

/// What the demo found free and where it put things; for the person and for the crowd.
pub(crate) struct Stage {
    visitors: SocketAddr,
    operator: SocketAddr,
    token: String,
}

/// Addresses taken before anything has started, so that a taken port is one sentence.
struct Sockets {
    doors: Doors,
    desk: (TcpListener, SocketAddr),
    counter: (TcpListener, SocketAddr),
    shop: (TcpListener, SocketAddr),
}

impl Sockets {
    fn take(options: &Options) -> anyhow::Result<Self> {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Ok(Self {
            doors: Doors::open(options.listen, options.gateways.into())?,
            desk: wiring::bind(options.operator, "--operator")?,
            counter: wiring::bind(loopback, "another address")?,
            shop: wiring::bind(loopback, "another address")?,
        })
    }
}

/// Runs until a signal, or with `--exit` until the crowd has gone home and been judged.
pub(crate) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    logging::start(&Log {
        filter: QUIET.to_owned(),
        json: false,
    })?;
    files::allow(rush::files_needed(&options))?;
    let sockets = Sockets::take(&options)?;
    let data = match &options.data {
        Some(path) => DataDir::open(path)?,
        None => DataDir::temporary()?,
    };
    let (token, token_file) = match &options.operator_token_file {
        Some(file) => (read_token(file)?, file.clone()),
        None => data.operator_token()?,
    };
    let stage = Stage {
        visitors: sockets.doors.address(),
        operator: sockets.desk.1,
        token,
    };
    let private = redis_child::Pair::start(data.path())?;
    let mut lifecycle = Lifecycle::new()?;
    let counters = Arc::new(shop::Counters::default());
    services(
        &options,
        sockets,
        &stage,
        &data,
        &private,
        &counters,
        &mut lifecycle,
    )?;
    announce(&options, &stage, &data, &token_file, &private)?;
    let code = lifecycle
        .run(async {
            let desk = sale::Desk::new(&stage);
            desk.wait_until_open().await?;
            desk.supply(options.stock).await?;
            let kept = rush::rush(&options, &stage, &desk, &data, &counters, &private).await?;
            if options.exit {
                return Ok(if kept {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::FAILURE
                });
            }
            println!("\nThe shop stays open. Ctrl-C ends it.");
            std::future::pending().await
        })
        .await;
    // The stores go last: whoever drained above still needed them.
    drop(private);
    code
}

/// Starts the shop, the purchase service with the operators' desk, and the gateways.
fn services(
    options: &Options,
    sockets: Sockets,
    stage: &Stage,
    data: &DataDir,
    private: &redis_child::Pair,
    counters: &Arc<shop::Counters>,
    lifecycle: &mut Lifecycle,
) -> anyhow::Result<()> {
    let Sockets {
        doors,
        desk,
        counter,
        shop,
    } = sockets;
    let keys = SigningKeys {
        tickets: data.ticket_key()?,
        passes: data.pass_keys()?,
    };
    let (waitlist, stock) = (private.waitlist.url(), private.stock.url());
    let purchase_url = wiring::url_of(counter.1)?;
    let gateway = settings::gateway(options, &purchase_url, &wiring::url_of(shop.1)?)?;
    let issuer = wiring::issuer(gateway.public_url.as_ref(), stage.visitors);

    let upstream = shop::Settings {
        room: settings::room(),
        sku: settings::sku(),
        gateway: wiring::url_of(stage.visitors)?,
        issuer: issuer.clone(),
        keys: keys.passes.public(),
        purchase: purchase_url,
    };
    let (witness, stop) = (Arc::clone(counters), lifecycle.stop());
    lifecycle.spawn("shop", move || shop::run(upstream, witness, shop.0, stop))?;

    let desk = Desk {
        token: Secret::from(stage.token.clone()),
        metrics: operator::collect_metrics()?,
        listener: desk.0,
    };
    let ledger = format!("sqlite://{}", data.ledger().display());
    Counter {
        config: settings::purchase(options)?,
        urls: purchase::Urls {
            stock: stock.clone(),
            ledger,
        },
        passes: purchase::PassKeys {
            keys: keys.passes.public(),
            issuer,
        },
    }
    .serve(
        lifecycle,
        counter.0,
        desk,
        vec![Dependency::Store(
            "waitlist-store",
            Secret::from(waitlist.clone()),
        )],
    )?;
    wiring::gateways(lifecycle, gateway, &keys, &waitlist, Some(&stock), doors)
}

fn read_token(file: &Path) -> anyhow::Result<String> {
    let token = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let token = token.trim();
    anyhow::ensure!(
        !token.is_empty(),
        "{} is empty: it must hold the operators' token",
        file.display()
    );
    Ok(token.to_owned())
}

fn announce(
    options: &Options,
    stage: &Stage,
    data: &DataDir,
    token_file: &Path,
    private: &redis_child::Pair,
) -> anyhow::Result<()> {
    println!("The shop     {}", wiring::url_of(stage.visitors)?);
    println!(
        "Operators    {} (token in {})",
        wiring::url_of(stage.operator)?,
        token_file.display()
    );
    let life = if options.data.is_some() {
        "kept"
    } else {
        "removed at the end; --data keeps it"
    };
    println!("Data         {} ({life})", data.path().display());
    println!(
        "Stores       private {}, ledger {}",
        private.describe(),
        data.ledger().display()
    );
    println!(
        "For sale     {} units, {} let in every {} s, at most {} inside\n",
        options.stock,
        options.batch,
        options.every.as_secs_f64(),
        options.capacity
    );
    Ok(())
}
