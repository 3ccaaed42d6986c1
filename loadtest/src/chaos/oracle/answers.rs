//! The answers themselves: one key, one reservation; no refusal without its reason; no 5xx but an
//! honest 503.

use std::collections::HashMap;

use super::{Ask, Case, Heard, Held, Replay};
use crate::judge::Check;

pub(super) fn checks(
    case: &Case<'_>,
    held: &HashMap<String, Held<'_>>,
    replay: &Replay,
    checks: &mut Vec<Check>,
) {
    checks.push(Check::none(
        "repeats_differ",
        "keys with two answers or reservations",
        keys(case),
    ));
    let refused = case.asked(Ask::Reserve).filter(|heard| heard.status == 409);
    checks.push(Check::none(
        "false_refusals",
        "sold-out, not-enough or limit-reached that was not so",
        refused
            .filter(|heard| is_false(case, replay, heard))
            .map(Heard::line)
            .collect(),
    ));
    let unexplained = case.heard.iter().filter(|heard| heard.is_definite());
    checks.push(Check::none(
        "unexplained",
        "answers that nothing the buyer did explains",
        unexplained
            .filter(|heard| !explained(case, held, heard))
            .map(Heard::line)
            .collect(),
    ));
    let dishonest = case.heard.iter().filter(|heard| match heard.status {
        503 => !heard.retry_after,
        status => status >= 500,
    });
    checks.push(Check::none(
        "dishonest_errors",
        "5xx other than a 503 that says when to come back",
        dishonest.map(Heard::line).collect(),
    ));
    let mut last: HashMap<(Ask, &str, &str), &Heard> = HashMap::new();
    for heard in case.heard {
        last.insert((heard.ask, &heard.key, &heard.reservation), heard);
    }
    let unsettled = last.values().filter(|heard| !heard.is_definite());
    checks.push(Check::none(
        "unsettled",
        "requests whose outcome was never known",
        unsettled.map(|heard| heard.line()).collect(),
    ));
}

/// Keys that got two answers, or two reservations, or a "no" while they had a reservation.
fn keys(case: &Case<'_>) -> Vec<String> {
    let mut offenders = Vec::new();
    let mut first: HashMap<&str, &Heard> = HashMap::new();
    for heard in case.asked(Ask::Reserve).filter(|heard| heard.status == 201) {
        let before = *first.entry(&heard.key).or_insert(heard);
        if before.body != heard.body {
            if !case.wiped_between(before.asked, heard.answered) {
                offenders.push(format!("{} and {}", before.body, heard.body));
            }
            first.insert(&heard.key, heard);
        }
    }
    let mut by_key: HashMap<&str, &str> = HashMap::new();
    for row in case.rest.holds.values() {
        // Also across a wipe: what is in the ledger was known when the store was rebuilt from it.
        if let Some(other) = by_key.insert(&row.key, &row.reservation) {
            let (key, one) = (&row.key, &row.reservation);
            offenders.push(format!("key {key} became {one} and {other}"));
        }
    }
    for heard in case.asked(Ask::Reserve).filter(|heard| heard.status == 409) {
        let hold = by_key
            .get(heard.key.as_str())
            .and_then(|id| case.rest.holds.get(*id));
        // Taken well before the "no" was asked for: the key was forgotten.
        if hold.is_some_and(|hold| hold.reserved_at + 5 < heard.asked) {
            offenders.push(heard.line());
        }
    }
    offenders
}

/// Whether a refusal cannot have been true at any moment between question and answer. What was
/// taken and then wiped is in no ledger, so nothing is said about the time before a wipe.
fn is_false(case: &Case<'_>, replay: &Replay, heard: &Heard) -> bool {
    if case.may_be_lost(heard.asked) {
        return false;
    }
    let Some(ware) = case.round.wares.iter().find(|ware| ware.sku == heard.sku) else {
        return false;
    };
    let (from, to) = (heard.asked, heard.answered);
    match heard.word.as_str() {
        "sold-out" => replay.most_out(&heard.sku, from, to) < ware.supplied,
        "not-enough" => replay.most_out(&heard.sku, from, to) + heard.quantity <= ware.supplied,
        "limit-reached" => {
            replay.most_had(&heard.sku, &heard.person, from, to) + heard.quantity <= ware.limit
        }
        _ => true,
    }
}

/// Whether an answer that is not a "please ask again" fits what was asked before.
fn explained(case: &Case<'_>, held: &HashMap<String, Held<'_>>, heard: &Heard) -> bool {
    let taken = held.get(&heard.reservation);
    let lost = taken.is_some_and(|held| case.wiped_between(held.heard.asked, heard.answered));
    let gone = lost
        && matches!(
            (heard.status, heard.word.as_str()),
            (410, "hold-lost") | (404, _)
        );
    let over = taken.is_some_and(|held| heard.answered >= held.expires_at);
    let expired = over && (heard.status, heard.word.as_str()) == (410, "expired");
    match (heard.ask, heard.status) {
        (Ask::Reserve, 201 | 409)
        | (Ask::Confirm | Ask::Refund, 200 | 202)
        | (Ask::Cancel | Ask::Read, 200) => true,
        (Ask::Confirm | Ask::Cancel, _) => gone || expired,
        // A sale that was answered 202 and wiped is no order, or a hold again.
        (Ask::Refund, 404 | 409) => lost,
        (Ask::Read, _) => gone,
        _ => false,
    }
}
