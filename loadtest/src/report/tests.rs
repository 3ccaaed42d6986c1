use super::*;
use crate::{
    judge::{LedgerOrder, SaleCounts, ShopCounts, judge},
    observation::{Answer, Ask, Deal, End, Observations, State},
};

/// An invented run: everybody joins within ten seconds, fifty are let in each second, each third
/// of them buys, until all is sold. Times and latencies follow from the index alone.
struct Run {
    plan: Plan,
    seen: Observations,
    orders: Vec<LedgerOrder>,
}

const START: u64 = 1_700_000_000_000;

impl Run {
    fn of(visitors: u32, stock: u64) -> Self {
        let mut plan = Plan::demo(visitors, stock, "http://127.0.0.1:1", "/nowhere".into());
        plan.policy.capacity = 150;
        let mut run = Self {
            plan,
            seen: Observations::default(),
            orders: Vec::new(),
        };
        let all_sold = START + 2000 + stock * 3 * 1000 / 50 + 3000;
        for visitor in 0..visitors {
            let joins = START + u64::from(visitor) * 10_000 / u64::from(visitors);
            run.visit(visitor, joins, all_sold, stock);
        }
        run.seen.sort();
        run
    }

    fn visit(&mut self, visitor: u32, joins: u64, all_sold: u64, stock: u64) {
        self.say(visitor, Ask::Page, joins);
        let told = self.say(visitor, Ask::Join, joins + 20);
        told.state = Some(State::Waiting);
        told.number = Some(u64::from(visitor) + 1);
        let released = START + 2000 + u64::from(visitor) / 50 * 1000;
        told.wait_p50_s = Some(released.saturating_sub(joins) / 1100 + u64::from(visitor % 3));
        let until = released.max(joins + 100).min(all_sold);
        for at in (joins + 2000..until).step_by(2000) {
            self.say(visitor, Ask::Status, at).serving = Some(0);
        }
        let mut outcome = crate::crowd::Outcome::SoldOut;
        if released < all_sold {
            let told = self.say(visitor, Ask::Claim, until);
            (told.state, told.number) = (Some(State::Admitted), Some(u64::from(visitor) + 1));
            (told.released_at, told.expires_at) = (Some(until), Some(until + 60_000));
            self.say(visitor, Ask::Shop, until + 50).shop = true;
            outcome = crate::crowd::Outcome::Browsed;
            if visitor.is_multiple_of(3) && (self.orders.len() as u64) < stock {
                outcome = crate::crowd::Outcome::Bought;
                self.buy(visitor, until + 1500);
            }
            self.say(visitor, Ask::Leave, until + 2500);
        }
        self.seen.ends.push(End {
            visitor,
            at: until + 2600,
            outcome,
        });
    }

    fn buy(&mut self, visitor: u32, at: u64) {
        let (id, person) = (format!("o{visitor}"), format!("p{visitor}"));
        let reservation = format!("r{visitor}");
        let deal = Deal {
            order: Some(id.clone()),
            reservation: Some(reservation.clone()),
            ..Deal::default()
        };
        self.say(visitor, Ask::Reserve, at).status = 201;
        self.say(visitor, Ask::Confirm, at + 300).deal = Some(Box::new(deal));
        self.orders.push(LedgerOrder {
            id,
            reservation_id: reservation,
            sku: "demo-unit".to_owned(),
            quantity: 1,
            person,
            payment_ref: None,
            refunded: false,
        });
    }

    fn say(&mut self, visitor: u32, ask: Ask, asked: u64) -> &mut Answer {
        let mut answer = Answer::new(visitor, ask, asked);
        let us = 400 + (asked.wrapping_mul(2_654_435_761) >> 7) % 900 * (1 + asked % 17);
        answer.took_us = us as u32;
        (answer.answered, answer.status) = (asked + us / 1000, 200);
        self.seen.answers.push(answer);
        self.seen.answers.last_mut().unwrap()
    }

    fn report(&self) -> Report {
        let sold = self.orders.len() as u64;
        let counts = SaleCounts {
            available: self.plan.stock - sold,
            held: 0,
            sold,
            supplied: self.plan.stock,
            as_of: START + 600_000,
        };
        let evidence = Evidence {
            plan: &self.plan,
            seen: &self.seen,
            orders: &self.orders,
            counts,
            shop: ShopCounts {
                requests: 1000,
                without_pass: 0,
            },
        };
        summarise(&evidence, judge(&evidence))
    }
}

#[test]
fn the_line_rises_falls_and_ends_empty() {
    let report = Run::of(600, 20).report();
    let moments = &report.series.moments;
    let last = moments.last().unwrap();
    assert_eq!((last.arrived, last.sold), (600, 20));
    assert!(
        moments.iter().any(|moment| moment.waiting > 100),
        "{moments:?}"
    );
    assert_eq!(last.waiting, 0);
    assert!(moments.is_sorted_by_key(|moment| moment.sold));
    let joins: u64 = moments.iter().map(|moment| moment.joins).sum();
    assert_eq!((joins, report.totals.joins), (600, 600));
}

#[test]
fn the_told_waiting_time_is_held_against_the_wait() {
    let estimate = Run::of(600, 60).report().estimate.unwrap();
    assert!(
        estimate.visitors > 100 && estimate.error_p50_s < 3.0,
        "{estimate:?}"
    );
    assert!(estimate.error_p50_s <= estimate.error_p90_s);
}

#[test]
fn first_come_first_served_is_a_tau_of_one() {
    let tau = Run::of(600, 60).report().totals.kendall_tau.unwrap();
    assert!((tau - 1.0).abs() < 1e-9, "{tau}");
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let page = html(&Run::of(300, 20).report()).unwrap();
    for outside in ["http://", "https://", "<script", "<link", "@import", "url("] {
        let found = page.matches(outside).count();
        assert_eq!(found, 0, "{outside}");
    }
    assert!(page.contains("<svg") && page.contains("order_inversions"));
    assert!(!page.contains("NaN"));
}

#[test]
fn a_broken_promise_is_seen_at_first_sight() {
    let mut run = Run::of(300, 20);
    run.orders.pop();
    let report = run.report();
    assert!(!report.verdict.kept);
    let page = html(&report).unwrap();
    assert!(page.contains("promises were broken") && page.contains("class=\"broken\""));
    let table = terminal(&report);
    assert!(
        table.contains("PROMISES WERE BROKEN") && table.contains("order o"),
        "{table}"
    );
}

#[test]
fn programs_read_the_same_verdict() {
    let mut report = Run::of(300, 20).report();
    report
        .extras
        .insert("Redis calls per visitor".to_owned(), 3.into());
    let read: Value = serde_json::from_str(&json(&report).unwrap()).unwrap();
    assert_eq!(read["verdict"]["kept"], report.verdict.kept);
    assert_eq!(read["totals"]["visitors"], 300);
    assert_eq!(read["extras"]["Redis calls per visitor"], 3);
    assert!(read["latency"]["join"]["p99_ms"].as_f64().unwrap() > 0.0);
    assert!(read["verdict"]["checks"][0]["allowed"]["exactly"].is_u64());
}

#[test]
fn a_run_in_which_nobody_came_is_still_a_report() {
    let run = Run::of(0, 5);
    let report = run.report();
    assert!(html(&report).unwrap().contains("</html>"));
    assert!(!terminal(&report).is_empty());
}
