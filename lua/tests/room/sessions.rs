//! Inside: a session slides, has a hard end, and gives its room back the moment it is over.

use entry_pass::TicketNumber;
use lua::room::{Answer, End, EndedPass, Mode, Rules, Touch};

use crate::{
    claiming::{offered, session},
    line::{Line, START, admitted, door_open, person, rules, waiting},
};

async fn inside(persons: &[u32]) -> Line {
    let line = offered(persons).await;
    for n in persons {
        session(line.claim(&rules(), *n, &format!("j{n}")).await);
    }
    line
}

async fn touch(line: &Line, rules: &Rules, n: u32, jti: &str) -> Option<u64> {
    let touch = Touch::Session {
        person: person(n),
        jti: jti.to_owned(),
    };
    line.waitlist.touch(rules, &[touch]).await.unwrap()[0]
}

#[tokio::test]
async fn a_session_slides_but_never_past_its_hard_end() {
    let line = inside(&[1]).await;
    let rules = Rules {
        session_max_ms: 0,
        ..rules()
    };
    let mut last = 0;
    for minutes in 1..=70 {
        line.at(1000 + minutes * 60_000);
        let Some(until) = touch(&line, &rules, 1, "j1").await else {
            break;
        };
        assert!(until >= last, "a deadline once told is never taken back");
        assert!(until <= START + 1000 + 3_600_000);
        assert_eq!(line.members(&line.keys.sessions).await[0].1, until);
        last = until;
    }
    assert_eq!(last, START + 1000 + 3_600_000);
    assert_eq!(touch(&line, &rules, 1, "j1").await, None);
}

#[tokio::test]
async fn a_shortened_session_setting_takes_no_deadline_back() {
    let line = inside(&[1]).await;
    let shorter = Rules {
        session_ms: 10,
        ..rules()
    };
    assert_eq!(touch(&line, &shorter, 1, "j1").await, Some(START + 301_000));
}

#[tokio::test]
async fn only_the_running_pass_of_the_person_slides_the_session() {
    let line = inside(&[1]).await;
    let before = line.digest().await;
    line.at(2000);
    assert_eq!(touch(&line, &rules(), 1, "another").await, None);
    assert_eq!(touch(&line, &rules(), 2, "j1").await, None);
    line.at(301_000);
    assert_eq!(touch(&line, &rules(), 1, "j1").await, None, "over is over");
    assert_eq!(line.digest().await, before);
}

#[tokio::test]
async fn a_session_that_ran_out_frees_its_room() {
    let line = inside(&[1, 2]).await;
    let rules = Rules {
        capacity: 2,
        ..rules()
    };
    line.at(200_000);
    line.join(&rules, &[3, 4]).await;
    touch(&line, &rules, 2, "j2").await;
    line.at(301_000);
    assert_eq!(line.release(&rules).await, Some((1, 0)));
    assert_eq!(line.arrive(&rules, 1, Mode::Look).await, Answer::None);
}

#[tokio::test]
async fn joining_after_a_session_ran_out_takes_a_new_number_before_the_sweep_too() {
    let line = inside(&[1]).await;
    line.at(301_000);
    assert_eq!(line.arrive(&rules(), 1, Mode::Look).await, Answer::None);
    assert_eq!(line.join(&rules(), &[1]).await, [waiting(2, true)]);
    let seen = line.snapshot().await;
    assert_eq!((seen.sessions, seen.waiting), (0, 1));
    assert_eq!(line.release(&rules()).await, Some((1, 0)));
    let line = inside(&[1]).await;
    line.at(301_000);
    let Answer::Admitted(again) = line.arrive(&door_open(), 1, Mode::Join).await else {
        panic!("nobody waits and there is room");
    };
    assert_eq!(
        (again.number.0, again.expires_at, again.new),
        (2, START + 601_000, true)
    );
    assert_eq!(line.members(&line.keys.sessions).await.len(), 1);
}

#[tokio::test]
async fn an_ended_session_frees_capacity_at_once_and_its_pass_is_listed() {
    let line = inside(&[1, 2]).await;
    let rules = Rules {
        capacity: 2,
        ..door_open()
    };
    line.at(5000);
    assert_eq!(line.join(&rules, &[3]).await, [waiting(3, true)]);
    line.release(&rules).await;
    let left = line
        .waitlist
        .leave(&[(person(1), End::Leave)])
        .await
        .unwrap();
    assert_eq!(left, [true]);
    let seen = line.snapshot().await;
    assert_eq!(seen.sessions, 1);
    let listed = EndedPass {
        jti: "j1".to_owned(),
        refused_from: START + 5000,
        expires_at: START + 301_000,
    };
    assert_eq!(seen.ended, [listed]);
    line.at(6000);
    assert_eq!(line.release(&rules).await, Some((1, 0)));
    let again = line
        .waitlist
        .leave(&[(person(1), End::Leave)])
        .await
        .unwrap();
    assert_eq!((again, line.snapshot().await.ended.len()), (vec![false], 1));
}

#[tokio::test]
async fn a_completed_session_keeps_its_pass_for_sixty_seconds_more() {
    let line = inside(&[1]).await;
    line.at(5000);
    line.waitlist
        .leave(&[(person(1), End::Complete)])
        .await
        .unwrap();
    let seen = line.snapshot().await;
    assert_eq!(
        (seen.sessions, seen.ended[0].refused_from),
        (0, START + 65_000)
    );
    // Coming back for more is a new stay.
    assert!(admitted(&line.join(&door_open(), &[1]).await[0]));
}

#[tokio::test]
async fn a_revoked_person_may_not_rejoin_until_the_pass_would_have_expired() {
    let line = inside(&[1, 2]).await;
    line.at(5000);
    line.waitlist
        .leave(&[(person(1), End::Revoke)])
        .await
        .unwrap();
    let until = START + 301_000;
    assert_eq!(line.snapshot().await.ended[0].refused_from, START + 5000);
    for mode in [Mode::Join, Mode::Look, Mode::Back(TicketNumber(1))] {
        assert_eq!(
            line.arrive(&door_open(), 1, mode).await,
            Answer::Revoked { until }
        );
    }
    line.at(300_999);
    line.release(&rules()).await;
    assert_eq!(
        line.join(&door_open(), &[1]).await,
        [Answer::Revoked { until }]
    );
    line.at(301_000);
    assert!(admitted(&line.join(&door_open(), &[1]).await[0]));
}

#[tokio::test]
async fn the_list_of_ended_passes_forgets_what_expired_and_counts_on() {
    let line = inside(&[1, 2, 3]).await;
    line.waitlist
        .leave(&[(person(1), End::Leave)])
        .await
        .unwrap();
    line.at(100_000);
    touch(&line, &rules(), 2, "j2").await;
    line.waitlist
        .leave(&[(person(2), End::Leave)])
        .await
        .unwrap();
    assert_eq!(line.waitlist.snapshot(0, 1).await.unwrap().ended.len(), 1);
    line.at(301_000);
    line.release(&rules()).await;
    let seen = line.waitlist.snapshot(0, 1).await.unwrap();
    assert_eq!((seen.ended_from, seen.ended.len()), (1, 1));
    let afresh = line.snapshot().await;
    assert_eq!((afresh.ended_from, afresh.ended[0].jti.as_str()), (1, "j2"));
}
