//! The stock: nothing sold twice, nobody beyond the limit, every unit in its place.

use std::collections::HashMap;

use super::{Case, Replay};
use crate::judge::Check;

pub(super) fn checks(case: &Case<'_>, replay: &Replay, checks: &mut Vec<Check>) {
    let mut oversold = replay.oversold.clone();
    let (mut crooked, mut differ) = (Vec::new(), Vec::new());
    let mut twice = replay.twice.clone();
    let mut owners: HashMap<(&str, u64), &str> = HashMap::new();
    let mut sold: HashMap<&str, u64> = HashMap::new();
    for order in case.rest.orders.values().filter(|order| !order.refunded) {
        *sold.entry(order.sku.as_str()).or_default() += order.units.len() as u64;
        for unit in &order.units {
            if let Some(other) = owners.insert((&order.sku, *unit), &order.reservation) {
                let (sku, one) = (&order.sku, &order.reservation);
                twice.push(format!("unit {unit} of {sku} is sold to {one} and {other}"));
            }
        }
    }
    for ware in &case.round.wares {
        let in_ledger = sold.get(ware.sku).copied().unwrap_or(0);
        if in_ledger > ware.supplied {
            let (sku, supplied) = (ware.sku, ware.supplied);
            oversold.push(format!("{in_ledger} of {supplied} {sku} are sold"));
        }
        let Some(now) = case.rest.figures.get(ware.sku) else {
            crooked.push(format!("nobody says what there is of {}", ware.sku));
            continue;
        };
        if now.held.saturating_add(now.sold) > ware.supplied {
            oversold.push(format!("{}: {now:?}", ware.sku));
        }
        let sum = now
            .available
            .checked_add(now.held)
            .and_then(|sum| sum.checked_add(now.sold));
        if sum != Some(ware.supplied) || now.supplied != ware.supplied {
            crooked.push(format!("{}: {now:?}", ware.sku));
        }
        if now.sold != in_ledger {
            differ.push(format!(
                "{}: {now:?}, and {in_ledger} in the ledger",
                ware.sku
            ));
        }
    }
    checks.push(Check::none(
        "oversold",
        "units sold or held beyond supply",
        oversold,
    ));
    checks.push(Check::none("duplicate_units", "units in two hands", twice));
    checks.push(Check::none(
        "over_limit",
        "persons beyond their limit",
        replay.beyond.clone(),
    ));
    checks.push(Check::none(
        "stock_adds_up",
        "skus where available + held + sold is not supplied",
        crooked,
    ));
    checks.push(Check::none(
        "stock_matches_ledger",
        "skus sold differently in the ledger",
        differ,
    ));
    let dead = case.rest.dead.clone();
    checks.push(Check::none(
        "dead_letters",
        "stock events that were set aside",
        dead,
    ));
    let left = case.rest.unrecorded;
    let left = (0..left.min(1))
        .map(|_| format!("{left} entries of the stream"))
        .collect();
    checks.push(Check::none(
        "unrecorded",
        "streams that did not run dry",
        left,
    ));
}
