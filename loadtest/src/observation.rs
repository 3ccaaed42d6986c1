//! What the visitors saw: the log every child writes, one line per answer, and its reader.
//!
//! This log is the oracle. It is kept outside the system under test and holds only what a visitor
//! was told and when, in the crowd's own clock; `released_at` and the deadlines are the server's
//! word. Numbers in it are what the judge needs, not whole answers: twenty thousand visitors poll
//! some hundred thousand times.

use serde::{Deserialize, Serialize};

use crate::crowd::Outcome;

mod log;

pub use log::{LogError, Observations, Record};

/// What a visitor asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// The protected page, as a navigation: the queue page or the shop.
    Page,
    /// `POST /_wr/ticket`.
    Join,
    /// The public document.
    Status,
    /// `GET /_wr/ticket`.
    Ticket,
    /// `POST /_wr/claim`.
    Claim,
    /// `POST /_wr/leave`.
    Leave,
    /// The shop, with a pass in hand.
    Shop,
    /// `POST /v1/reservations`.
    Reserve,
    /// `POST /v1/reservations/{id}/confirm`.
    Confirm,
    /// `GET /v1/orders/{id}`.
    Order,
    /// The shop's thank-you page, which ends the session.
    ThankYou,
    /// Something that must be refused; [`Answer::attempt`] says what.
    Cheat,
}

/// The state of a visitor, as it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the words of the contract")]
pub enum State {
    Waiting,
    Offered,
    Admitted,
    Ended,
    Left,
    Expired,
}

/// One answer to one visitor. Times are Unix ms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one fact about one answer"
)]
pub struct Answer {
    /// Index of the visitor.
    pub visitor: u32,
    /// What was asked.
    pub ask: Ask,
    /// Just before the request was sent.
    pub asked: u64,
    /// After the last byte of the answer.
    pub answered: u64,
    /// The same in microseconds, by a clock that never jumps.
    pub took_us: u32,
    /// HTTP status; 0: no answer (not reached, cut, or timed out).
    pub status: u16,
    /// The problem's type, its last part, such as `sold-out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Box<str>>,
    /// The answer carried `Retry-After`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub retry_after: bool,
    /// It came from the shop.
    #[serde(default, skip_serializing_if = "is_false")]
    pub shop: bool,
    /// It set a ticket cookie: a page may give a place, too, when the room was quiet a moment ago.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ticket_given: bool,
    /// It set or carried a pass: the visitor was admitted by it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pass_given: bool,
    /// The ticket's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Told, or computed from the public document as a page would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// The visitor's state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// The watermark in a public document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<u64>,
    /// When the place was released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<u64>,
    /// Until when the offer stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_expires_at: Option<u64>,
    /// Until when the session, or the hold, lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// The told median of the time still to wait, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_p50_s: Option<u64>,
    /// The session's name inside the pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<Box<str>>,
    /// What was bought, or tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deal: Option<Box<Deal>>,
    /// What was tried that must fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Box<Attempt>>,
}

/// The purchase side of an answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deal {
    /// The idempotency key sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The reservation asked about or given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation: Option<String>,
    /// The order given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// Unit numbers given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<u64>,
    /// The payment reference sent, or told in the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_ref: Option<String>,
    /// A checksum of the body: a repeated request is answered byte for byte the same.
    pub body_sum: u64,
}

/// A way around the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trick {
    /// A protected path without any pass, by some method and spelling.
    NoPass,
    /// A pass nobody issued: foreign key, altered claims, `alg: none`.
    ForgedPass,
    /// Another visitor's good pass beside one's own ticket.
    AnothersPass,
    /// Another visitor's offer claimed with one's own visitor cookie.
    AnothersOffer,
    /// A reservation without a pass, or with a forged one.
    ReserveWithoutPass,
    /// A second reservation under another key.
    ReserveTwice,
    /// Another's reservation confirmed.
    AnothersReservation,
    /// One's own pass used after leaving.
    PassAfterLeaving,
}

/// What was tried that must fail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which way.
    pub trick: Trick,
    /// Method and path, or what else tells this try from the others.
    pub how: String,
    /// The number of the ticket that was not one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub victim: Option<u64>,
}

/// How a visit ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// Index of the visitor.
    pub visitor: u32,
    /// When, Unix ms.
    pub at: u64,
    /// How.
    pub outcome: Outcome,
}

impl Answer {
    /// An answer with nothing in it yet.
    pub fn new(visitor: u32, ask: Ask, asked: u64) -> Self {
        Self {
            visitor,
            ask,
            asked,
            answered: asked,
            took_us: 0,
            status: 0,
            problem: None,
            retry_after: false,
            shop: false,
            ticket_given: false,
            pass_given: false,
            number: None,
            position: None,
            state: None,
            serving: None,
            released_at: None,
            offer_expires_at: None,
            expires_at: None,
            wait_p50_s: None,
            jti: None,
            deal: None,
            attempt: None,
        }
    }

    /// Whether this request may have taken a number: a join, or a page that came with a place.
    pub fn took_a_place(&self) -> bool {
        self.ask == Ask::Join || (self.ask == Ask::Page && (self.shop || self.ticket_given))
    }

    /// Answered with a 2xx status.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
}
