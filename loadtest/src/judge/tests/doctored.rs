//! For every check, runs in which its promise is broken.

use std::time::Duration;

use super::scene::{Scene, only};
use crate::{
    crowd::Outcome,
    judge::SaleCounts,
    observation::{Ask, Attempt, State, Trick},
};

/// Name of a check, and what turns it red.
pub(super) type Doctored = (&'static str, fn(&mut Scene));

pub(super) const DOCTORED: &[Doctored] = &[
    ("sold", |scene| {
        scene.orders.pop();
    }),
    ("sold", |scene| scene.orders[0].refunded = true),
    ("oversold", |scene| {
        let mut third = scene.orders[0].clone();
        (third.id, third.person) = ("o3".to_owned(), "person-2".to_owned());
        scene.orders.push(third);
    }),
    ("oversold", |scene| scene.counts.held = 1),
    ("oversold", |scene| {
        scene.lets_in(2, 7000);
        scene.buys(2, 8000);
        scene.orders.pop();
    }),
    ("duplicate_units", |scene| {
        scene.told(1, Ask::Reserve).deal.as_mut().unwrap().units = vec![1];
    }),
    ("duplicate_units", |scene| {
        // Neither is paid for, but both are told unit 9 at the same time.
        for visitor in 2..4 {
            let reservation = format!("late-{visitor}");
            let told = scene.reserves(visitor, 8000 + u64::from(visitor), 9);
            told.deal.as_mut().unwrap().reservation = Some(reservation);
        }
    }),
    ("over_limit", |scene| {
        scene.orders[1].person = "person-0".to_owned();
    }),
    ("over_limit", |scene| {
        let told = scene.reserves(0, 6150, 7);
        told.deal.as_mut().unwrap().key = Some("another".to_owned());
    }),
    ("over_limit", |scene| {
        let told = scene.reserves(0, 6150, 7);
        told.ask = Ask::Cheat;
        let how = "another key".to_owned();
        told.attempt = Some(Box::new(Attempt {
            trick: Trick::ReserveTwice,
            how,
            victim: None,
        }));
    }),
    ("lost_confirms", |scene| {
        scene.orders[0].id = "other".to_owned();
    }),
    ("lost_confirms", |scene| {
        scene.orders[0].reservation_id = "other".to_owned();
    }),
    ("lost_confirms", |scene| scene.orders[0].payment_ref = None),
    ("stock_adds_up", |scene| scene.counts.sold = 1),
    ("stock_adds_up", |scene| {
        (scene.counts.supplied, scene.counts.available) = (3, 1);
    }),
    ("stock_matches_ledger", |scene| {
        (scene.counts.sold, scene.counts.available) = (1, 1);
    }),
    ("units_stuck", |scene| {
        scene.orders.pop();
        scene.counts = SaleCounts {
            held: 1,
            sold: 1,
            ..scene.counts
        };
    }),
    ("number_inversions", |scene| {
        scene.told(2, Ask::Join).number = Some(4);
        scene.told(3, Ask::Join).number = Some(3);
    }),
    ("order_inversions", |scene| {
        for ask in [Ask::Ticket, Ask::Claim] {
            scene.told(0, ask).released_at = Some(5001);
        }
    }),
    ("order_inversions", |scene| {
        // The third was let in while the second still waited, and long enough for it to know.
        let number = Some(2);
        scene
            .seen
            .answers
            .retain(|answer| answer.visitor != 1 || answer.asked < 5000);
        scene.lets_in(2, 5000);
        let told = scene.say(1, Ask::Ticket, 9000, 200);
        (told.number, told.state) = (number, Some(State::Waiting));
    }),
    ("order_inversions", |scene| {
        // The same, known from the public document only.
        scene
            .seen
            .answers
            .retain(|answer| answer.visitor != 1 || answer.asked < 5000);
        scene.lets_in(2, 5000);
        scene.say(1, Ask::Status, 9000, 200).serving = Some(1);
    }),
    ("returned_passed_over", |scene| {
        // Number 1 was silent from its join to 20 000, by its role; number 2 was let in at 5000.
        // Back, it saw number 3 let in at 30 000 and was let in itself at 31 000.
        scene.plan.shares = only(|shares| &mut shares.absent);
        scene
            .seen
            .answers
            .retain(|answer| answer.visitor != 0 || answer.asked < 5000);
        let told = scene.say(0, Ask::Ticket, 20_000, 200);
        (told.number, told.state) = (Some(1), Some(State::Waiting));
        scene.lets_in(2, 30_000);
        scene.lets_in(0, 31_000);
    }),
    ("places_lost", |scene| {
        let told = scene.say(2, Ask::Join, 4000, 200);
        (told.number, told.state) = (Some(9), Some(State::Waiting));
    }),
    ("places_lost", |scene| {
        scene.say(2, Ask::Ticket, 4000, 404).problem = Some("no-ticket".into());
    }),
    ("places_lost", |scene| {
        let told = scene.say(2, Ask::Ticket, 4000, 200);
        (told.number, told.state) = (Some(3), Some(State::Expired));
    }),
    ("capacity", |scene| scene.plan.policy.capacity = 1),
    ("capacity", |scene| {
        // Let in just before the other two left.
        scene.lets_in(2, 6150);
    }),
    ("rate", |scene| {
        (scene.plan.policy.batch, scene.plan.policy.tick) = (1, Duration::from_mins(1));
    }),
    ("batch", |scene| scene.plan.policy.batch = 1),
    ("batch", |scene| {
        // Released twice in one tick: another gateway did not see that it was done already.
        scene.lets_in(2, 5400);
    }),
    ("without_pass", |scene| scene.shop.without_pass = 1),
    ("cheats_succeeded", |scene| {
        scene.tries(3, Trick::NoPass, 200).shop = true;
    }),
    ("cheats_succeeded", |scene| {
        scene.tries(3, Trick::ForgedPass, 404).shop = true;
    }),
    ("cheats_succeeded", |scene| {
        scene.tries(3, Trick::PassAfterLeaving, 200).shop = true;
    }),
    ("cheats_succeeded", |scene| {
        scene.tries(3, Trick::AnothersPass, 200).shop = true;
    }),
    ("cheats_succeeded", |scene| {
        let told = scene.tries(3, Trick::AnothersPass, 201);
        told.deal = Some(Box::default());
    }),
    ("cheats_succeeded", |scene| {
        let told = scene.tries(3, Trick::AnothersOffer, 200);
        (told.pass_given, told.number) = (true, Some(1));
    }),
    ("cheats_succeeded", |scene| {
        scene.tries(3, Trick::ReserveWithoutPass, 201);
    }),
    ("cheats_succeeded", |scene| {
        scene.tries(3, Trick::ReserveTwice, 201);
    }),
    ("cheats_succeeded", |scene| {
        scene.tries(3, Trick::AnothersReservation, 202);
    }),
    ("turned_away", |scene| scene.told(0, Ask::Shop).shop = false),
    ("repeats_differ", |scene| {
        scene.reserves(0, 6050, 1).deal.as_mut().unwrap().body_sum = 77;
    }),
    ("repeats_differ", |scene| {
        let mut again = scene.told(0, Ask::Confirm).clone();
        again.deal.as_mut().unwrap().order = Some("o9".to_owned());
        scene.seen.answers.push(again);
    }),
    ("repeats_differ", |scene| {
        let mut again = scene.told(0, Ask::Claim).clone();
        again.jti = Some("another session".into());
        scene.seen.answers.push(again);
    }),
    ("dishonest_errors", |scene| {
        scene.say(3, Ask::Status, 4000, 500);
    }),
    ("dishonest_errors", |scene| {
        scene.say(3, Ask::Status, 4000, 502);
    }),
    ("dishonest_errors", |scene| {
        scene.say(3, Ask::Status, 4000, 503);
    }),
    ("dishonest_errors", |scene| {
        scene.say(3, Ask::Status, 4000, 429);
    }),
    ("dishonest_errors", |scene| {
        scene.say(3, Ask::Status, 4000, 200).problem = Some("unreadable".into());
    }),
    ("stranded", |scene| {
        scene.seen.ends[3].outcome = Outcome::SentHome;
    }),
    ("stranded", |scene| {
        scene.seen.ends.pop();
    }),
];
