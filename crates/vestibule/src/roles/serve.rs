//! `serve`: everything in one process, for one shop on one machine.
//!
//! What the configuration does not give is made in the data directory: private Redis servers, a
//! SQLite ledger, keys, an operator token. What it gives is used. Growing out of one machine means
//! giving it, and then running the same parts as single roles.

use std::process::ExitCode;

use crate::{
    config::{Config, Layers, Secret},
    data_dir::DataDir,
    files,
    lifecycle::Lifecycle,
    logging,
    operator::{self, Dependency},
    redis_child::{Program, Purpose, RedisChild},
    roles::ServeOptions,
    roles::requirements,
    wiring::{self, Counter, Desk, Doors, SigningKeys},
};

/// Files beside the visitors' connections: stores, ledger, listeners.
const OTHER_FILES: u64 = 512;

/// Runs until a signal.
pub(crate) async fn run(options: ServeOptions) -> anyhow::Result<ExitCode> {
    let (file, flags) = options.settings();
    let mut layers = Layers::read(file.map(AsRef::as_ref), Layers::environment(), flags)?;
    // A room nobody named: visitors should not read our word for it.
    if layers.assume("serve", "gateway.rooms.0.id", "main") {
        layers.assume("serve", "gateway.rooms.0.title", "Waiting room");
    }
    // Known only once it listens; here it says that there is one.
    layers.assume("serve", "gateway.purchase", "http://127.0.0.1:7070");
    // Only this process talks to it: any free port will do.
    layers.assume("serve", "listen.purchase", "127.0.0.1:0");
    let (mut config, _) = layers.into_config(requirements::of_serve)?;
    logging::start(&config.log)?;
    files::allow(OTHER_FILES)?;
    let metrics = operator::collect_metrics()?;

    let doors = Doors::open(config.listen.gateway, config.listen.gateways)?;
    let (desk, operator_address) = wiring::bind(config.listen.operator, "--operator")?;
    let (counter, purchase_address) = wiring::bind(config.listen.purchase, "listen.purchase")?;
    let visitors = doors.address();

    let data = DataDir::open(&config.data.dir)?;
    let keys = keys(&config, &data)?;
    let token = if let Some(token) = config.operator.token.take() {
        token
    } else {
        let (token, file) = data.operator_token()?;
        tracing::info!(file = %file.display(), "operator token");
        Secret::from(token)
    };
    let mut children = Vec::new();
    let waitlist = store(
        Purpose::Waitlist,
        config.stores.waitlist.as_ref(),
        &data,
        &mut children,
    )?;
    let stock = store(
        Purpose::Stock,
        config.stores.stock.as_ref(),
        &data,
        &mut children,
    )?;
    let ledger = match &config.stores.ledger {
        Some(url) => url.reveal().to_owned(),
        None => format!("sqlite://{}", data.ledger().display()),
    };

    let sells = !config.purchase.sales.is_empty();
    config.gateway.purchase = Some(wiring::url_of(purchase_address)?).filter(|_| sells);
    let issuer = wiring::issuer(config.gateway.public_url.as_ref(), visitors);
    let mut lifecycle = Lifecycle::new()?;
    let shop = config
        .gateway
        .rooms
        .iter()
        .map(|r| Dependency::Http("shop", r.upstream.clone()));
    let dependencies = [Dependency::Store(
        "waitlist-store",
        Secret::from(waitlist.clone()),
    )];
    let dependencies = dependencies.into_iter().chain(shop).collect();
    Counter {
        config: config.purchase,
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
        &mut lifecycle,
        counter,
        Desk {
            token,
            metrics,
            listener: desk,
        },
        dependencies,
    )?;
    wiring::gateways(
        &mut lifecycle,
        config.gateway,
        &keys,
        &waitlist,
        // Also where nothing is sold: a room keeps there what it must never forget.
        Some(&stock),
        doors,
    )?;
    tracing::info!(%visitors, operators = %operator_address, data = %data.path().display(), "open");
    let code = lifecycle.run(std::future::pending()).await;
    // The stores go last: whoever drained above still needed them.
    drop(children);
    code
}

fn keys(config: &Config, data: &DataDir) -> anyhow::Result<SigningKeys> {
    Ok(SigningKeys {
        tickets: match &config.keys.tickets {
            Some(key) => requirements::ticket_key(key)?,
            None => data.ticket_key()?,
        },
        passes: match &config.keys.passes {
            Some(pems) => requirements::pass_keys(pems)?,
            None => data.pass_keys()?,
        },
    })
}

fn store(
    purpose: Purpose,
    url: Option<&Secret>,
    data: &DataDir,
    children: &mut Vec<RedisChild>,
) -> anyhow::Result<String> {
    if let Some(url) = url {
        return Ok(url.reveal().to_owned());
    }
    let child = RedisChild::start(&Program::find()?, purpose, data.path())?;
    tracing::info!(
        store = purpose.name(),
        "no URL configured: a private Redis is started"
    );
    let url = child.url();
    children.push(child);
    Ok(url)
}
