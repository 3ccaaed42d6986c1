//! Stock and ledger: every unit sold once, to one person, and everything told is on record.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    Allowed, Check, Evidence,
    holds::{Hold, confirmed, holds},
};

/// After its deadline a hold may stand this much longer.
const EXPIRY_GRACE_MS: u64 = 2000;

pub(super) fn checks(evidence: &Evidence<'_>, checks: &mut Vec<Check>) {
    let holds = holds(evidence);
    checks.push(sold(evidence));
    checks.push(oversold(evidence, &holds));
    checks.push(duplicate_units(&holds));
    checks.push(one_per_person(evidence, &holds));
    checks.push(lost_confirms(evidence));
    checks.push(untold_orders(evidence));
    checks.push(stock_adds_up(evidence));
    checks.push(stock_matches_ledger(evidence));
    checks.push(units_came_back(evidence, &holds));
}

/// Units in orders that were not refunded.
pub(crate) fn in_ledger(evidence: &Evidence<'_>) -> u64 {
    let live = evidence.orders.iter().filter(|order| !order.refunded);
    live.map(|order| u64::try_from(order.quantity).unwrap_or(0))
        .sum()
}

/// With at least as many willing to pay as units, all are sold; with fewer, at least theirs.
/// "At least", because a person in a browser may have bought one too.
fn sold(evidence: &Evidence<'_>) -> Check {
    let (stock, payers) = (evidence.plan.stock, evidence.plan.payers());
    let allowed = if payers >= stock {
        Allowed::Exactly(stock)
    } else {
        Allowed::AtLeast(payers)
    };
    Check::new(
        "sold",
        "units sold, by the ledger",
        in_ledger(evidence),
        allowed,
    )
}

fn oversold(evidence: &Evidence<'_>, holds: &[Hold<'_>]) -> Check {
    let stock = evidence.plan.stock;
    let told: u64 = holds
        .iter()
        .filter(|hold| hold.confirmed)
        .map(|hold| hold.units.len() as u64)
        .sum();
    let counts = evidence.counts;
    let over = [
        ("the ledger has sold", in_ledger(evidence), stock),
        ("visitors were told orders for", told, stock),
        (
            "the store has sold and held",
            counts.sold + counts.held,
            counts.supplied,
        ),
    ];
    let worst = over
        .iter()
        .map(|(_, sold, of)| sold.saturating_sub(*of))
        .max()
        .unwrap_or(0);
    let examples = over
        .iter()
        .filter(|(_, sold, of)| sold > of)
        .map(|(who, sold, of)| format!("{who} {sold} of {of} units"));
    Check::new(
        "oversold",
        "units sold beyond the stock",
        worst,
        Allowed::Exactly(0),
    )
    .with(examples.collect())
}

/// The same unit in two hands at once, or in anybody's after it was sold.
fn duplicate_units(holds: &[Hold<'_>]) -> Check {
    let mut by_unit: BTreeMap<u64, Vec<&Hold<'_>>> = BTreeMap::new();
    for hold in holds {
        for unit in hold.units {
            by_unit.entry(*unit).or_default().push(hold);
        }
    }
    let mut twice = Vec::new();
    for (unit, mut hands) in by_unit {
        hands.sort_by_key(|hold| hold.from);
        let mut longest: Option<&Hold<'_>> = None;
        for hold in hands {
            if let Some(other) = longest.filter(|other| other.until > hold.from) {
                twice.push(format!(
                    "unit {unit}: reservation {} of visitor {} and {} of visitor {}",
                    other.id, other.visitor, hold.id, hold.visitor
                ));
            }
            longest = longest
                .filter(|other| other.until >= hold.until)
                .or(Some(hold));
        }
    }
    Check::none("duplicate_units", "units given to two at once", twice)
}

fn one_per_person(evidence: &Evidence<'_>, holds: &[Hold<'_>]) -> Check {
    let limit = evidence.plan.policy.limit_per_person;
    let mut bought: BTreeMap<&str, i64> = BTreeMap::new();
    for order in evidence.orders.iter().filter(|order| !order.refunded) {
        *bought.entry(&order.person).or_default() += order.quantity;
    }
    let mut over: Vec<String> = bought
        .into_iter()
        .filter(|(_, units)| u64::try_from(*units).is_ok_and(|units| units > limit))
        .map(|(person, units)| format!("the ledger has {units} units for person {person}"))
        .collect();
    let mut by_visitor: BTreeMap<u32, Vec<&Hold<'_>>> = BTreeMap::new();
    for hold in holds {
        by_visitor.entry(hold.visitor).or_default().push(hold);
    }
    for (visitor, held) in by_visitor {
        // The most held at once is held at the moment one of them begins.
        let at_once = |at: u64| -> u64 {
            let standing = held
                .iter()
                .filter(|hold| hold.from <= at && at < hold.until);
            standing.map(|hold| hold.units.len().max(1) as u64).sum()
        };
        let most = held
            .iter()
            .map(|hold| at_once(hold.from))
            .max()
            .unwrap_or(0);
        if most > limit {
            over.push(format!("visitor {visitor} held {most} units at once"));
        }
    }
    Check::none("over_limit", "persons with more than their limit", over)
}

fn lost_confirms(evidence: &Evidence<'_>) -> Check {
    let ledger: HashMap<&str, _> = evidence
        .orders
        .iter()
        .map(|order| (order.id.as_str(), order))
        .collect();
    let mut lost = Vec::new();
    let mut judged = HashSet::new();
    for (answer, order) in confirmed(evidence) {
        if !judged.insert(order) {
            continue;
        }
        let deal = answer.deal.as_deref();
        let told_reservation = deal.and_then(|deal| deal.reservation.as_deref());
        let told_payment = deal.and_then(|deal| deal.payment_ref.as_deref());
        match ledger.get(order) {
            None => lost.push(format!("order {order} of visitor {}", answer.visitor)),
            Some(row) if told_reservation.is_some_and(|told| told != row.reservation_id) => lost
                .push(format!(
                    "order {order} is recorded for reservation {}",
                    row.reservation_id
                )),
            Some(row) if told_payment != row.payment_ref.as_deref() => {
                lost.push(format!("order {order} is recorded with another payment"));
            }
            Some(_) => {}
        }
    }
    Check::none(
        "lost_confirms",
        "confirms answered 200 that the ledger lacks",
        lost,
    )
}

/// Not a breach: an answer may be lost on its way, and people without a log buy too.
fn untold_orders(evidence: &Evidence<'_>) -> Check {
    let told: HashSet<&str> = confirmed(evidence).map(|(_, order)| order).collect();
    let untold: Vec<String> = evidence
        .orders
        .iter()
        .filter(|order| !told.contains(order.id.as_str()))
        .map(|order| format!("order {} of person {}", order.id, order.person))
        .collect();
    let promise = "orders in the ledger that no visitor was told of";
    Check::new("untold_orders", promise, untold.len() as u64, Allowed::Any).with(untold)
}

fn stock_adds_up(evidence: &Evidence<'_>) -> Check {
    let counts = evidence.counts;
    let sum = counts.available + counts.held + counts.sold;
    let supplied = [counts.supplied, evidence.plan.stock];
    let off = supplied
        .iter()
        .map(|supplied| sum.abs_diff(*supplied))
        .max()
        .unwrap_or(0);
    let words = format!(
        "{} available + {} held + {} sold, {} supplied, {} planned",
        counts.available, counts.held, counts.sold, counts.supplied, evidence.plan.stock
    );
    Check::new(
        "stock_adds_up",
        "units missing or too many in the store",
        off,
        Allowed::Exactly(0),
    )
    .with((off > 0).then_some(words).into_iter().collect())
}

fn stock_matches_ledger(evidence: &Evidence<'_>) -> Check {
    let (store, ledger) = (evidence.counts.sold, in_ledger(evidence));
    let off = store.abs_diff(ledger);
    let words = format!("{store} sold in the store, {ledger} in the ledger");
    let promise = "difference between the store's sold units and the ledger's";
    Check::new("stock_matches_ledger", promise, off, Allowed::Exactly(0))
        .with((off > 0).then_some(words).into_iter().collect())
}

/// Units still held although every hold the crowd knows of has run out, been paid, or was given
/// back: they have not come back to the stock.
fn units_came_back(evidence: &Evidence<'_>, holds: &[Hold<'_>]) -> Check {
    let as_of = evidence.counts.as_of;
    let standing: u64 = holds
        .iter()
        .filter(|hold| !hold.confirmed && hold.expires_at + EXPIRY_GRACE_MS >= as_of)
        .map(|hold| hold.units.len().max(1) as u64)
        .sum();
    let stuck = evidence.counts.held.saturating_sub(standing);
    let late: Vec<String> = holds
        .iter()
        .filter(|hold| !hold.confirmed && hold.expires_at + EXPIRY_GRACE_MS < as_of)
        .map(|hold| {
            format!(
                "reservation {} of visitor {} was never paid",
                hold.id, hold.visitor
            )
        })
        .collect();
    Check::new(
        "units_stuck",
        "unpaid units that did not come back",
        stuck,
        Allowed::Exactly(0),
    )
    .with(if stuck > 0 { late } else { Vec::new() })
}
