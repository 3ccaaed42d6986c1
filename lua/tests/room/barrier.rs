//! After a restart: the line goes on with those the store still knows, and nobody passes the rest.

use entry_pass::TicketNumber;
use lua::room::{Mode, Opened, Opening, Rules};

use crate::{
    line::{Line, door_open, fresh, name, offered, rules},
    restart::{CEILING, reopening, torn},
};

#[tokio::test]
async fn nobody_beyond_the_barrier_is_released_before_the_hold_is_over() {
    let (_server, line) = torn().await;
    let rules = rules();
    line.waitlist.open(&reopening()).await.unwrap();
    line.join(&rules, &[7, 8]).await;
    line.arrive(&rules, 6, Mode::Back(TicketNumber(6))).await;
    line.at(1000);
    assert_eq!(
        line.release(&rules).await,
        Some((4, 0)),
        "those who were known go on"
    );
    line.at(29_000);
    assert_eq!(line.release(&rules).await, Some((0, 0)));
    assert!(
        !offered(&line.join(&door_open(), &[9]).await[0]),
        "nor straight in"
    );
    // Number 5 comes at the last moment and is before 6 and 7.
    line.arrive(&rules, 5, Mode::Back(TicketNumber(5))).await;
    line.at(30_000);
    assert_eq!(
        line.release(&Rules {
            batch: 1,
            ..rules.clone()
        })
        .await,
        Some((1, 0))
    );
    assert!(offered(&line.arrive(&rules, 5, Mode::Look).await));
    line.at(31_000);
    assert_eq!(line.release(&rules).await, Some((4, 0)));
}

#[tokio::test]
async fn absent_people_before_the_barrier_do_not_open_it() {
    let (_server, line) = torn().await;
    let rules = Rules {
        capacity: 3,
        ..rules()
    };
    line.waitlist.open(&reopening()).await.unwrap();
    line.join(&rules, &[7, 8, 9]).await;
    for n in 1..=4 {
        line.ask::<i64>(&["ZREM", &line.keys.present, &name(n)])
            .await;
    }
    line.at(1000);
    assert_eq!(line.release(&rules).await, Some((0, 4)));
    assert_eq!(line.snapshot().await.waiting, 3);
}

#[tokio::test]
async fn a_second_restart_within_the_hold_does_not_move_the_barrier_on() {
    let (mut server, line) = torn().await;
    line.waitlist.open(&reopening()).await.unwrap();
    line.join(&rules(), &[7, 8]).await;
    server.kill();
    server.start_again();
    let line = Line::on(&server, 1).await;
    line.at(2000);
    let again = Opening {
        epoch: 3,
        start: 2 * CEILING,
        ceiling: 3 * CEILING,
        ..fresh()
    };
    assert_eq!(line.waitlist.open(&again).await.unwrap(), Opened::Again);
    line.at(10_000);
    // 5 and 6 are still on their way back.
    assert_eq!(line.release(&rules()).await, Some((4, 0)));
    line.at(31_999);
    assert_eq!(line.release(&rules()).await, Some((0, 0)));
    // With the hold over the next restart starts from what is known then.
    line.at(40_000);
    line.seen(&rules(), &[7, 8]).await;
    assert_eq!(line.release(&rules()).await, Some((2, 0)));
    line.join(&rules(), &[9]).await;
    line.seen(&rules(), &[9]).await;
    server.kill();
    server.start_again();
    let line = Line::on(&server, 1).await;
    line.at(50_000);
    line.waitlist
        .open(&Opening { epoch: 4, ..again })
        .await
        .unwrap();
    line.at(51_000);
    assert_eq!(line.release(&rules()).await, Some((1, 0)));
}

#[tokio::test]
async fn who_comes_after_a_gap_in_the_numbers_is_as_near_as_the_people_ahead_are_few() {
    let (_server, line) = torn().await;
    line.waitlist.open(&reopening()).await.unwrap();
    line.join(&rules(), &[7]).await;
    let near = line.members(&line.keys.present).await;
    assert!(near.iter().any(|(person, _)| *person == name(7)));
    let seen = line.snapshot().await;
    let never_given = [(TicketNumber(4), TicketNumber(CEILING))];
    assert_eq!(seen.never_given, never_given);
    let far = Rules { near: 5, ..rules() };
    line.join(&far, &[8]).await;
    let near = line.members(&line.keys.present).await;
    assert!(!near.iter().any(|(person, _)| *person == name(8)));
}

#[tokio::test]
async fn a_clock_set_back_does_not_lengthen_the_hold() {
    let (_server, line) = torn().await;
    let hour = 3_600_000;
    line.at(hour);
    line.waitlist.open(&reopening()).await.unwrap();
    line.join(&rules(), &[7]).await;
    line.seen(&rules(), &[1, 2, 3, 4, 7]).await;
    line.at(hour + 10_000);
    assert_eq!(line.release(&rules()).await, Some((4, 0)));
    // Twenty seconds of the hold are left.
    line.at(0);
    assert_eq!(line.release(&rules()).await, None);
    line.at(19_999);
    assert_eq!(line.release(&rules()).await, Some((0, 0)));
    line.at(20_999);
    assert_eq!(line.release(&rules()).await, Some((1, 0)));
}
