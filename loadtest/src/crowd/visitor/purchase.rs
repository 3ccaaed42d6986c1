//! gate → upstream, and entry pass → reservation → order: what a visitor does inside.

use std::time::Duration;

use rand::Rng;

use super::{Call, Heard, Step, Visitor};
use crate::{clock, crowd::Outcome, observation::Ask, plan::Role};

/// How often a confirm that is answered "confirming" is asked again.
const CONFIRM_TRIES: u32 = 120;

impl Visitor {
    /// Everything from the shop's first page to the way out.
    pub(super) async fn shop(&mut self) -> Step<Outcome> {
        self.kept_pass = self.jar.ours(&self.pass_cookie()).map(str::to_owned);
        let page = Call::page(Ask::Shop, &self.world.plan.shop_path.clone());
        let seen = self.patiently(&page).await?;
        if !seen.answer.shop {
            return Err(self.turned_away());
        }
        self.think().await;
        if self.role == Role::Browser {
            self.leave().await;
            return Ok(Outcome::Browsed);
        }
        let reservation = self.reserve().await?;
        if self.role == Role::NonPayer {
            return Ok(Outcome::WalkedAway);
        }
        if self.rng.random_bool(0.25) {
            self.world
                .pocket
                .show_reservation(self.number, &reservation);
        }
        if self.role == Role::Cheat {
            self.tricks_inside().await;
        }
        self.think().await;
        let order = self.confirm(&reservation).await?;
        self.patiently(&Call::order(&order, &reservation)).await?;
        if self.role == Role::Cheat {
            self.leave().await;
            self.trick_after_leaving().await;
            return Ok(Outcome::Bought);
        }
        self.call(&Call::page(Ask::ThankYou, &format!("/order/{order}")))
            .await;
        self.leave().await;
        Ok(Outcome::Bought)
    }

    /// Why a visitor with a pass was not served: the pass had run out, or there is no excuse.
    fn turned_away(&self) -> Outcome {
        if clock::now_ms() >= self.pass_until {
            Outcome::PassExpired
        } else {
            Outcome::Refused
        }
    }

    /// Holds one unit. A retrier sends it over a cut connection first, and once too often.
    async fn reserve(&mut self) -> Step<String> {
        let call = Call::reserve(&self.world.plan, &self.key(0));
        if self.role == Role::Retrier {
            self.cut(&call).await;
        }
        let heard = self.patiently(&call).await?;
        if let Some(id) = heard.reservation() {
            if self.role == Role::Retrier {
                self.patiently(&call).await?;
            }
            return Ok(id);
        }
        match (heard.answer.status, heard.problem()) {
            (409, "sold-out" | "not-enough") => {
                self.leave().await;
                Err(Outcome::SoldOutInside)
            }
            (401 | 403 | 410, _) => Err(self.turned_away()),
            _ => Err(Outcome::Refused),
        }
    }

    /// Pays: the hold becomes an order once the ledger has it.
    async fn confirm(&mut self, reservation: &str) -> Step<String> {
        let call = Call::confirm(reservation, &format!("pay-{}", self.key(0)));
        for _ in 0..CONFIRM_TRIES {
            let heard = self.patiently(&call).await?;
            match heard.answer.status {
                200 => {
                    if self.role == Role::Retrier {
                        self.patiently(&call).await?;
                    }
                    let order = heard.answer.deal.and_then(|deal| deal.order);
                    return order.ok_or(Outcome::Refused);
                }
                202 => self.pause(Duration::from_millis(500)).await,
                410 => {
                    self.leave().await;
                    return Err(Outcome::HoldLost);
                }
                _ => return Err(Outcome::Refused),
            }
        }
        Err(Outcome::GaveUp)
    }

    /// The name of this visitor's n-th attempt to buy; another run's differs by its start.
    pub(super) fn key(&self, attempt: u32) -> String {
        format!("{:x}-{}-{attempt}", self.world.plan.start_at_ms, self.index)
    }

    /// Sends a request and hangs up within moments; logged as not answered.
    async fn cut(&mut self, call: &Call) {
        self.burst = None;
        let mut answer = call.blank(self.index, clock::now_ms());
        if let Ok(burst) = self.open().await {
            let patience = Duration::from_micros(self.rng.random_range(200..5000));
            burst.cut(self.request(call), patience).await;
        }
        answer.answered = clock::now_ms();
        self.world.tally.answered(answer.ask, 0);
        self.world.log(&crate::observation::Record::Answer(answer));
    }
}

impl Heard {
    /// The reservation given, if one was.
    fn reservation(&self) -> Option<String> {
        if !self.answer.is_success() {
            return None;
        }
        self.answer
            .deal
            .as_ref()
            .and_then(|deal| deal.reservation.clone())
    }
}
