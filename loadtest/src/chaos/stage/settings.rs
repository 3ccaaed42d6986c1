//! The configuration file of one process on the stage.

use std::{fmt::Write, net::SocketAddr};

use super::{super::plan::Round, Door};

/// The passes' issuer.
pub(crate) const ISSUER: &str = "https://chaos.example";
/// The room the sale is offered through.
pub(crate) const ROOM: &str = "main";

/// Shorter than by default, so that a run sees more changes of hands.
const LEASE: &str = "2s";

/// What differs between them.
pub(crate) struct Settings<'a> {
    pub(crate) round: &'a Round,
    pub(crate) door: Door,
    /// The process' link to the stock store.
    pub(crate) stock: SocketAddr,
    pub(crate) ledger: &'a str,
    pub(crate) records: bool,
    pub(crate) jwks: &'a str,
    pub(crate) token: &'a str,
}

impl Settings<'_> {
    pub(crate) fn to_toml(&self) -> String {
        let Self {
            round,
            door,
            stock,
            ledger,
            records,
            jwks,
            token,
        } = self;
        let (buyers, operator, sale) = (door.buyers, door.operator, &round.sale);
        let mut text = format!(
            "[listen]\npurchase = \"{buyers}\"\noperator = \"{operator}\"\n\
             [stores]\nstock = \"redis://{stock}/0\"\nledger = \"{ledger}\"\n\
             [keys]\njwks = '{jwks}'\n[operator]\ntoken = \"{token}\"\n\
             [gateway]\npublic_url = \"{ISSUER}\"\n\
             [purchase]\nrecorder = {records}\nrecorder_lease = \"{LEASE}\"\nconfirm_wait = \"1s\"\n\
             [purchase.sales.{sale}]\nroom = \"{ROOM}\"\nhold_ttl = \"{}ms\"\n\
             confirm_by = \"visitor\"\n",
            round.hold_ttl_ms
        );
        for ware in &round.wares {
            let _ = writeln!(
                text,
                "[purchase.sales.{sale}.skus.{}]\nsupplied = {}\nlimit_per_person = {}",
                ware.sku, ware.supplied, ware.limit
            );
        }
        text
    }
}
