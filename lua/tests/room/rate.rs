//! Release: capacity, the rate in any rolling minute and tick, and who may come straight in.

use lua::room::{End, Released, Rules};

use crate::line::{Line, admitted, door_open, person, rules, waiting};

fn persons(from: u32, count: u32) -> Vec<u32> {
    (from..from + count).collect()
}

#[tokio::test]
async fn an_early_release_is_refused_however_many_gateways_call() {
    let line = Line::open().await;
    line.join(&rules(), &persons(1, 50)).await;
    line.at(5000);
    assert_eq!(line.release(&rules()).await, Some((10, 0)));
    for gateway in 0..8 {
        let other = line.another_gateway().await;
        other.at(5000 + gateway);
        let answer = other.waitlist.release(&rules()).await.unwrap();
        assert_eq!(
            answer,
            Released::Early {
                wait_ms: 1000 - gateway
            }
        );
    }
    line.at(5999);
    assert_eq!(line.release(&rules()).await, None);
    line.at(6000);
    assert_eq!(line.release(&rules()).await, Some((10, 0)));
}

#[tokio::test]
async fn inside_and_offered_never_exceed_capacity() {
    let line = Line::open().await;
    let rules = Rules {
        capacity: 15,
        ..rules()
    };
    line.join(&rules, &persons(1, 40)).await;
    line.at(1000);
    assert_eq!(line.release(&rules).await, Some((10, 0)));
    for n in 1..=5 {
        line.claim(&rules, n, &format!("j{n}")).await;
    }
    line.at(2000);
    assert_eq!(line.release(&rules).await, Some((5, 0)));
    line.at(3000);
    assert_eq!(line.release(&rules).await, Some((0, 0)));
    line.waitlist
        .leave(&[(person(1), End::Leave), (person(6), End::Leave)])
        .await
        .unwrap();
    line.at(4000);
    assert_eq!(
        line.release(&rules).await,
        Some((2, 0)),
        "what was given up is free at once"
    );
    // Lowered live: nobody is thrown out, and nobody more comes in.
    line.at(5000);
    let lowered = Rules {
        capacity: 3,
        ..rules.clone()
    };
    assert_eq!(line.release(&lowered).await, Some((0, 0)));
}

#[tokio::test]
async fn a_rolling_minute_never_sees_more_than_the_rate() {
    let line = Line::open().await;
    let rules = Rules {
        capacity: 1000,
        per_minute: 25,
        ..rules()
    };
    line.join(&rules, &persons(1, 100)).await;
    let mut counts = Vec::new();
    for tick in 1..=62 {
        line.at(tick * 1000);
        counts.push(line.release(&rules).await.unwrap().0);
    }
    assert_eq!(counts[..4], [10, 10, 5, 0]);
    assert_eq!(counts[4..60].iter().sum::<u64>(), 0);
    assert_eq!(counts[60..], [10, 10], "a minute later those count no more");
}

#[tokio::test]
async fn idle_time_is_not_saved_into_a_burst() {
    let line = Line::open().await;
    let rules = rules();
    line.at(1000);
    assert_eq!(line.release(&rules).await, Some((0, 0)));
    // An hour in which nobody came, with gateways asking and without.
    line.at(1_800_000);
    assert_eq!(line.release(&rules).await, Some((0, 0)));
    line.at(3_600_000);
    line.join(&rules, &persons(1, 50)).await;
    assert_eq!(line.release(&rules).await, Some((10, 0)));
    line.at(3_600_999);
    assert_eq!(line.release(&rules).await, None);
    line.at(3_601_000);
    assert_eq!(line.release(&rules).await, Some((10, 0)));
}

#[tokio::test]
async fn newcomers_come_straight_in_only_as_fast_as_the_line_would_move() {
    let line = Line::open().await;
    let rules = door_open();
    let answers = line.join(&rules, &persons(1, 12)).await;
    assert_eq!(answers.iter().filter(|answer| admitted(answer)).count(), 10);
    assert_eq!(answers[10..], [waiting(11, true), waiting(12, true)]);
    line.at(500);
    assert_eq!(line.release(&rules).await, None, "the tick is used up");
    line.at(1000);
    assert_eq!(line.release(&rules).await, Some((2, 0)));
    // Nobody waits, and eight of this tick are left.
    let answers = line.join(&rules, &persons(20, 9)).await;
    assert_eq!(answers.iter().filter(|answer| admitted(answer)).count(), 8);
}

#[tokio::test]
async fn newcomers_come_straight_in_only_while_there_is_room() {
    let line = Line::open().await;
    let rules = Rules {
        capacity: 3,
        ..door_open()
    };
    let answers = line.join(&rules, &persons(1, 5)).await;
    let inside: Vec<bool> = answers.iter().map(admitted).collect();
    assert_eq!(inside, [true, true, true, false, false]);
}

#[tokio::test]
async fn newcomers_straight_in_count_in_the_rolling_minute() {
    let line = Line::open().await;
    let rules = Rules {
        per_minute: 12,
        ..door_open()
    };
    line.join(&rules, &persons(1, 10)).await;
    line.at(2000);
    let answers = line.join(&rules, &persons(11, 3)).await;
    let inside: Vec<bool> = answers.iter().map(admitted).collect();
    assert_eq!(inside, [true, true, false]);
    line.at(59_999);
    assert_eq!(line.release(&rules).await, Some((0, 0)));
    line.at(61_000);
    assert_eq!(line.release(&rules).await, Some((1, 0)));
}

#[tokio::test]
async fn a_closed_door_lets_nobody_in_and_still_tidies_up() {
    let line = Line::open().await;
    let closed = Rules {
        releasing: false,
        ..rules()
    };
    line.join(&rules(), &persons(1, 5)).await;
    line.at(1000);
    assert_eq!(
        line.release(&Rules {
            batch: 2,
            ..rules()
        })
        .await,
        Some((2, 0))
    );
    line.at(100_000);
    assert_eq!(line.release(&closed).await, Some((0, 0)));
    let seen = line.snapshot().await;
    assert_eq!((seen.offers, seen.away, seen.waiting), (0, 2, 3));
    assert_eq!(line.join(&rules(), &[9]).await, [waiting(6, true)]);
}

#[tokio::test]
async fn the_record_of_releases_stays_as_long_as_a_minute() {
    let line = Line::open().await;
    let rules = Rules {
        capacity: 100_000,
        per_minute: 100_000,
        ..door_open()
    };
    for tick in 1..=200 {
        for slice in [0, 130, 131, 250, 900] {
            line.at(tick * 1000 + slice);
            line.join(&rules, &[(tick * 1000 + slice) as u32]).await;
        }
        line.release(&rules).await;
    }
    let length: u64 = line.ask(&["LLEN", &line.keys.releases]).await;
    assert!(length <= 610, "{length}");
}

#[tokio::test]
async fn a_clock_set_back_does_not_stop_the_line_for_more_than_a_tick() {
    let line = Line::open().await;
    let rules = Rules {
        per_minute: 600,
        ..rules()
    };
    let hour = 3_600_000;
    line.at(hour);
    line.join(&rules, &persons(1, 200)).await;
    for tick in 0..3 {
        line.at(hour + tick * 1000);
        assert_eq!(line.release(&rules).await, Some((10, 0)));
    }
    // Set back by an hour, just after a release.
    line.at(0);
    assert_eq!(line.release(&rules).await, None);
    line.at(999);
    assert_eq!(line.release(&rules).await, None);
    line.at(1000);
    assert_eq!(line.release(&rules).await, Some((10, 0)));
    line.at(2000);
    assert_eq!(line.release(&rules).await, Some((10, 0)));
}

#[tokio::test]
async fn a_clock_set_back_gives_no_second_helping_of_the_minute() {
    let line = Line::open().await;
    let rules = Rules {
        per_minute: 25,
        capacity: 1000,
        ..rules()
    };
    let hour = 3_600_000;
    line.at(hour);
    line.join(&rules, &persons(1, 200)).await;
    for tick in 0..3 {
        line.at(hour + tick * 1000);
        line.release(&rules).await;
    }
    let mut released = Vec::new();
    for tick in 0..62 {
        line.at(tick * 1000);
        released.push(line.release(&rules).await.map_or(0, |(offered, _)| offered));
    }
    assert_eq!(released[..58].iter().sum::<u64>(), 0);
    assert_eq!(released[58..].iter().sum::<u64>(), 25);
}

#[tokio::test]
async fn newcomers_come_straight_in_again_after_a_clock_was_set_back() {
    let line = Line::open().await;
    let rules = door_open();
    line.at(3_600_050);
    assert!(admitted(&line.join(&rules, &[1]).await[0]));
    line.release(&rules).await;
    line.at(0);
    line.release(&rules).await;
    line.at(1000);
    line.release(&rules).await;
    assert!(admitted(&line.join(&rules, &[2]).await[0]));
}

#[tokio::test]
async fn newcomers_let_straight_in_cost_the_line_no_further_tick() {
    let line = Line::open().await;
    line.at(2000);
    assert_eq!(line.release(&rules()).await, Some((0, 0)));
    // Half a tick later a whole batch comes straight in, and more behind it.
    line.at(2500);
    let answers = line.join(&door_open(), &persons(1, 25)).await;
    assert_eq!(answers.iter().filter(|answer| admitted(answer)).count(), 10);
    line.at(3000);
    assert_eq!(line.release(&rules()).await, None, "the tick was used up");
    line.at(3499);
    assert_eq!(line.release(&rules()).await, None, "a full tick after them");
    line.at(3500);
    assert_eq!(
        line.release(&rules()).await,
        Some((10, 0)),
        "and then a full batch"
    );
}
