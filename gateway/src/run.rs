//! One gateway, from its configuration to its last request.

use std::{net::TcpListener, sync::Arc, time::Duration};

use entry_pass::{Issuer, KeyRing, Verifier};
use lua::Store;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Clock, Config, SystemClock, api,
    arrival::{NormaliseTarget, Rooms, Serving, serve},
    desk::Desk,
    gate::RequirePass,
    identify::{IdentifyVisitor, VisitorKey},
    limit::Limiter,
    offer::Passes,
    purchase_route::ServePurchase,
    room::Room,
    route::{FindRoom, ProxyToShop},
    stack::{Parts, stack},
    ticket::TicketKey,
    upstream::{Connections, Upstream},
};

/// How often full buckets are forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(5);
/// How long the last notes may take to be written when stopping.
const LAST_NOTES: Duration = Duration::from_secs(2);

/// What every gateway of an installation shares and nobody else may know.
#[derive(Clone)]
pub struct Secrets {
    /// Signs tickets and visitor cookies.
    pub ticket_key: [u8; 32],
    /// Signs entry passes.
    pub passes: Arc<KeyRing>,
}

/// Where the stores are: `redis://…` or `redis+unix://…`.
#[derive(Debug, Clone)]
pub struct StoreUrls {
    /// The line.
    pub waitlist: String,
    /// The stock; none where nothing is sold.
    pub stock: Option<String>,
}

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A store's URL is not one.
    #[error("{0}")]
    Store(#[from] lua::StoreError),
    /// The listener cannot be used.
    #[error("the listener cannot be used: {0}")]
    Listener(#[from] std::io::Error),
}

/// Serves until `stop`, then finishes what is in flight. Runs on the current runtime; a store that
/// is away at start is an outage like any other, with an honest page.
///
/// `issuer` of the passes is the configuration's public URL, or `http://` and the listener's
/// address.
pub async fn run(
    config: Arc<Config>,
    secrets: Secrets,
    urls: StoreUrls,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let waitlist = Store::connect(&urls.waitlist).await?;
    let stock = match &urls.stock {
        Some(url) => Some(Store::connect(url).await?),
        None => None,
    };
    let issuer = issuer(&config, &listener)?;
    let tasks = TaskTracker::new();
    // The line is told to stop only after the last request was answered: it may still need it.
    let background = CancellationToken::new();
    let clock: &dyn Clock = &SystemClock;
    let rooms = config
        .rooms
        .iter()
        .map(|room| {
            Room::start(
                room.clone(),
                &waitlist,
                stock.as_ref(),
                clock,
                &tasks,
                &background,
            )
        })
        .collect::<Result<Vec<_>, _>>()?;

    let tickets = TicketKey::new(&secrets.ticket_key);
    let visitors = VisitorKey::derive(&secrets.ticket_key);
    let public = secrets.passes.public();
    let jwks = public.to_jwks();
    let verifier = Verifier::new(public, &issuer, config.pass_cache);
    let desk = Arc::new(Desk {
        tickets: tickets.clone(),
        visitors: visitors.clone(),
        passes: Passes::new(Issuer::new(Arc::clone(&secrets.passes), &issuer), verifier),
    });
    let limiter = Arc::new(Limiter::new(&config.limits));
    let counter = Arc::new(api::Counter {
        desk: Arc::clone(&desk),
        rooms: rooms.clone(),
        jwks,
        openapi: match &config.openapi {
            Some(document) => document.clone(),
            None => api::own_document(),
        },
    });
    let connections = Connections::new(&config, tasks.clone(), background.child_token());
    let shops = config
        .rooms
        .iter()
        .map(|room| Upstream::new(connections.clone(), &room.upstream));
    let purchase = config.purchase.as_ref().map(|url| {
        (
            config.purchase_prefix.clone(),
            Upstream::new(connections.clone(), url),
        )
    });
    let service = stack(Parts {
        normalise: NormaliseTarget::new(&config),
        rooms: FindRoom::new(Rooms::new(&config.rooms), &rooms),
        identify: IdentifyVisitor::new(&config, visitors)
            .recognising_tickets(move |token| Some(tickets.read(token)?.visitor)),
        limiter: Arc::clone(&limiter),
        purchase_prefix: purchase.as_ref().map(|(prefix, _)| prefix.as_str().into()),
        waiting_room: api::router(counter, config.api_body_limit),
        purchase: ServePurchase::new(Arc::clone(&desk), &rooms, purchase),
        gate: RequirePass::new(desk),
        shop: ProxyToShop::new(shops.collect()),
    });

    let tidying = background.clone();
    tasks.spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(TIDY_EVERY) => limiter.tidy(),
                () = tidying.cancelled() => return,
            }
        }
    });

    serve(listener, service, Serving::from(&*config), stop).await?;
    background.cancel();
    tasks.close();
    if tokio::time::timeout(LAST_NOTES, tasks.wait())
        .await
        .is_err()
    {
        tracing::debug!("background work was still running when the gateway stopped");
    } else {
        for room in &rooms {
            room.close().await;
        }
    }
    Ok(())
}

/// The `iss` of passes.
fn issuer(config: &Config, listener: &TcpListener) -> Result<String, std::io::Error> {
    Ok(match &config.public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => format!("http://{}", listener.local_addr()?),
    })
}
