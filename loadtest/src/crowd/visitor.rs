//! One visitor: a role, a jar of cookies, an address, and the journey.
//!
//! This file is how a visitor speaks: one call at a time, on a connection kept for the burst, every
//! answer logged; put off, it comes back as told, as often as a person would. What it says is in
//! `line` (arrive, join, wait, claim), `purchase` (shop, reserve, confirm, leave) and `tricks`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::Full;
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{
    answers,
    child::World,
    connection::{Burst, Reply, Unanswered},
    jar::{Jar, set_cookies},
    tally::{Outcome, Whereabouts},
};
use crate::{
    clock,
    observation::{Answer, Record},
    plan::Role,
};

mod call;
mod line;
mod purchase;
mod tricks;

use call::{Call, Cookies};

/// How often a visitor comes back when it is put off or not answered, before it gives up.
const TRIES: u32 = 20;

/// A step of the journey: it goes on, or the visit is over.
type Step<T> = Result<T, Outcome>;

/// One visitor.
pub(super) struct Visitor {
    index: u32,
    role: Role,
    world: Arc<World>,
    rng: StdRng,
    jar: Jar,
    burst: Option<Burst>,
    whereabouts: Whereabouts,
    /// The ticket's number, 0 before there is one.
    number: u64,
    /// From the public document: how near one asks for oneself.
    personal_within: u64,
    /// Unix ms until which the pass is good.
    pass_until: u64,
    /// A copy of the pass, for what a cheat does after leaving.
    kept_pass: Option<String>,
}

/// An answer as the log has it, and as it came.
struct Heard {
    answer: Answer,
    reply: Option<Reply>,
}

impl Visitor {
    pub(super) fn new(index: u32, role: Role, world: Arc<World>) -> Self {
        // Neighbouring seeds give unrelated streams: the generator hashes its seed.
        let rng = StdRng::seed_from_u64(world.plan.seed.rotate_left(32) ^ u64::from(index));
        Self {
            index,
            role,
            world,
            rng,
            jar: Jar::default(),
            burst: None,
            whereabouts: Whereabouts::Nowhere,
            number: 0,
            personal_within: 0,
            pass_until: 0,
            kept_pass: None,
        }
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// The whole visit.
    pub(super) async fn live(&mut self) -> Outcome {
        let within = self.world.plan.arrive_within.as_millis() as u64;
        let arrives = self.world.plan.start_at_ms + self.rng.random_range(0..=within);
        let wait = arrives.saturating_sub(clock::now_ms());
        tokio::time::sleep(Duration::from_millis(wait)).await;
        self.world.tally.arrived();
        match self.journey().await {
            Ok(outcome) | Err(outcome) => outcome,
        }
    }

    /// arrival → ticket → waitlist → offer → entry pass → gate → reservation → order
    async fn journey(&mut self) -> Step<Outcome> {
        if !self.arrive().await? {
            self.moved(Whereabouts::Waiting);
            self.wait().await?;
        }
        self.moved(Whereabouts::Inside);
        self.shop().await
    }

    /// Closes what is open and steps off the gauges.
    pub(super) fn go_home(mut self) -> (u32, Arc<World>) {
        self.moved(Whereabouts::Nowhere);
        (self.index, self.world)
    }

    fn moved(&mut self, to: Whereabouts) {
        self.world.tally.moved(self.whereabouts, to);
        self.whereabouts = to;
    }

    /// Does nothing for a while, with no connection open.
    async fn pause(&mut self, time: Duration) {
        self.burst = None;
        tokio::time::sleep(time).await;
    }

    /// Looks at a page.
    async fn think(&mut self) {
        let most = self.world.plan.think.as_millis() as u64;
        let time = Duration::from_millis(self.rng.random_range(most / 5..=most.max(1)));
        self.pause(time).await;
    }

    /// The time told plus 0 to 30 %, as the contract asks of whoever polls.
    fn jittered(&mut self, told: Duration) -> Duration {
        told.mul_f64(1.0 + self.rng.random_range(0.0..0.3))
    }

    /// Calls until there is an answer other than "later", coming back as told.
    async fn patiently(&mut self, call: &Call) -> Step<Heard> {
        for tries in 0..TRIES {
            let heard = self.call(call).await;
            let Some(told) = heard.come_back_after(tries) else {
                return Ok(heard);
            };
            let time = self.jittered(told);
            self.pause(time).await;
        }
        Err(Outcome::GaveUp)
    }

    /// One request, one answer, one line in the log.
    async fn call(&mut self, call: &Call) -> Heard {
        let mut heard = self.ask(call).await;
        let answer = &mut heard.answer;
        if let Some(reply) = &heard.reply {
            answers::note(reply, answer);
            answer.shop = reply
                .headers
                .contains_key(self.world.plan.shop_header.as_str());
            answer.pass_given = sets(&reply.headers, &self.pass_cookie());
            answer.ticket_given = sets(&reply.headers, &self.ticket_cookie());
            if call.cookies == Cookies::Own {
                self.jar.store(&reply.headers);
            }
        }
        call.read(heard.reply.as_ref(), answer);
        self.world.tally.answered(answer.ask, answer.status);
        self.world.log(&Record::Answer(answer.clone()));
        heard
    }

    /// Sends on the open connection or a new one; once more if the server had just closed it.
    async fn ask(&mut self, call: &Call) -> Heard {
        let mut burst = self.burst.take().filter(Burst::is_open);
        loop {
            let reused = burst.is_some();
            let opened = match burst.take() {
                Some(burst) => Ok(burst),
                None => self.open().await,
            };
            let mut answer = call.blank(self.index, clock::now_ms());
            let started = Instant::now();
            let result = match opened {
                Ok(mut open) => {
                    let result = open.exchange(self.request(call)).await;
                    self.burst = result.is_ok().then_some(open);
                    result
                }
                Err(unanswered) => Err(unanswered),
            };
            answer.took_us = started.elapsed().as_micros().try_into().unwrap_or(u32::MAX);
            answer.answered = clock::now_ms();
            match result {
                Ok(reply) => {
                    return Heard {
                        answer,
                        reply: Some(reply),
                    };
                }
                // Never sent: the server had closed an idle connection. Not an event.
                Err(Unanswered::Broken(error)) if reused && error.is_canceled() => {}
                Err(error) => {
                    tracing::debug!(visitor.index = self.index, %error, "not answered");
                    return Heard {
                        answer,
                        reply: None,
                    };
                }
            }
        }
    }

    async fn open(&self) -> Result<Burst, Unanswered> {
        let permit = self.world.connections.clone().acquire_owned().await;
        // The semaphore is never closed.
        let permit = permit.map_err(|_| Unanswered::TooLate)?;
        Burst::open(
            &self.world.target,
            self.world.target.source(self.index),
            permit,
        )
        .await
    }

    fn request(&self, call: &Call) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(call.body.clone()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = call.path.clone();
        let headers = request.headers_mut();
        *headers = call.headers.clone();
        let host = self.world.target.authority.parse().ok();
        headers.extend(host.map(|host| (header::HOST, host)));
        let cookies = match &call.cookies {
            Cookies::Own => self.jar.header(),
            Cookies::None => None,
            Cookies::Borrowed(jar) => jar.header(),
        };
        let cookies = cookies.and_then(|cookies| cookies.parse().ok());
        headers.extend(cookies.map(|cookies| (header::COOKIE, cookies)));
        if !call.body.is_empty() {
            let origin = self.world.target.origin.parse().ok();
            headers.extend(origin.map(|origin| (header::ORIGIN, origin)));
        }
        request
    }

    fn pass_cookie(&self) -> String {
        format!("wr-pass-{}", self.world.plan.room)
    }

    fn ticket_cookie(&self) -> String {
        format!("wr-ticket-{}", self.world.plan.room)
    }
}

/// Whether an answer sets a cookie of ours, under either of its names.
fn sets(headers: &HeaderMap, cookie: &str) -> bool {
    set_cookies(headers)
        .any(|(name, _, alive)| alive && name.strip_prefix("__Host-").unwrap_or(name) == cookie)
}

impl Heard {
    /// How long to stay away if this was no answer, or "later"; `None`: it was an answer.
    fn come_back_after(&self, tries: u32) -> Option<Duration> {
        let told = self.reply.as_ref().and_then(|reply| {
            reply
                .headers
                .get(header::RETRY_AFTER)?
                .to_str()
                .ok()?
                .parse::<u64>()
                .ok()
        });
        match self.answer.status {
            0 => Some(Duration::from_millis(250 << tries.min(4))),
            // Honest, but bounded: a page asks again before an hour has passed.
            429 | 502..=504 => Some(Duration::from_secs(told.unwrap_or(1).clamp(1, 15))),
            _ => None,
        }
    }

    fn problem(&self) -> &str {
        self.answer.problem.as_deref().unwrap_or_default()
    }
}
