//! A small honest run, and the hands to doctor it with.

use crate::{
    crowd::Outcome,
    judge::{Evidence, LedgerOrder, SaleCounts, ShopCounts, Verdict, judge},
    observation::{Answer, Ask, Attempt, Deal, End, Observations, State, Trick},
    plan::{Plan, Shares},
};

/// Four buyers for two units: two get in together and buy, the others are told "sold out".
pub(super) struct Scene {
    pub(super) plan: Plan,
    pub(super) seen: Observations,
    pub(super) orders: Vec<LedgerOrder>,
    pub(super) counts: SaleCounts,
    pub(super) shop: ShopCounts,
}

impl Scene {
    pub(super) fn honest() -> Self {
        let mut plan = Plan::demo(4, 2, "http://127.0.0.1:1", "/nowhere".into());
        plan.shares = only(|shares| &mut shares.buyer);
        plan.policy.capacity = 2;
        plan.policy.batch = 2;
        let mut scene = Self {
            plan,
            seen: Observations::default(),
            orders: Vec::new(),
            counts: SaleCounts {
                available: 0,
                held: 0,
                sold: 2,
                supplied: 2,
                as_of: 60_000,
            },
            shop: ShopCounts {
                requests: 9,
                without_pass: 0,
            },
        };
        for visitor in 0..4 {
            let at = 1000 + 100 * u64::from(visitor);
            scene.say(visitor, Ask::Page, at, 200);
            let join = scene.say(visitor, Ask::Join, at + 10, 201);
            join.number = Some(u64::from(visitor) + 1);
            join.state = Some(State::Waiting);
        }
        for visitor in 0..2 {
            scene.lets_in(visitor, 5000);
            scene.buys(visitor, 6000);
        }
        for visitor in 0..4 {
            let outcome = if visitor < 2 {
                Outcome::Bought
            } else {
                Outcome::SoldOut
            };
            scene.seen.ends.push(End {
                visitor,
                at: 9000,
                outcome,
            });
        }
        scene.seen.sort();
        scene
    }

    pub(super) fn say(&mut self, visitor: u32, ask: Ask, asked: u64, status: u16) -> &mut Answer {
        let mut answer = Answer::new(visitor, ask, asked);
        (answer.answered, answer.status) = (asked + 5, status);
        self.seen.answers.push(answer);
        self.seen.answers.last_mut().unwrap()
    }

    pub(super) fn lets_in(&mut self, visitor: u32, released_at: u64) {
        let number = Some(u64::from(visitor) + 1);
        let told = self.say(visitor, Ask::Ticket, released_at + 100, 200);
        (told.number, told.state) = (number, Some(State::Offered));
        told.released_at = Some(released_at);
        told.offer_expires_at = Some(released_at + 30_000);
        let told = self.say(visitor, Ask::Claim, released_at + 200, 200);
        (told.number, told.state) = (number, Some(State::Admitted));
        (told.released_at, told.expires_at) = (Some(released_at), Some(released_at + 60_000));
        (told.pass_given, told.jti) = (true, Some(format!("session-{visitor}").into()));
        self.say(visitor, Ask::Shop, released_at + 300, 200).shop = true;
    }

    pub(super) fn reserves(&mut self, visitor: u32, at: u64, unit: u64) -> &mut Answer {
        let told = self.say(visitor, Ask::Reserve, at, 201);
        told.expires_at = Some(at + 10_000);
        told.deal = Some(Box::new(Deal {
            key: Some(format!("key-{visitor}")),
            reservation: Some(format!("r{unit}")),
            units: vec![unit],
            body_sum: unit,
            ..Deal::default()
        }));
        told
    }

    pub(super) fn buys(&mut self, visitor: u32, at: u64) {
        let unit = u64::from(visitor) + 1;
        self.reserves(visitor, at, unit);
        let told = self.say(visitor, Ask::Confirm, at + 100, 200);
        told.deal = Some(Box::new(Deal {
            reservation: Some(format!("r{unit}")),
            order: Some(format!("o{unit}")),
            units: vec![unit],
            payment_ref: Some(format!("pay-{visitor}")),
            ..Deal::default()
        }));
        self.say(visitor, Ask::Leave, at + 200, 200);
        self.orders.push(LedgerOrder {
            id: format!("o{unit}"),
            reservation_id: format!("r{unit}"),
            sku: "demo-unit".to_owned(),
            quantity: 1,
            person: format!("person-{visitor}"),
            payment_ref: Some(format!("pay-{visitor}")),
            refunded: false,
        });
    }

    pub(super) fn tries(&mut self, visitor: u32, trick: Trick, status: u16) -> &mut Answer {
        let told = self.say(visitor, Ask::Cheat, 2000, status);
        told.attempt = Some(Box::new(Attempt {
            trick,
            how: "somehow".to_owned(),
            victim: Some(1),
        }));
        told
    }

    /// The answer of that kind to that visitor.
    pub(super) fn told(&mut self, visitor: u32, ask: Ask) -> &mut Answer {
        let hit = |answer: &&mut Answer| answer.visitor == visitor && answer.ask == ask;
        self.seen.answers.iter_mut().find(hit).unwrap()
    }

    pub(super) fn judged(mut self) -> Verdict {
        self.seen.sort();
        judge(&Evidence {
            plan: &self.plan,
            seen: &self.seen,
            orders: &self.orders,
            counts: self.counts,
            shop: self.shop,
        })
    }
}

pub(super) fn only(role: impl Fn(&mut Shares) -> &mut f64) -> Shares {
    let mut shares = Shares {
        buyer: 0.0,
        leaver: 0.0,
        refresher: 0.0,
        retrier: 0.0,
        non_payer: 0.0,
        browser: 0.0,
        cheat: 0.0,
        absent: 0.0,
    };
    *role(&mut shares) = 1.0;
    shares
}
