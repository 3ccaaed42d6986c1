//! What a single role must be given, since it may neither start a store nor make a key.
//!
//! Two gateways with keys of their own would each refuse the other's tickets, and two with Redis
//! servers of their own would be two lines. So a single role refuses to start without them, and says
//! everything that is missing at once.

use std::sync::Arc;

use entry_pass::{KeyRing, PublicKeys};

use crate::{
    config::{Config, Secret},
    data_dir::parse_ticket_key,
};

/// Complaints of the gateway role.
pub(super) fn of_a_gateway(config: &Config) -> Vec<String> {
    let mut all = Complaints(config.gateway_complaints().collect());
    all.need(
        "stores.waitlist",
        config.stores.waitlist.is_some(),
        "a Redis URL",
    );
    let sells = config.gateway.rooms.iter().any(|room| room.sale.is_some());
    if sells {
        all.need(
            "stores.stock",
            config.stores.stock.is_some(),
            "a Redis URL, since a room has a sale",
        );
    }
    all.secret(
        "keys.tickets",
        config.keys.tickets.as_ref(),
        "64 hexadecimal digits, the same for every gateway",
        |key| ticket_key(key).is_ok(),
    );
    all.secret(
        "keys.passes",
        config.keys.passes.as_ref(),
        "a P-256 private key in PKCS#8 PEM form, the same for every gateway",
        |key| pass_keys(key).is_ok(),
    );
    all.token(config);
    all.0
}

/// Complaints of the purchase role.
pub(super) fn of_a_purchase_service(config: &Config) -> Vec<String> {
    let mut all = Complaints(config.purchase_complaints().collect());
    all.stock_and_ledger(config);
    all.need(
        "purchase.sales",
        !config.purchase.sales.is_empty(),
        "at least one sale",
    );
    all.need(
        "gateway.public_url",
        config.gateway.public_url.is_some(),
        "the gateways' public URL: it is in every pass",
    );
    let keys = public_keys(config);
    all.need(
        "keys.jwks",
        keys.is_some(),
        "the gateways' JWKS document (or keys.passes)",
    );
    all.token(config);
    all.0
}

/// Complaints of the recorder role.
pub(super) fn of_a_recorder(config: &Config) -> Vec<String> {
    let mut all = Complaints(config.purchase_complaints().collect());
    all.stock_and_ledger(config);
    all.need(
        "purchase.sales",
        !config.purchase.sales.is_empty(),
        "at least one sale",
    );
    all.token(config);
    all.0
}

/// Complaints of what looks at a sale from outside, at the stores there are (`stores.rs`).
pub(super) fn of_a_look(config: &Config) -> Vec<String> {
    let mut all = Complaints(config.purchase_complaints().collect());
    all.need(
        "purchase.sales",
        !config.purchase.sales.is_empty(),
        "at least one sale",
    );
    all.0
}

/// Complaints of `serve`: with both sides in one process, each room's sale must be one that is
/// sold, and back.
pub(super) fn of_serve(config: &Config) -> Vec<String> {
    let parts = config
        .gateway_complaints()
        .chain(config.purchase_complaints());
    let mut all = Complaints(parts.collect());
    if config.gateway.rooms.is_empty() {
        all.0
            .push("--upstream URL makes a room for the shop there".to_owned());
    }
    for (at, room) in config.gateway.rooms.iter().enumerate() {
        if let Some(sale) = &room.sale {
            let known = config.purchase.sales.get(sale);
            all.need(
                &format!("gateway.rooms[{at}].sale"),
                known.is_some_and(|sale| sale.room == room.id),
                &format!(
                    "a sale of this room: purchase.sales.{sale} with room = \"{}\"",
                    room.id
                ),
            );
        }
    }
    for (id, sale) in &config.purchase.sales {
        let offered = config
            .gateway
            .rooms
            .iter()
            .any(|room| room.sale.as_ref() == Some(id));
        all.need(
            &format!("purchase.sales.{id}"),
            offered,
            &format!(
                "a room that leads to it: sale = \"{id}\" in room {}",
                sale.room
            ),
        );
    }
    for (path, good) in [
        (
            "keys.tickets",
            config
                .keys
                .tickets
                .as_ref()
                .is_none_or(|key| ticket_key(key).is_ok()),
        ),
        (
            "keys.passes",
            config
                .keys
                .passes
                .as_ref()
                .is_none_or(|key| pass_keys(key).is_ok()),
        ),
    ] {
        all.need(path, good, "a key, or nothing at all (then one is made)");
    }
    all.0
}

/// The key tickets are signed with.
pub(super) fn ticket_key(key: &Secret) -> anyhow::Result<[u8; 32]> {
    parse_ticket_key(key.reveal())
        .ok_or_else(|| anyhow::anyhow!("keys.tickets: must be 64 hexadecimal digits"))
}

/// The keys passes are signed with: one PEM after another, the newest first.
pub(super) fn pass_keys(pems: &Secret) -> anyhow::Result<Arc<KeyRing>> {
    const END: &str = "-----END PRIVATE KEY-----";
    let pems = pems
        .reveal()
        .split_inclusive(END)
        .filter(|pem| pem.contains(END));
    Ok(Arc::new(KeyRing::from_pems(pems)?))
}

/// The keys passes are checked with: the JWKS, or the public half of the private keys.
pub(super) fn public_keys(config: &Config) -> Option<PublicKeys> {
    match (&config.keys.jwks, &config.keys.passes) {
        (Some(jwks), _) => PublicKeys::from_jwks(jwks).ok(),
        (None, Some(pems)) => pass_keys(pems).ok().map(|ring| ring.public()),
        (None, None) => None,
    }
}

struct Complaints(Vec<String>);

impl Complaints {
    fn need(&mut self, path: &str, there: bool, what: &str) {
        if !there {
            self.0.push(format!("{path}: must be {what}"));
        }
    }

    fn secret(
        &mut self,
        path: &str,
        value: Option<&Secret>,
        what: &str,
        good: impl FnOnce(&Secret) -> bool,
    ) {
        self.need(path, value.is_some_and(good), what);
    }

    fn stock_and_ledger(&mut self, config: &Config) {
        self.need("stores.stock", config.stores.stock.is_some(), "a Redis URL");
        self.need(
            "stores.ledger",
            config.stores.ledger.is_some(),
            "a URL, sqlite:///path or postgres://…",
        );
    }

    fn token(&mut self, config: &Config) {
        let long = config
            .operator
            .token
            .as_ref()
            .is_some_and(|token| token.reveal().len() >= 16);
        self.need("operator.token", long, "a secret of at least 16 characters");
    }
}
