//! Conduct: the gate holds, repeats are harmless, errors are honest, nobody is left standing.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Allowed, Check, Evidence};
use crate::{
    crowd::Outcome,
    observation::{Answer, Ask, State, Trick},
};

pub(super) fn checks(evidence: &Evidence<'_>, checks: &mut Vec<Check>) {
    let without_pass = evidence.shop.without_pass;
    let promise = "requests that reached the shop without a pass";
    checks.push(Check::new(
        "without_pass",
        promise,
        without_pass,
        Allowed::Exactly(0),
    ));
    checks.push(cheats_succeeded(evidence));
    checks.push(cheats_tried(evidence));
    checks.push(turned_away(evidence));
    checks.push(repeats(evidence));
    checks.push(dishonest(evidence));
    checks.push(put_off(evidence));
    checks.push(stranded(evidence));
}

fn cheats_succeeded(evidence: &Evidence<'_>) -> Check {
    let won = evidence
        .seen
        .answers
        .iter()
        .filter(|answer| succeeded(answer))
        .map(|answer| {
            let attempt = answer.attempt.as_deref();
            let how = attempt.map_or("", |attempt| attempt.how.as_str());
            let trick = attempt.map(|attempt| attempt.trick);
            format!(
                "visitor {}: {trick:?} ({how}) was answered {}",
                answer.visitor, answer.status
            )
        });
    Check::none(
        "cheats_succeeded",
        "ways around the line that worked",
        won.collect(),
    )
}

/// Whether a trick worked. An answer that admits a stranger by the door (a new pass came with it)
/// is the quiet room's welcome and no trick.
fn succeeded(answer: &Answer) -> bool {
    let Some(attempt) = answer.attempt.as_deref() else {
        return false;
    };
    match attempt.trick {
        Trick::NoPass | Trick::ForgedPass | Trick::PassAfterLeaving => {
            answer.shop && !answer.pass_given
        }
        Trick::AnothersPass if answer.deal.is_none() => answer.shop && !answer.pass_given,
        Trick::AnothersOffer => {
            answer.is_success() && answer.pass_given && answer.number == attempt.victim
        }
        Trick::AnothersPass
        | Trick::ReserveWithoutPass
        | Trick::ReserveTwice
        | Trick::AnothersReservation => answer.is_success(),
    }
}

/// Told because a crowd without cheats proves nothing about the gate.
fn cheats_tried(evidence: &Evidence<'_>) -> Check {
    let mut tricks: BTreeMap<Trick, u64> = BTreeMap::new();
    for attempt in evidence
        .seen
        .answers
        .iter()
        .filter_map(|answer| answer.attempt.as_deref())
    {
        *tricks.entry(attempt.trick).or_default() += 1;
    }
    let tried = tricks.values().sum();
    let words = tricks
        .iter()
        .map(|(trick, times)| format!("{trick:?} {times} times"));
    let mut check = Check::new(
        "cheats_tried",
        "ways around the line tried",
        tried,
        Allowed::Any,
    );
    check.examples = words.collect();
    check
}

/// A good pass that the gate did not honour: the shop's page was asked for and something else came.
fn turned_away(evidence: &Evidence<'_>) -> Check {
    let mut until: HashMap<u32, u64> = HashMap::new();
    let mut away = Vec::new();
    for answer in &evidence.seen.answers {
        match answer.ask {
            Ask::Join | Ask::Ticket | Ask::Claim if answer.state == Some(State::Admitted) => {
                until.insert(answer.visitor, answer.expires_at.unwrap_or(u64::MAX));
            }
            Ask::Leave | Ask::ThankYou => {
                until.remove(&answer.visitor);
            }
            Ask::Shop => {
                let good = until
                    .get(&answer.visitor)
                    .is_some_and(|end| answer.answered < *end);
                let excused = answer.shop || matches!(answer.status, 0 | 429 | 502..=504);
                if good && !excused {
                    let Answer {
                        visitor, status, ..
                    } = answer;
                    away.push(format!(
                        "visitor {visitor} with a good pass was answered {status}"
                    ));
                }
            }
            _ => {}
        }
    }
    Check::none(
        "turned_away",
        "admitted visitors turned away at the gate",
        away,
    )
}

/// The same request twice is one: the same reservation byte for byte, the same session, the same
/// order.
fn repeats(evidence: &Evidence<'_>) -> Check {
    let mut answers: HashMap<(u32, Ask, &str), (&str, u64)> = HashMap::new();
    let mut sessions: HashMap<(u32, u64), &str> = HashMap::new();
    let mut differing = Vec::new();
    let successes = evidence
        .seen
        .answers
        .iter()
        .filter(|answer| answer.is_success());
    for answer in successes {
        let visitor = answer.visitor;
        if let (Ask::Claim, Some(number), Some(jti)) = (answer.ask, answer.number, &answer.jti) {
            let first = *sessions.entry((visitor, number)).or_insert(jti);
            if first != &**jti {
                differing.push(format!(
                    "visitor {visitor} claimed {number} twice: two sessions"
                ));
            }
        }
        let Some(deal) = answer.deal.as_deref() else {
            continue;
        };
        let (name, result) = match answer.ask {
            Ask::Reserve => (deal.key.as_deref(), deal.reservation.as_deref()),
            Ask::Confirm if answer.status == 200 => {
                (deal.reservation.as_deref(), deal.order.as_deref())
            }
            _ => continue,
        };
        let (Some(name), Some(result)) = (name, result) else {
            continue;
        };
        let told = (result, deal.body_sum);
        let first = *answers.entry((visitor, answer.ask, name)).or_insert(told);
        if first != told {
            let what = answer.ask;
            differing.push(format!(
                "visitor {visitor}: {what:?} {name} was answered differently"
            ));
        }
    }
    Check::none(
        "repeats_differ",
        "repeated requests with a second effect",
        differing,
    )
}

/// Server errors that are none of ours to give, and "later" without saying when.
fn dishonest(evidence: &Evidence<'_>) -> Check {
    let bad = evidence.seen.answers.iter().filter_map(|answer| {
        let what = match answer.status {
            429 | 503 if !answer.retry_after => "without Retry-After",
            500..=502 | 504.. => "",
            200..=299 if answer.problem.as_deref() == Some("unreadable") => "and unreadable",
            _ => return None,
        };
        let Answer {
            visitor,
            ask,
            status,
            ..
        } = answer;
        Some(format!(
            "visitor {visitor}: {ask:?} was answered {status} {what}"
        ))
    });
    let promise = "server errors other than an honest 503";
    Check::none("dishonest_errors", promise, bad.collect())
}

/// Told: honest, but somebody had to wait for it.
fn put_off(evidence: &Evidence<'_>) -> Check {
    let mut kinds: BTreeMap<(Ask, u16), u64> = BTreeMap::new();
    for answer in &evidence.seen.answers {
        if matches!(answer.status, 0 | 429 | 503) && answer.attempt.is_none() {
            *kinds.entry((answer.ask, answer.status)).or_default() += 1;
        }
    }
    let words = kinds.iter().map(|((ask, status), times)| match status {
        0 => format!("{ask:?} not answered {times} times"),
        _ => format!("{ask:?} answered {status} {times} times"),
    });
    let promise = "requests put off (429, 503) or not answered";
    let mut check = Check::new("put_off", promise, kinds.values().sum(), Allowed::Any);
    check.examples = words.collect();
    check
}

/// Visitors who were still standing there at the deadline, gave up, or were refused their due.
fn stranded(evidence: &Evidence<'_>) -> Check {
    let bad = |outcome| {
        matches!(
            outcome,
            Outcome::SentHome | Outcome::GaveUp | Outcome::Refused
        )
    };
    let ended: HashSet<u32> = evidence.seen.ends.iter().map(|end| end.visitor).collect();
    let mut stranded: Vec<String> = evidence
        .seen
        .ends
        .iter()
        .filter(|end| bad(end.outcome))
        .map(|end| format!("visitor {} ended {:?}", end.visitor, end.outcome))
        .collect();
    let never = (0..evidence.plan.visitors).filter(|visitor| !ended.contains(visitor));
    stranded.extend(never.map(|visitor| format!("visitor {visitor} never came to an end")));
    Check::none("stranded", "visitors who came to no proper end", stranded)
}
