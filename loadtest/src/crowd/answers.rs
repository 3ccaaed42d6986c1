//! Reads what the server says into what a visitor acts upon, as lenient as a page would be: a
//! missing field is a default, an unknown one is ignored, an unreadable body is reported.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::header::RETRY_AFTER;
use serde::Deserialize;

use super::connection::Reply;
use crate::observation::{Answer, Ask, Deal, State};

/// The public document, as far as a page needs it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub(super) phase: String,
    pub(super) available: bool,
    pub(super) serving: u64,
    pub(super) gone: Vec<(u64, u64)>,
    pub(super) poll_steps: Vec<(u64, u64)>,
    pub(super) personal_within: u64,
    pub(super) opens_at: Option<u64>,
    pub(super) server_time: u64,
}

/// One's own ticket; also the answer to a claim.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the contract's names")]
pub(super) struct Ticket {
    pub(super) state: Option<State>,
    pub(super) ticket: Option<Numbered>,
    pub(super) position: Option<u64>,
    pub(super) estimated_wait_s: Option<Estimated>,
    pub(super) poll_after_ms: Option<u64>,
    pub(super) phase: Option<String>,
    pub(super) released_at: Option<u64>,
    pub(super) offer_expires_at: Option<u64>,
    pub(super) expires_at: Option<u64>,
    pub(super) pass: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Numbered {
    pub(super) number: u64,
    pub(super) token: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Estimated {
    pub(super) p50: u64,
}

/// A reservation, an order, or an order inside its envelope.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Purchase {
    pub(super) id: Option<String>,
    pub(super) reservation: Option<String>,
    pub(super) units: Vec<u64>,
    pub(super) payment_ref: Option<String>,
    pub(super) expires_at: Option<u64>,
    pub(super) order: Option<Box<Purchase>>,
}

/// What a pass says of itself; nobody checks the signature here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PassWords {
    pub(super) jti: String,
    pub(super) num: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    r#type: String,
}

impl Status {
    /// The position of a number as a page computes it: 1 + those between watermark and number,
    /// less those gone in between. A range that reaches past the number is not counted: better a
    /// place too far back than one too near.
    pub(super) fn position(&self, number: u64) -> u64 {
        let between = number.saturating_sub(self.serving).saturating_sub(1);
        let gone: u64 = self
            .gone
            .iter()
            .filter(|(up_to, _)| *up_to < number)
            .map(|(_, count)| count)
            .sum();
        1 + between.saturating_sub(gone)
    }

    /// How long to wait before asking again at this position.
    pub(super) fn poll_after(&self, position: u64) -> Duration {
        let ahead = position.saturating_sub(1);
        let step = self.poll_steps.iter().find(|(up_to, _)| ahead <= *up_to);
        let told = step.or(self.poll_steps.last()).map_or(2000, |(_, ms)| *ms);
        Duration::from_millis(told)
    }
}

/// Reads a pass's payload.
pub(super) fn pass_words(pass: &str) -> Option<PassWords> {
    let payload = URL_SAFE_NO_PAD.decode(pass.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// A readable body of a 2xx answer; anything else is the default, and marks the answer.
pub(super) fn body<T: Default + for<'de> Deserialize<'de>>(
    reply: Option<&Reply>,
    answer: &mut Answer,
) -> T {
    let Some(reply) = reply.filter(|reply| reply.status.is_success()) else {
        return T::default();
    };
    serde_json::from_slice(&reply.body).unwrap_or_else(|_| {
        answer.problem = Some("unreadable".into());
        T::default()
    })
}

/// Fills in what every answer may carry: status, problem type, `Retry-After`.
pub(super) fn note(reply: &Reply, answer: &mut Answer) {
    answer.status = reply.status.as_u16();
    answer.retry_after = reply.headers.contains_key(RETRY_AFTER);
    if !reply.status.is_success() && answer.ask != Ask::Page {
        let problem: Problem = serde_json::from_slice(&reply.body).unwrap_or_default();
        answer.problem = problem
            .r#type
            .rsplit('/')
            .next()
            .filter(|kind| !kind.is_empty())
            .map(Into::into);
    }
}

/// What one's own ticket, or a claim, told.
pub(super) fn note_ticket(ticket: &Ticket, answer: &mut Answer) {
    answer.number = ticket.ticket.as_ref().map(|ticket| ticket.number);
    answer.position = ticket.position;
    answer.state = ticket.state;
    answer.released_at = ticket.released_at;
    answer.offer_expires_at = ticket.offer_expires_at;
    answer.expires_at = ticket.expires_at;
    answer.wait_p50_s = ticket.estimated_wait_s.as_ref().map(|wait| wait.p50);
    answer.pass_given |= ticket.pass.is_some();
}

/// What a reservation, a confirm or an order told, beside what was sent.
pub(super) fn note_purchase(told: &Purchase, reply: &Reply, answer: &mut Answer) {
    let sent = answer.deal.take().unwrap_or_default();
    let is_reservation = answer.ask == Ask::Reserve || sent.reservation.is_none();
    let told = match &told.order {
        Some(order) => order,
        None => told,
    };
    answer.expires_at = told.expires_at;
    answer.deal = Some(Box::new(Deal {
        reservation: if is_reservation {
            told.id.clone()
        } else {
            sent.reservation
        },
        order: if is_reservation {
            None
        } else {
            told.id.clone()
        },
        units: told.units.clone(),
        payment_ref: told.payment_ref.clone().or(sent.payment_ref),
        key: sent.key,
        body_sum: sum(&reply.body),
    }));
}

/// FNV-1a: enough to tell two answers apart, and the same in every process.
fn sum(body: &[u8]) -> u64 {
    body.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_only_leavers_known_to_be_ahead() {
        let status = Status {
            serving: 120,
            gone: vec![(200, 3), (400, 5)],
            poll_steps: vec![(50, 2000), (500, 5000), (1_000_000_000, 30_000)],
            ..Status::default()
        };
        assert_eq!(status.position(121), 1);
        assert_eq!(status.position(120), 1);
        assert_eq!(status.position(200), 80);
        assert_eq!(status.position(201), 78);
        assert_eq!(status.position(560), 432);
        assert_eq!(status.poll_after(51), Duration::from_secs(2));
        assert_eq!(status.poll_after(52), Duration::from_secs(5));
        assert_eq!(status.poll_after(10_000), Duration::from_secs(30));
    }

    #[test]
    fn a_document_without_steps_is_asked_for_calmly() {
        assert_eq!(Status::default().poll_after(1), Duration::from_secs(2));
    }

    #[test]
    fn what_a_pass_says_is_read_without_its_key() {
        let words = URL_SAFE_NO_PAD.encode(r#"{"jti":"a","num":7,"sub":"x"}"#);
        let words = pass_words(&format!("h.{words}.s")).unwrap();
        assert_eq!((words.jti.as_str(), words.num), ("a", 7));
        assert!(pass_words("nonsense").is_none());
    }
}
