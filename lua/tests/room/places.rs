//! Arrival and ticket: one number per person and stay, in the order of arrival.

use std::collections::BTreeSet;

use entry_pass::TicketNumber;
use lua::room::{Answer, End, Mode};

use crate::line::{Line, arrival, door_open, name, number, offered, person, rules, waiting};

#[tokio::test]
async fn a_number_is_never_given_twice() {
    let line = Line::open().await;
    let mut given = BTreeSet::new();
    for batch in 0..20 {
        let persons: Vec<u32> = (batch * 50..(batch + 1) * 50).collect();
        for answer in line.join(&rules(), &persons).await {
            assert!(given.insert(number(&answer)), "{answer:?} again");
        }
        // Also when those before have left: nothing that shrinks is counted.
        let leavers: Vec<_> = persons
            .iter()
            .step_by(2)
            .map(|&n| (person(n), End::Leave))
            .collect();
        line.waitlist.leave(&leavers).await.unwrap();
    }
    assert_eq!(given, (1..=1000).collect());
}

#[tokio::test]
async fn the_same_person_gets_the_same_number_again() {
    let line = Line::open().await;
    let first = line.join(&rules(), &[1, 2, 3]).await;
    assert_eq!(
        first,
        [waiting(1, true), waiting(2, true), waiting(3, true)]
    );
    let again = line.join(&rules(), &[3, 4, 1]).await;
    assert_eq!(
        again,
        [waiting(3, false), waiting(4, true), waiting(1, false)]
    );
}

#[tokio::test]
async fn two_tabs_in_one_batch_get_one_number() {
    let line = Line::open().await;
    let answers = line.join(&rules(), &[1, 2, 1, 1]).await;
    let expected = [
        waiting(1, true),
        waiting(2, true),
        waiting(1, false),
        waiting(1, false),
    ];
    assert_eq!(answers, expected);
    assert_eq!(line.snapshot().await.issued, 2);
    let answers = line.join(&door_open(), &[3, 3]).await;
    assert_eq!(answers, [waiting(3, true), waiting(3, false)]);
}

#[tokio::test]
async fn two_tabs_in_one_batch_are_let_straight_in_once() {
    let line = Line::open().await;
    let answers = line.join(&door_open(), &[1, 1]).await;
    let [Answer::Admitted(first), Answer::Admitted(second)] = &answers[..] else {
        panic!("{answers:?}");
    };
    assert!(first.new && !second.new);
    assert_eq!((first.number, &first.jti), (second.number, &second.jti));
    assert_eq!(line.snapshot().await.sessions, 1);
}

#[tokio::test]
async fn a_look_before_a_join_in_one_batch_does_not_cost_the_place() {
    let line = Line::open().await;
    let asked = [
        arrival(1, Mode::Look),
        arrival(1, Mode::Join),
        arrival(1, Mode::Look),
    ];
    let answers = line.waitlist.join(&rules(), &asked).await.unwrap().answers;
    assert_eq!(answers, [Answer::None, waiting(1, true), waiting(1, false)]);
}

#[tokio::test]
async fn looking_gives_no_number() {
    let line = Line::open().await;
    let before = line.digest().await;
    assert_eq!(line.arrive(&door_open(), 1, Mode::Look).await, Answer::None);
    assert_eq!(line.digest().await, before);
}

#[tokio::test]
async fn arrival_order_is_release_order() {
    let line = Line::open().await;
    let rules = rules();
    let order = [7, 3, 9, 1, 8, 2, 6, 4, 5, 10, 15, 11, 14, 12, 13];
    for pair in order.chunks(2) {
        line.join(&rules, pair).await;
    }
    let mut released = Vec::new();
    for tick in 1..=5 {
        line.at(tick * 1000);
        let batch = lua::room::Rules {
            batch: 3,
            ..rules.clone()
        };
        assert_eq!(line.release(&batch).await, Some((3, 0)));
        for &n in &order {
            let looked = line.arrive(&rules, n, Mode::Look).await;
            if offered(&looked) && !released.contains(&n) {
                released.push(n);
            }
        }
    }
    assert_eq!(released, order);
}

#[tokio::test]
async fn a_newcomer_never_overtakes_while_someone_waits() {
    let line = Line::open().await;
    // Somebody waits although there is room, rate and time enough for both.
    line.join(&rules(), &[1]).await;
    assert_eq!(line.join(&door_open(), &[2]).await, [waiting(2, true)]);
    // Nor in the same batch behind somebody who had to wait.
    let line = Line::open().await;
    line.join(&rules(), &[1]).await;
    line.ask::<i64>(&["ZREM", &line.keys.present, &name(1)])
        .await;
    line.at(1000);
    assert_eq!(line.release(&rules()).await, Some((0, 1)));
    let answers = line.join(&door_open(), &[1, 2]).await;
    assert_eq!(answers, [waiting(1, false), waiting(2, true)]);
}

#[tokio::test]
async fn leavers_are_counted_once_and_positions_agree_with_their_log() {
    let line = Line::open().await;
    let mut rules = rules();
    rules.batch = 5;
    line.join(&rules, &(1..=40).collect::<Vec<_>>()).await;
    let leave = |ns: &'static [u32]| {
        ns.iter()
            .map(|&n| (person(n), End::Leave))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        line.waitlist.leave(&leave(&[3, 20, 20, 99])).await.unwrap(),
        [true, true, false, false]
    );
    assert_eq!(
        line.waitlist.leave(&leave(&[20, 30])).await.unwrap(),
        [false, true]
    );
    line.at(1000);
    line.release(&rules).await;
    line.waitlist.leave(&leave(&[12, 1])).await.unwrap();

    let seen = line.snapshot().await;
    let gone: Vec<u64> = seen.gone.iter().map(|number| number.0).collect();
    assert_eq!(
        gone,
        [3, 20, 30, 12],
        "an offer given up is not in the line any more"
    );
    assert_eq!(seen.serving, 6);
    let line_now = line.members(&line.keys.waiting).await;
    assert_eq!(line_now.len() as u64, seen.waiting);
    for (ahead, (person, number)) in line_now.iter().enumerate() {
        let left = gone
            .iter()
            .filter(|&&g| g > seen.serving && g < *number)
            .count() as u64;
        let position = 1 + (number - seen.serving - 1) - left;
        assert_eq!(position, ahead as u64 + 1, "{person} with {number}");
    }
    // A gateway that knows some asks for the rest.
    let rest = line.waitlist.snapshot(3, 0).await.unwrap();
    assert_eq!((rest.gone_from, rest.gone), (3, vec![TicketNumber(12)]));
}

#[tokio::test]
async fn the_log_of_leavers_starts_afresh_when_the_line_is_empty() {
    let line = Line::open().await;
    line.join(&rules(), &[1, 2, 3]).await;
    line.waitlist
        .leave(&[(person(2), End::Leave)])
        .await
        .unwrap();
    line.at(1000);
    line.release(&rules()).await;
    let seen = line.waitlist.snapshot(0, 0).await.unwrap();
    assert_eq!((seen.gone_from, seen.gone.len(), seen.waiting), (1, 0, 0));
    // What left later is counted on, so nobody mistakes it for what is known.
    line.join(&rules(), &[4]).await;
    line.waitlist
        .leave(&[(person(4), End::Leave)])
        .await
        .unwrap();
    let seen = line.waitlist.snapshot(1, 0).await.unwrap();
    assert_eq!((seen.gone_from, seen.gone), (1, vec![TicketNumber(4)]));
}

#[tokio::test]
async fn joining_after_leaving_takes_a_new_number_at_the_end() {
    let line = Line::open().await;
    line.join(&rules(), &[1, 2]).await;
    line.waitlist
        .leave(&[(person(1), End::Leave)])
        .await
        .unwrap();
    assert_eq!(line.arrive(&rules(), 1, Mode::Look).await, Answer::None);
    assert_eq!(line.join(&rules(), &[1]).await, [waiting(3, true)]);
    let order = line.members(&line.keys.waiting).await;
    assert_eq!(order, [(name(2), 2), (name(1), 3)]);
}

#[tokio::test]
async fn leaving_gives_up_a_place_an_offer_and_a_kept_place_alike() {
    let line = Line::open().await;
    let rules = rules();
    line.join(&rules, &[1, 2, 3]).await;
    line.ask::<i64>(&["ZREM", &line.keys.present, &name(1)])
        .await;
    line.at(1000);
    assert_eq!(
        line.release(&lua::room::Rules {
            batch: 1,
            ..rules.clone()
        })
        .await,
        Some((1, 1))
    );
    let all: Vec<_> = (1..=3).map(|n| (person(n), End::Leave)).collect();
    assert_eq!(line.waitlist.leave(&all).await.unwrap(), [true; 3]);
    let seen = line.snapshot().await;
    assert_eq!((seen.away, seen.offers, seen.waiting), (0, 0, 0));
    assert_eq!(line.waitlist.leave(&all).await.unwrap(), [false; 3]);
    for n in 1..=3 {
        assert_eq!(line.arrive(&rules, n, Mode::Look).await, Answer::None);
    }
}
