//! Time: an unpaid hold comes back in time, and never before.

use std::collections::HashMap;

use super::{Ask, Case, Held};
use crate::judge::Check;

/// How long after its end an unpaid hold may take, in time in which the sale was open.
const LATE_MS: u64 = 2_000;
/// How far two clocks' readings of one moment may lie apart.
const SLACK_MS: u64 = 5;

pub(super) fn checks(case: &Case<'_>, held: &HashMap<String, Held<'_>>, checks: &mut Vec<Check>) {
    let (mut late, mut early) = (Vec::new(), Vec::new());
    for event in case
        .rest
        .events
        .iter()
        .filter(|event| event.kind == "expired")
    {
        let Some(row) = case.rest.holds.get(&event.reservation) else {
            continue;
        };
        let id = &row.reservation;
        if event.at < row.expires_at {
            early.push(format!(
                "{id} ran out {} ms too early",
                row.expires_at - event.at
            ));
        }
        let disturbed = case.disturbed.within(row.reserved_at, event.at);
        let overdue = event
            .at
            .saturating_sub(row.expires_at)
            .saturating_sub(disturbed);
        if overdue > LATE_MS {
            late.push(format!(
                "{id} came back {overdue} ms late, not counting {disturbed} ms"
            ));
        }
    }
    for heard in case
        .heard
        .iter()
        .filter(|heard| heard.status == 410 && heard.word == "expired")
    {
        let asked_to_end = matches!(heard.ask, Ask::Confirm | Ask::Cancel);
        let ends = held
            .get(&heard.reservation)
            .map_or(0, |held| held.expires_at);
        if asked_to_end && heard.answered < ends {
            early.push(heard.line());
        }
    }
    checks.push(Check::none(
        "late_payments",
        "holds that were sold after their end",
        late_payments(case, held),
    ));
    let mut stuck: Vec<String> = case
        .rest
        .figures
        .iter()
        .filter(|(_, now)| now.held > 0)
        .map(|(sku, now)| format!("{} of {sku} are held at the rest", now.held))
        .collect();
    let in_ledger = case.rest.holds.values().filter(|row| row.state == "held");
    stuck.extend(in_ledger.map(|row| format!("{} is held in the ledger", row.reservation)));
    checks.push(Check::none(
        "late_holds",
        "unpaid holds that came back too late",
        late,
    ));
    checks.push(Check::none(
        "early_holds",
        "holds that ended before their time",
        early,
    ));
    checks.push(Check::none(
        "stuck_holds",
        "unpaid holds that never came back",
        stuck,
    ));
}

/// Confirms that were first asked for after the hold's end and done all the same. Time in which the
/// sale was closed, or nobody swept, moves that end on and a rebuild may add a little: nothing is said
/// about holds that saw either.
fn late_payments(case: &Case<'_>, held: &HashMap<String, Held<'_>>) -> Vec<String> {
    let mut first: HashMap<&str, u64> = HashMap::new();
    let mut late = Vec::new();
    for heard in case.asked(Ask::Confirm) {
        let id = heard.reservation.as_str();
        let asked = *first.entry(id).or_insert(heard.asked);
        let Some(taken) = held.get(id).filter(|_| matches!(heard.status, 200 | 202)) else {
            continue;
        };
        // The answer that was heard may be a repeat of one that was not.
        let row = case.rest.holds.get(id);
        let from = row.map_or(0, |row| row.reserved_at).min(taken.heard.asked);
        let disturbed = case.disturbed.within(from, heard.answered);
        let over = asked > taken.expires_at + disturbed + SLACK_MS;
        let moved =
            case.rest.events.iter().any(|event| {
                event.kind == "reopened" && (from..=heard.answered).contains(&event.at)
            });
        if over && !moved && !case.wiped_between(from, heard.answered) {
            late.push(heard.line());
        }
    }
    late
}
