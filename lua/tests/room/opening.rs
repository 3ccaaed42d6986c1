//! A room's beginning, its ceiling, and what it keeps durably elsewhere.

use lua::room::{Answer, Mode, Opened, Opening, WaitlistError};

use crate::line::{Line, arrival, fresh, person, rules, waiting};

#[tokio::test]
async fn nothing_works_in_a_room_that_is_not_open() {
    let line = Line::unopened().await;
    let rules = rules();
    let lost = |error| matches!(error, WaitlistError::Lost);
    assert!(lost(
        line.waitlist
            .join(&rules, &[arrival(1, Mode::Join)])
            .await
            .unwrap_err()
    ));
    assert!(lost(line.waitlist.release(&rules).await.unwrap_err()));
    assert!(lost(
        line.waitlist
            .claim(&rules, &[(person(1), "j".to_owned())])
            .await
            .unwrap_err()
    ));
    assert!(lost(line.waitlist.leave(&[]).await.unwrap_err()));
    assert!(lost(line.waitlist.touch(&rules, &[]).await.unwrap_err()));
    assert!(lost(
        line.waitlist
            .apply_stock("0-0", "1-0", 1, &[])
            .await
            .unwrap_err()
    ));
    assert!(lost(line.waitlist.snapshot(0, 0).await.unwrap_err()));
    assert_eq!(line.digest().await, []);
}

#[tokio::test]
async fn the_first_to_open_wins() {
    let line = Line::unopened().await;
    assert_eq!(line.waitlist.open(&fresh()).await.unwrap(), Opened::Afresh);
    line.join(&rules(), &[1]).await;
    let before = line.digest().await;
    let other = Opening {
        epoch: 7,
        start: 500,
        serving: 500,
        ceiling: 1000,
        ..fresh()
    };
    assert_eq!(line.waitlist.open(&other).await.unwrap(), Opened::Already);
    assert_eq!(line.digest().await, before);
    assert_eq!(line.join(&rules(), &[2]).await, [waiting(2, true)]);
}

#[tokio::test]
async fn the_counter_never_passes_its_ceiling() {
    let line = Line::unopened().await;
    line.waitlist
        .open(&Opening {
            ceiling: 3,
            ..fresh()
        })
        .await
        .unwrap();
    line.join(&rules(), &[1, 2]).await;
    let two = [arrival(3, Mode::Join), arrival(4, Mode::Join)];
    let before = line.digest().await;
    let refused = line.waitlist.join(&rules(), &two).await.unwrap_err();
    assert!(matches!(refused, WaitlistError::Ceiling));
    assert_eq!(line.digest().await, before, "refused whole");
    assert_eq!(line.join(&rules(), &[3]).await, [waiting(3, true)]);
    line.waitlist
        .open(&Opening {
            ceiling: 10,
            ..fresh()
        })
        .await
        .unwrap();
    assert_eq!(
        line.join(&rules(), &[3, 4]).await,
        [waiting(3, false), waiting(4, true)]
    );
    // Never lowered.
    line.waitlist
        .open(&Opening {
            ceiling: 2,
            ..fresh()
        })
        .await
        .unwrap();
    assert_eq!(line.snapshot().await.ceiling, 10);
}

#[tokio::test]
async fn who_has_a_place_is_told_so_at_the_ceiling_too() {
    let line = Line::unopened().await;
    line.waitlist
        .open(&Opening {
            ceiling: 2,
            ..fresh()
        })
        .await
        .unwrap();
    line.join(&rules(), &[1, 2]).await;
    assert_eq!(
        line.join(&rules(), &[2, 1]).await,
        [waiting(2, false), waiting(1, false)]
    );
    assert_eq!(line.arrive(&rules(), 3, Mode::Look).await, Answer::None);
}

#[tokio::test]
async fn what_is_kept_durably_only_ever_rises() {
    let line = Line::unopened().await;
    let kept = line.waitlist.durable(&line.store, 0, 0).await.unwrap();
    assert_eq!((kept.epoch, kept.ceiling), (0, 0));
    assert_eq!(line.digest().await, [], "asking writes nothing");
    let kept = line
        .waitlist
        .durable(&line.store, 1, 100_000)
        .await
        .unwrap();
    assert_eq!((kept.epoch_before, kept.ceiling_before), (0, 0));
    assert_eq!((kept.epoch, kept.ceiling), (1, 100_000));
    let kept = line.waitlist.durable(&line.store, 3, 50_000).await.unwrap();
    assert_eq!((kept.epoch_before, kept.ceiling_before), (1, 100_000));
    assert_eq!((kept.epoch, kept.ceiling), (3, 100_000));
    let kept = line.waitlist.durable(&line.store, 0, 0).await.unwrap();
    assert_eq!((kept.epoch, kept.ceiling), (3, 100_000));
}

#[tokio::test]
async fn a_large_counter_is_counted_exactly() {
    let line = Line::unopened().await;
    let start = 900_000_000_000_000;
    let large = Opening {
        start,
        ceiling: start + 100,
        serving: start,
        ..fresh()
    };
    line.waitlist.open(&large).await.unwrap();
    let answers = line.join(&rules(), &[1, 2, 3]).await;
    assert_eq!(
        answers,
        [
            waiting(start + 1, true),
            waiting(start + 2, true),
            waiting(start + 3, true)
        ]
    );
    line.at(1000);
    assert_eq!(line.release(&rules()).await, Some((3, 0)));
    let seen = line.snapshot().await;
    assert_eq!(
        (seen.serving, seen.issued, seen.ceiling),
        (start + 3, start + 3, start + 100)
    );
}

#[tokio::test]
async fn a_room_rebuilt_from_nothing_holds_everybody_until_they_had_time_to_come_back() {
    let line = Line::unopened().await;
    let rebuilt = Opening {
        epoch: 2,
        start: 1000,
        ceiling: 2000,
        serving: 40,
        hold_ms: 30_000,
    };
    line.waitlist.open(&rebuilt).await.unwrap();
    line.join(&rules(), &[1]).await;
    let back = Mode::Back(entry_pass::TicketNumber(41));
    assert_eq!(line.arrive(&rules(), 2, back).await, waiting(41, false));
    line.at(29_999);
    assert_eq!(line.release(&rules()).await, Some((0, 0)));
    line.at(30_999);
    let one = lua::room::Rules {
        batch: 1,
        ..rules()
    };
    assert_eq!(line.release(&one).await, Some((1, 0)));
    assert!(crate::line::offered(
        &line.arrive(&rules(), 2, Mode::Look).await
    ));
    assert_eq!(line.snapshot().await.serving, 41);
}
