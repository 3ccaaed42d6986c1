//! Runs that look odd and break nothing: what the judge must not call broken.

use std::time::Duration;

use super::scene::{Scene, only};
use crate::observation::{Ask, State, Trick};

/// What happened, what is not to be held against the system, and how it looks.
pub(super) type Excused = (&'static str, &'static str, fn(&mut Scene));

pub(super) const EXCUSED: &[Excused] = &[
    (
        "the page gave the place before the join asked",
        "number_inversions",
        |scene| {
            // The fourth asked by its page, before the third, and heard of its number by the join.
            scene.told(2, Ask::Join).number = Some(4);
            scene.told(3, Ask::Join).number = Some(3);
            let page = scene.told(3, Ask::Page);
            (page.asked, page.ticket_given) = (1190, true);
        },
    ),
    (
        "asked at the same moment: nobody was first",
        "order_inversions",
        |scene| {
            let answered = scene.told(0, Ask::Join).answered;
            scene.told(1, Ask::Join).asked = answered;
            for ask in [Ask::Ticket, Ask::Claim] {
                scene.told(0, ask).released_at = Some(5001);
            }
        },
    ),
    (
        "away at its turn by its role",
        "order_inversions",
        |scene| {
            scene.plan.shares = only(|shares| &mut shares.absent);
            for ask in [Ask::Ticket, Ask::Claim] {
                scene.told(0, ask).released_at = Some(5001);
            }
        },
    ),
    (
        "silent for longer than a place is held",
        "order_inversions",
        |scene| {
            scene.plan.policy.away_after = Duration::from_secs(2);
            for ask in [Ask::Ticket, Ask::Claim] {
                scene.told(0, ask).released_at = Some(5001);
            }
        },
    ),
    ("gave up its place before", "order_inversions", |scene| {
        scene
            .seen
            .answers
            .retain(|answer| answer.visitor != 0 || answer.asked < 5000);
        scene.say(0, Ask::Leave, 3000, 200);
    }),
    (
        "heard of its release a little late",
        "order_inversions",
        |scene| {
            let told = scene.say(0, Ask::Ticket, 5050, 200);
            (told.number, told.state) = (Some(1), Some(State::Waiting));
        },
    ),
    ("took a new place after leaving", "places_lost", |scene| {
        scene.say(2, Ask::Leave, 3000, 200);
        let told = scene.say(2, Ask::Join, 3500, 201);
        (told.number, told.state) = (Some(9), Some(State::Waiting));
    }),
    (
        "let in the moment another asked to leave",
        "capacity",
        |scene| scene.lets_in(2, 6200),
    ),
    ("an offer ran out and was made again", "capacity", |scene| {
        scene.plan.policy.capacity = 2;
        let told = scene.say(0, Ask::Ticket, 4500, 200);
        (told.number, told.state) = (Some(1), Some(State::Offered));
        (told.released_at, told.offer_expires_at) = (Some(4000), Some(4900));
    }),
    (
        "a unit came back and was sold to another",
        "duplicate_units",
        |scene| {
            scene.reserves(2, 100, 2).expires_at = Some(5900);
        },
    ),
    (
        "reserved again after the hold had run out",
        "over_limit",
        |scene| {
            let told = scene.reserves(0, 100, 7);
            told.expires_at = Some(5900);
            told.deal.as_mut().unwrap().key = Some("earlier".to_owned());
        },
    ),
    ("a hold that still runs", "units_stuck", |scene| {
        scene.reserves(2, 59_000, 9);
        scene.counts.held = 1;
    }),
    (
        "a stranger let straight in by a quiet room",
        "cheats_succeeded",
        |scene| {
            let told = scene.tries(3, Trick::NoPass, 200);
            (told.shop, told.pass_given) = (true, true);
        },
    ),
    (
        "claimed one's own offer meanwhile",
        "cheats_succeeded",
        |scene| {
            let told = scene.tries(3, Trick::AnothersOffer, 200);
            (told.pass_given, told.number) = (true, Some(4));
        },
    ),
    ("the pass had run out", "turned_away", |scene| {
        scene.told(0, Ask::Claim).expires_at = Some(5300);
        scene.told(0, Ask::Shop).shop = false;
    }),
    ("later, and when", "dishonest_errors", |scene| {
        scene.say(3, Ask::Status, 4000, 503).retry_after = true;
    }),
    ("no answer at all", "dishonest_errors", |scene| {
        scene.say(3, Ask::Status, 4000, 0);
    }),
    (
        "the answer to a repeated confirm",
        "repeats_differ",
        |scene| {
            let again = scene.told(0, Ask::Confirm).clone();
            scene.seen.answers.push(again);
        },
    ),
];
