//! What a visitor says: one constructor per request of the journey, and how its answer is read.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Uri,
    header::{ACCEPT, CONTENT_TYPE, HeaderName},
};
use serde_json::json;

use crate::{
    crowd::{
        answers::{self, Purchase, Status, Ticket},
        connection::Reply,
        jar::Jar,
    },
    observation::{Answer, Ask, Attempt, Deal, Trick},
    plan::Plan,
};

/// Which cookies go along.
#[derive(Debug, Clone)]
pub(super) enum Cookies {
    /// One's own, and what the answer sets is kept.
    Own,
    /// None: a stranger.
    None,
    /// Put together for this call.
    Borrowed(Jar),
}

impl PartialEq for Cookies {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// A request, and what it is about.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) ask: Ask,
    pub(super) method: Method,
    pub(super) path: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) cookies: Cookies,
    pub(super) deal: Option<Deal>,
    pub(super) attempt: Option<Attempt>,
}

impl Call {
    fn new(ask: Ask, method: Method, path: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self {
            ask,
            method,
            // Paths come from the plan and from answers; one that is none asks for "/".
            path: path.parse().unwrap_or_default(),
            headers,
            body: Bytes::new(),
            cookies: Cookies::Own,
            deal: None,
            attempt: None,
        }
    }

    /// A navigation to a page of the shop.
    pub(super) fn page(ask: Ask, path: &str) -> Self {
        let mut call = Self::new(ask, Method::GET, path);
        call.headers
            .insert(ACCEPT, HeaderValue::from_static("text/html,*/*;q=0.8"));
        call.headers
            .insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
        call.headers
            .insert("sec-fetch-dest", HeaderValue::from_static("document"));
        call
    }

    pub(super) fn status(plan: &Plan) -> Self {
        Self::new(
            Ask::Status,
            Method::GET,
            &format!("/_wr/status/{}", plan.room),
        )
    }

    pub(super) fn join(plan: &Plan) -> Self {
        Self::new(
            Ask::Join,
            Method::POST,
            &format!("/_wr/ticket/{}", plan.room),
        )
    }

    pub(super) fn ticket(plan: &Plan) -> Self {
        Self::new(
            Ask::Ticket,
            Method::GET,
            &format!("/_wr/ticket/{}", plan.room),
        )
    }

    pub(super) fn claim(plan: &Plan) -> Self {
        Self::new(
            Ask::Claim,
            Method::POST,
            &format!("/_wr/claim/{}", plan.room),
        )
    }

    pub(super) fn leave(plan: &Plan) -> Self {
        Self::new(
            Ask::Leave,
            Method::POST,
            &format!("/_wr/leave/{}", plan.room),
        )
    }

    pub(super) fn reserve(plan: &Plan, key: &str) -> Self {
        let mut call = Self::new(Ask::Reserve, Method::POST, "/v1/reservations")
            .with_json(&json!({ "sku": plan.sku, "quantity": 1 }));
        // A key of ours is visible ASCII.
        if let Ok(value) = HeaderValue::from_str(&format!("\"{key}\"")) {
            call.headers
                .insert(HeaderName::from_static("idempotency-key"), value);
        }
        call.deal = Some(Deal {
            key: Some(key.to_owned()),
            ..Deal::default()
        });
        call
    }

    pub(super) fn confirm(reservation: &str, payment_ref: &str) -> Self {
        let path = format!("/v1/reservations/{reservation}/confirm");
        let mut call = Self::new(Ask::Confirm, Method::POST, &path)
            .with_json(&json!({ "payment_ref": payment_ref }));
        call.deal = Some(Deal {
            reservation: Some(reservation.to_owned()),
            payment_ref: Some(payment_ref.to_owned()),
            ..Deal::default()
        });
        call
    }

    pub(super) fn order(order: &str, reservation: &str) -> Self {
        let mut call = Self::new(Ask::Order, Method::GET, &format!("/v1/orders/{order}"));
        let reservation = Some(reservation.to_owned());
        call.deal = Some(Deal {
            reservation,
            ..Deal::default()
        });
        call
    }

    /// The same call as an attempt that must be refused.
    pub(super) fn into_trick(mut self, trick: Trick, how: &str, victim: Option<u64>) -> Self {
        self.ask = Ask::Cheat;
        self.attempt = Some(Attempt {
            trick,
            how: how.to_owned(),
            victim,
        });
        self
    }

    pub(super) fn with_cookies(mut self, cookies: Cookies) -> Self {
        self.cookies = cookies;
        self
    }

    pub(super) fn with_method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    fn with_json(mut self, body: &serde_json::Value) -> Self {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = body.to_string().into();
        self
    }

    /// The log's line for this call before it is answered.
    pub(super) fn blank(&self, visitor: u32, asked: u64) -> Answer {
        let mut answer = Answer::new(visitor, self.ask, asked);
        answer.deal = self.deal.clone().map(Box::new);
        answer.attempt = self.attempt.clone().map(Box::new);
        answer
    }

    /// Fills in what this call's answer tells beside its status.
    pub(super) fn read(&self, reply: Option<&Reply>, answer: &mut Answer) {
        let Some(reply) = reply else { return };
        match self.ask {
            Ask::Status => answer.serving = self.status_of(reply, answer).map(|told| told.serving),
            Ask::Join | Ask::Ticket | Ask::Claim => {
                let ticket: Ticket = answers::body(Some(reply), answer);
                answers::note_ticket(&ticket, answer);
                if let Some(words) = ticket.pass.as_deref().and_then(answers::pass_words) {
                    answer.number.get_or_insert(words.num);
                    answer.jti = Some(words.jti.into());
                }
            }
            Ask::Reserve | Ask::Confirm | Ask::Order => {
                let told: Purchase = answers::body(Some(reply), answer);
                answers::note_purchase(&told, reply, answer);
            }
            Ask::Cheat => self.read_trick(reply, answer),
            Ask::Page | Ask::Leave | Ask::Shop | Ask::ThankYou => {}
        }
    }

    fn status_of(&self, reply: &Reply, answer: &mut Answer) -> Option<Status> {
        debug_assert_eq!(self.ask, Ask::Status);
        reply
            .status
            .is_success()
            .then(|| answers::body(Some(reply), answer))
    }

    /// A trick that worked tells of itself in the body; one that did not need not be readable.
    fn read_trick(&self, reply: &Reply, answer: &mut Answer) {
        if !reply.status.is_success() {
            return;
        }
        if self.deal.is_some() {
            let told: Purchase = serde_json::from_slice(&reply.body).unwrap_or_default();
            answers::note_purchase(&told, reply, answer);
        } else if let Ok(told) = serde_json::from_slice::<Ticket>(&reply.body) {
            answer.pass_given |= told.pass.is_some();
            answer.number = told
                .pass
                .as_deref()
                .and_then(answers::pass_words)
                .map(|pass| pass.num);
        }
    }
}
