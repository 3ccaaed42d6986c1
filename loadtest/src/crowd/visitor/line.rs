//! arrival → ticket → waitlist → offer → entry pass: how a visitor gets in.

use std::time::Duration;

use rand::Rng;

use super::{Call, Heard, Step, Visitor};
use crate::{
    clock,
    crowd::{
        Outcome,
        answers::{self, Status, Ticket},
    },
    observation::{Ask, State},
    plan::Role,
};

/// How often a place that was given up for lost is asked for anew.
const REJOINS: u32 = 3;

/// Where a visitor stands, as it was last told.
#[derive(Debug, Clone)]
struct Standing {
    state: State,
    position: Option<u64>,
    poll_after: Duration,
    phase: String,
    /// The signed ticket: what a thief would want.
    token: String,
}

impl Visitor {
    /// Opens the protected page. True: it was the shop, the room is quiet.
    pub(super) async fn arrive(&mut self) -> Step<bool> {
        let page = Call::page(Ask::Page, &self.world.plan.shop_path.clone());
        for tries in 0..super::TRIES {
            let heard = self.call(&page).await;
            if heard.answer.shop {
                // Its own ticket tells since when, until when, and under which number.
                self.own_ticket().await?;
                return Ok(true);
            }
            // The queue page may come with any status the operator likes, 503 included.
            if heard.is_page() {
                return Ok(false);
            }
            let Some(told) = heard.come_back_after(tries) else {
                return Ok(false);
            };
            let time = self.jittered(told);
            self.pause(time).await;
        }
        Err(Outcome::GaveUp)
    }

    /// Joins and waits until a pass is in hand.
    pub(super) async fn wait(&mut self) -> Step<()> {
        self.opening().await?;
        let mut standing = self.join().await?;
        let mut rejoins = 0;
        let mut polls = 0;
        let leaves_after = self.rng.random_range(1..=4);
        let mut was_away = false;
        loop {
            match standing.state {
                State::Admitted => return Ok(()),
                State::Offered => {
                    if self.claim(&standing).await? {
                        return Ok(());
                    }
                }
                State::Ended | State::Left | State::Expired => {
                    rejoins += 1;
                    if rejoins > REJOINS {
                        return Err(Outcome::Refused);
                    }
                    standing = self.join().await?;
                    continue;
                }
                State::Waiting => {}
            }
            match standing.phase.as_str() {
                "sold_out" => return Err(Outcome::SoldOut),
                "closed" => return Err(Outcome::Closed),
                _ => {}
            }
            match self.role {
                Role::Leaver if polls >= leaves_after => {
                    self.leave().await;
                    return Err(Outcome::Left);
                }
                Role::Cheat if polls == 0 => self.tricks_outside().await,
                Role::Refresher => self.fidget().await?,
                Role::Absent if !was_away && self.is_near(&standing) => {
                    was_away = true;
                    let away = self.rng.random_range(0.5..1.0);
                    self.pause(self.world.plan.absent_for.mul_f64(away)).await;
                    standing = self.own_standing().await?;
                    continue;
                }
                _ => {}
            }
            let time = self.jittered(standing.poll_after);
            self.pause(time).await;
            polls += 1;
            self.look(&mut standing).await?;
        }
    }

    /// Watches the countdown, as the page does, until joining is possible.
    async fn opening(&mut self) -> Step<()> {
        loop {
            let status = self.public().await?;
            let Some(opens_at) = status.opens_at.filter(|_| status.phase == "scheduled") else {
                return Ok(());
            };
            let left = opens_at
                .saturating_sub(status.server_time)
                .clamp(200, 15_000);
            let time = self.jittered(Duration::from_millis(left));
            self.pause(time).await;
        }
    }

    async fn public(&mut self) -> Step<Status> {
        let call = Call::status(&self.world.plan);
        let mut heard = self.patiently(&call).await?;
        let status: Status = answers::body(heard.reply.as_ref(), &mut heard.answer);
        self.personal_within = status.personal_within;
        Ok(status)
    }

    async fn join(&mut self) -> Step<Standing> {
        let call = Call::join(&self.world.plan);
        let heard = self.patiently(&call).await?;
        self.standing(heard)
    }

    /// Asks for its own ticket. A ticket that is not known is asked for anew; the judge has the
    /// log of it.
    async fn own_standing(&mut self) -> Step<Standing> {
        let heard = self.own_ticket().await?;
        if heard.answer.status == 404 {
            return self.join().await;
        }
        self.standing(heard)
    }

    pub(super) async fn own_ticket(&mut self) -> Step<Heard> {
        let call = Call::ticket(&self.world.plan);
        let heard = self.patiently(&call).await?;
        self.admitted(&heard);
        Ok(heard)
    }

    fn admitted(&mut self, heard: &Heard) {
        if let Some(number) = heard.answer.number {
            self.number = number;
        }
        if heard.answer.state == Some(State::Admitted) {
            self.pass_until = heard.answer.expires_at.unwrap_or(self.pass_until);
        }
    }

    fn standing(&mut self, mut heard: Heard) -> Step<Standing> {
        self.admitted(&heard);
        let told: Ticket = answers::body(heard.reply.as_ref(), &mut heard.answer);
        match (told.state, heard.problem()) {
            (Some(state), _) => Ok(Standing {
                state,
                position: told.position,
                poll_after: Duration::from_millis(told.poll_after_ms.unwrap_or(2000).max(100)),
                phase: told.phase.unwrap_or_default(),
                token: told.ticket.unwrap_or_default().token,
            }),
            (None, "sold-out") => Err(Outcome::SoldOut),
            (None, "closed" | "room-closed") => Err(Outcome::Closed),
            (None, _) => Err(Outcome::Refused),
        }
    }

    fn is_near(&self, standing: &Standing) -> bool {
        standing
            .position
            .is_some_and(|position| position <= self.personal_within)
    }

    /// One poll: the public document from afar, one's own ticket when the turn is near.
    async fn look(&mut self, standing: &mut Standing) -> Step<()> {
        if standing.state == State::Waiting && !self.is_near(standing) {
            let status = self.public().await?;
            if !status.available && status.serving < self.number {
                return Ok(()); // the store is away: keep the place, ask again as last told
            }
            let position = status.position(self.number);
            standing.poll_after = status.poll_after(position);
            standing.position = Some(position);
            standing.phase.clone_from(&status.phase);
            if status.serving < self.number && !self.is_near(standing) {
                return Ok(());
            }
        }
        *standing = self.own_standing().await?;
        Ok(())
    }

    /// Takes up the offer. False: it was no longer there, or not yet.
    async fn claim(&mut self, standing: &Standing) -> Step<bool> {
        if self.rng.random_bool(0.25) {
            self.world.pocket.show_offer(self.number, &standing.token);
        }
        let call = Call::claim(&self.world.plan);
        let heard = self.patiently(&call).await?;
        if !heard.answer.is_success() {
            return Ok(false);
        }
        if self.role == Role::Retrier {
            self.patiently(&call).await?;
        }
        self.pass_until = heard
            .answer
            .expires_at
            .unwrap_or_else(|| clock::now_ms() + 60_000);
        if let Some(pass) = self.jar.ours(&self.pass_cookie())
            && self.rng.random_bool(0.25)
        {
            self.world.pocket.show_pass(self.number, pass);
        }
        Ok(true)
    }

    /// Presses reload, or joins again, every other time.
    async fn fidget(&mut self) -> Step<()> {
        match self.rng.random_range(0..4) {
            0 => {
                let page = Call::page(Ask::Page, &self.world.plan.shop_path.clone());
                self.call(&page).await;
            }
            1 => {
                let call = Call::join(&self.world.plan);
                self.patiently(&call).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Gives up its place or ends its session; whether anybody heard it does not matter to one
    /// who leaves.
    pub(super) async fn leave(&mut self) {
        let call = Call::leave(&self.world.plan);
        self.call(&call).await;
    }
}

impl Heard {
    /// Any HTML that is not the shop's is the waiting room's page.
    fn is_page(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| {
            reply
                .headers
                .get(http::header::CONTENT_TYPE)
                .is_some_and(|kind| {
                    kind.to_str()
                        .is_ok_and(|kind| kind.starts_with("text/html"))
                })
        })
    }
}
