//! Ways around the line. Each must fail; whether it did is for the judge to say, so all of them are
//! logged with what was tried, and nothing here looks at the answer.
//!
//! Tries without a pass come from a stranger (no cookies): a quiet room may let that stranger
//! straight in, and then says so by a pass cookie on the same answer. That is no breach.

use http::{Method, header::AUTHORIZATION};
use rand::{
    Rng,
    seq::{IndexedRandom, SliceRandom},
};

use super::{Call, Cookies, Visitor};
use crate::{
    crowd::outside,
    observation::{Ask, Trick},
};

/// Methods and spellings with which a protected path is tried without a pass.
const WITHOUT_PASS: [(&str, &str); 14] = [
    ("GET", "/"),
    ("HEAD", "/"),
    ("OPTIONS", "/"),
    ("POST", "/buy"),
    ("PUT", "/"),
    ("DELETE", "/"),
    ("PATCH", "/"),
    ("PROPFIND", "/"),
    ("GET", "//"),
    ("GET", "/./"),
    ("HEAD", "/%2e/"),
    ("GET", "/_wr/../"),
    ("GET", "/_wr/%2e%2e/"),
    ("GET", "/;/_wr/status/x"),
];

/// How many of them one cheat tries: well within the limit of ten a second.
const TRIES: usize = 4;

impl Visitor {
    /// What a cheat tries while it should be waiting.
    pub(super) async fn tricks_outside(&mut self) {
        let mut tricks = [
            Trick::NoPass,
            Trick::ForgedPass,
            Trick::AnothersPass,
            Trick::AnothersOffer,
        ];
        tricks.shuffle(&mut self.rng);
        for trick in &tricks[..3] {
            match trick {
                Trick::NoPass => self.without_pass().await,
                Trick::ForgedPass => self.with_forged_pass().await,
                Trick::AnothersPass => self.with_anothers_pass().await,
                _ => self.with_anothers_offer().await,
            }
        }
    }

    /// What a cheat tries beside its own purchase.
    pub(super) async fn tricks_inside(&mut self) {
        if self.world.plan.policy.limit_per_person == 1 {
            let call = Call::reserve(&self.world.plan, &self.key(1));
            self.call(&call.into_trick(Trick::ReserveTwice, "another key", None))
                .await;
        }
        if let Some(theirs) = self.world.pocket.reservation(self.number) {
            let call = Call::confirm(&theirs.what, "pay-with-nothing");
            let how = "confirm";
            self.call(&call.into_trick(Trick::AnothersReservation, how, Some(theirs.owner)))
                .await;
        }
    }

    /// Tries the pass of a session that was ended by its owner.
    pub(super) async fn trick_after_leaving(&mut self) {
        let Some(pass) = self.kept_pass.clone() else {
            return;
        };
        self.pause(self.world.plan.policy.stale_after).await;
        let call = stranger("GET", &self.world.plan.shop_path.clone());
        let call = call.with_header(X_ENTRY_PASS, &pass);
        self.call(&call.into_trick(Trick::PassAfterLeaving, "header", Some(self.number)))
            .await;
    }

    async fn without_pass(&mut self) {
        let tried: Vec<_> = WITHOUT_PASS
            .choose_multiple(&mut self.rng, TRIES)
            .copied()
            .collect();
        for (method, path) in tried {
            let call = stranger(method, path);
            self.call(&call.into_trick(Trick::NoPass, &format!("{method} {path}"), None))
                .await;
        }
        let call = Call::reserve(&self.world.plan, &self.key(2)).with_cookies(Cookies::None);
        self.call(&call.into_trick(Trick::ReserveWithoutPass, "no pass", None))
            .await;
    }

    async fn with_forged_pass(&mut self) {
        for (how, pass) in outside::forged(&self.world, self.number) {
            let call = stranger("GET", &self.world.plan.shop_path.clone());
            let (call, place) = match self.rng.random_range(0..3) {
                0 => (call.with_header(X_ENTRY_PASS, &pass), "header"),
                1 => (
                    call.with_header(AUTHORIZATION, &format!("Bearer {pass}")),
                    "bearer",
                ),
                _ => {
                    let jar = super::Jar::default().with(&self.pass_cookie(), &pass);
                    (call.with_cookies(Cookies::Borrowed(jar)), "cookie")
                }
            };
            let how = format!("{how} as {place}");
            self.call(&call.into_trick(Trick::ForgedPass, &how, None))
                .await;
            if place == "header" {
                let call = Call::reserve(&self.world.plan, &self.key(2))
                    .with_cookies(Cookies::None)
                    .with_header(X_ENTRY_PASS, &pass);
                self.call(&call.into_trick(Trick::ReserveWithoutPass, &how, None))
                    .await;
            }
        }
    }

    /// A good pass, lent by its owner, beside this visitor's own cookies.
    async fn with_anothers_pass(&mut self) {
        let Some(theirs) = self.world.pocket.pass(self.number) else {
            return;
        };
        let jar = self.jar.with(&self.pass_cookie(), &theirs.what);
        let page = Call::page(Ask::Page, &self.world.plan.shop_path.clone());
        let reserve = Call::reserve(&self.world.plan, &self.key(3));
        for (call, how) in [(page, "page"), (reserve, "reserve")] {
            let call = call
                .with_cookies(Cookies::Borrowed(jar.clone()))
                .into_trick(Trick::AnothersPass, how, Some(theirs.owner));
            self.call(&call).await;
        }
    }

    /// A ticket that was offered its turn, beside this visitor's own name.
    async fn with_anothers_offer(&mut self) {
        let Some(theirs) = self.world.pocket.offer(self.number) else {
            return;
        };
        let jar = self.jar.with(&self.ticket_cookie(), &theirs.what);
        let call = Call::claim(&self.world.plan)
            .with_cookies(Cookies::Borrowed(jar))
            .into_trick(Trick::AnothersOffer, "claim", Some(theirs.owner));
        self.call(&call).await;
    }
}

fn stranger(method: &str, path: &str) -> Call {
    let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET);
    Call::page(Ask::Page, path)
        .with_method(method)
        .with_cookies(Cookies::None)
}

const X_ENTRY_PASS: http::HeaderName = http::HeaderName::from_static("x-entry-pass");
