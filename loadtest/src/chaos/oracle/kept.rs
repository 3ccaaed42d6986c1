//! What was answered is kept: holds, orders, cancels, refunds; and nothing happened unasked.

use std::collections::{HashMap, HashSet};

use super::{Ask, Case, Heard, Held};
use crate::judge::Check;

pub(super) fn checks(case: &Case<'_>, held: &HashMap<String, Held<'_>>, checks: &mut Vec<Check>) {
    let (mut confirmed, mut confirming) = (Vec::new(), Vec::new());
    for heard in case.asked(Ask::Confirm) {
        let lost = match heard.status {
            200 => &mut confirmed,
            202 if !case.may_be_lost(heard.asked) => &mut confirming,
            _ => continue,
        };
        if !in_ledger(case, heard) {
            lost.push(heard.line());
        }
    }
    let sold: HashSet<&str> = case
        .asked(Ask::Confirm)
        .filter(|heard| heard.status == 200)
        .map(|heard| heard.reservation.as_str())
        .collect();
    for read in &case.rest.reads {
        let stands = ["confirmed", "refunded"].contains(&read.word.as_str());
        if sold.contains(read.reservation.as_str()) && !(read.status == 200 && stands) {
            confirmed.push(read.line());
        }
    }
    checks.push(Check::none(
        "lost_confirms",
        "confirms answered 200 and lost",
        confirmed,
    ));
    checks.push(Check::none(
        "lost_confirming",
        "confirms answered 202 and lost, though nothing was wiped",
        confirming,
    ));

    let lost = held.iter().filter_map(|(id, held)| {
        let same = case.rest.holds.get(id).is_some_and(|row| {
            (&row.person, &row.sku, &row.units)
                == (&held.heard.person, &held.heard.sku, &held.units)
        });
        (!same && !case.may_be_lost(held.heard.asked)).then(|| held.heard.line())
    });
    checks.push(Check::none(
        "lost_holds",
        "holds answered 201 and lost, though nothing was wiped",
        lost.collect(),
    ));
    checks.push(Check::none(
        "undone",
        "cancels and refunds answered and not so",
        undone(case),
    ));
    checks.push(Check::none(
        "unasked",
        "orders and refunds that nobody asked for",
        unasked(case),
    ));
}

/// A refunded order was one.
fn in_ledger(case: &Case<'_>, heard: &Heard) -> bool {
    let order = case.rest.orders.get(&heard.reservation);
    order.is_some_and(|order| order.payment_ref == heard.payment_ref)
}

fn undone(case: &Case<'_>) -> Vec<String> {
    let mut undone = Vec::new();
    for heard in case.asked(Ask::Cancel).filter(|heard| heard.status == 200) {
        let state = case
            .rest
            .holds
            .get(&heard.reservation)
            .map(|row| row.state.as_str());
        // A cancel is not awaited by the ledger: after a wipe the hold is back, and runs out.
        let excused = case.may_be_lost(heard.asked) && matches!(state, None | Some("expired"));
        if state != Some("cancelled") && !excused {
            undone.push(format!(
                "{}; it is {}",
                heard.line(),
                state.unwrap_or("gone")
            ));
        }
    }
    for heard in case.asked(Ask::Refund) {
        let sure = match heard.status {
            200 => true,
            202 => !case.may_be_lost(heard.asked),
            _ => false,
        };
        let order = case.rest.orders.get(&heard.reservation);
        if sure && order.is_none_or(|order| !order.refunded) {
            undone.push(heard.line());
        }
    }
    undone
}

fn unasked(case: &Case<'_>) -> Vec<String> {
    let asked = |ask: Ask| -> HashMap<&str, &str> {
        let asked = case.asked(ask);
        asked
            .map(|heard| (heard.reservation.as_str(), heard.payment_ref.as_str()))
            .collect()
    };
    let (confirms, refunds) = (asked(Ask::Confirm), asked(Ask::Refund));
    let orders = case.rest.orders.values().filter(|order| {
        let id = order.reservation.as_str();
        confirms.get(id) != Some(&order.payment_ref.as_str())
            || (order.refunded && !refunds.contains_key(id))
    });
    orders.map(|order| format!("{order:?}")).collect()
}
