//! A waitlist store killed and started again: nobody loses a place, no number comes twice.
//!
//! The server is real and killed with `kill -9`. Where entries must be missing, its log is cut: what
//! a crash between two fsyncs leaves behind.

use entry_pass::TicketNumber;
use lua::room::{End, Mode, Opened, Opening, Rules, WaitlistError};

use crate::{
    line::{Line, arrival, fresh, name, person, rules, waiting},
    server::Server,
};

pub(crate) const CEILING: u64 = 100_000;

fn opening() -> Opening {
    Opening {
        ceiling: CEILING,
        ..fresh()
    }
}

/// What gateways ask for after a restart, with a ceiling raised durably before.
pub(crate) fn reopening() -> Opening {
    Opening {
        epoch: 2,
        start: CEILING,
        ceiling: 2 * CEILING,
        ..fresh()
    }
}

/// A room whose store wrote down the joins of 1 to 4 and lost those of 5 and 6.
pub(crate) async fn torn() -> (Server, Line) {
    let mut server = Server::logging();
    let line = Line::on(&server, 1).await;
    line.waitlist.open(&opening()).await.unwrap();
    line.join(&rules(), &[1, 2, 3, 4]).await;
    let written = server.log_length();
    assert_eq!(
        line.join(&rules(), &[5, 6]).await,
        [waiting(5, true), waiting(6, true)]
    );
    server.kill();
    server.tear_log(written);
    server.start_again();
    let line = Line::on(&server, 1).await;
    (server, line)
}

#[tokio::test]
async fn every_script_answers_restarted_until_the_room_is_reopened() {
    let mut server = Server::logging();
    let line = Line::on(&server, 1).await;
    line.waitlist.open(&opening()).await.unwrap();
    line.join(&rules(), &[1, 2]).await;
    server.kill();
    server.start_again();
    let line = Line::on(&server, 1).await;
    line.at(5000);
    let before = line.digest().await;
    let restarted = |error| matches!(error, WaitlistError::Restarted);
    let w = &line.waitlist;
    assert!(restarted(
        w.join(&rules(), &[arrival(1, Mode::Look)])
            .await
            .unwrap_err()
    ));
    assert!(restarted(w.release(&rules()).await.unwrap_err()));
    assert!(restarted(
        w.claim(&rules(), &[(person(1), "j".to_owned())])
            .await
            .unwrap_err()
    ));
    assert!(restarted(w.leave(&[]).await.unwrap_err()));
    assert!(restarted(w.touch(&rules(), &[]).await.unwrap_err()));
    assert!(restarted(
        w.apply_stock("0-0", "1-0", 1, &[]).await.unwrap_err()
    ));
    assert!(restarted(w.snapshot(0, 0).await.unwrap_err()));
    assert_eq!(line.digest().await, before);

    assert_eq!(w.open(&reopening()).await.unwrap(), Opened::Again);
    assert_eq!(
        w.open(&reopening()).await.unwrap(),
        Opened::Already,
        "the first to reopen wins"
    );
    let seen = line.snapshot().await;
    assert_eq!(
        (seen.epoch, seen.issued, seen.ceiling),
        (2, CEILING, 2 * CEILING)
    );
    assert_eq!(
        line.join(&rules(), &[2, 1]).await,
        [waiting(2, false), waiting(1, false)]
    );
}

#[tokio::test]
async fn a_connection_from_before_the_restart_does_not_pass_the_fence() {
    let mut server = Server::logging();
    let line = Line::on(&server, 1).await;
    line.waitlist.open(&opening()).await.unwrap();
    server.kill();
    server.start_again();
    // The first call may find out that the connection is gone.
    let mut refused = line.waitlist.snapshot(0, 0).await.unwrap_err();
    if matches!(refused, WaitlistError::Script(_)) {
        refused = line.waitlist.snapshot(0, 0).await.unwrap_err();
    }
    assert!(matches!(refused, WaitlistError::Restarted));
}

#[tokio::test]
async fn no_number_comes_twice_after_a_restart_that_lost_some() {
    let (_server, line) = torn().await;
    line.waitlist.open(&reopening()).await.unwrap();
    assert_eq!(
        line.join(&rules(), &[7]).await,
        [waiting(CEILING + 1, true)]
    );
    // Even if the caller knows of no ceiling: the store's own one was never passed.
    let (_server, line) = torn().await;
    let unknowing = Opening {
        start: 0,
        epoch: 1,
        ..opening()
    };
    line.waitlist.open(&unknowing).await.unwrap();
    assert_eq!(
        line.snapshot().await.epoch,
        2,
        "the epoch rises whatever the caller says"
    );
    let refused = line
        .waitlist
        .join(&rules(), &[arrival(7, Mode::Join)])
        .await;
    assert!(matches!(refused, Err(WaitlistError::Ceiling)));
}

#[tokio::test]
async fn who_is_missing_after_a_restart_reenters_at_the_own_number() {
    let (_server, line) = torn().await;
    line.waitlist.open(&reopening()).await.unwrap();
    line.join(&rules(), &[7]).await;
    assert_eq!(
        line.arrive(&rules(), 6, Mode::Back(TicketNumber(6))).await,
        waiting(6, false)
    );
    assert_eq!(
        line.arrive(&rules(), 5, Mode::Back(TicketNumber(5))).await,
        waiting(5, false)
    );
    assert_eq!(
        line.arrive(&rules(), 5, Mode::Back(TicketNumber(5))).await,
        waiting(5, false)
    );
    let order: Vec<_> = line.members(&line.keys.waiting).await;
    let expected: Vec<_> = (1..=6).map(|n| (name(n), u64::from(n))).collect();
    assert_eq!(order[..6], expected);
    assert_eq!(order[6], (name(7), CEILING + 1));
    // Someone who is known stays where he is, whatever the ticket says.
    assert_eq!(
        line.arrive(&rules(), 4, Mode::Back(TicketNumber(3))).await,
        waiting(4, false)
    );
}

#[tokio::test]
async fn a_ticket_that_was_used_or_left_is_no_way_back_to_the_front() {
    let mut server = Server::logging();
    let line = Line::on(&server, 1).await;
    line.waitlist.open(&opening()).await.unwrap();
    line.join(&rules(), &[1, 2, 3]).await;
    line.at(1000);
    line.release(&Rules {
        batch: 1,
        ..rules()
    })
    .await;
    line.claim(&rules(), 1, "one").await;
    let over = [(person(1), End::Complete), (person(2), End::Leave)];
    line.waitlist.leave(&over).await.unwrap();
    server.kill();
    server.start_again();
    let line = Line::on(&server, 1).await;
    line.at(2000);
    line.waitlist.open(&reopening()).await.unwrap();
    for n in [1, 2] {
        let back = Mode::Back(TicketNumber(u64::from(n)));
        assert_eq!(
            line.arrive(&rules(), n, back).await,
            waiting(CEILING + u64::from(n), true)
        );
    }
}

#[tokio::test]
async fn a_number_that_was_never_given_is_no_way_in() {
    let (_server, line) = torn().await;
    line.waitlist.open(&reopening()).await.unwrap();
    for (person, claimed) in [(8, 0), (9, CEILING + 50)] {
        let answer = line
            .arrive(&rules(), person, Mode::Back(TicketNumber(claimed)))
            .await;
        assert_eq!(answer, waiting(CEILING + u64::from(person) - 7, true));
    }
}

#[tokio::test]
async fn sessions_and_offers_outlive_a_restart() {
    let mut server = Server::logging();
    let line = Line::on(&server, 1).await;
    line.waitlist.open(&opening()).await.unwrap();
    line.join(&rules(), &[1, 2, 3]).await;
    line.at(1000);
    line.release(&Rules {
        batch: 2,
        ..rules()
    })
    .await;
    let inside = line.claim(&rules(), 1, "one").await;
    server.kill();
    server.start_again();
    let line = Line::on(&server, 1).await;
    line.at(5000);
    line.waitlist.open(&reopening()).await.unwrap();
    let seen = line.snapshot().await;
    assert_eq!(
        (seen.sessions, seen.offers, seen.waiting, seen.serving),
        (1, 1, 1, 2)
    );
    let (lua::room::Claimed::Admitted(before), lua::room::Claimed::Admitted(after)) =
        (inside, line.claim(&rules(), 1, "two").await)
    else {
        panic!("not inside");
    };
    assert_eq!(
        (before.jti, before.expires_at),
        (after.jti, after.expires_at)
    );
}

#[tokio::test]
async fn an_emptied_store_answers_lost() {
    let mut server = Server::forgetful();
    let line = Line::on(&server, 1).await;
    line.waitlist.open(&opening()).await.unwrap();
    line.join(&rules(), &[1]).await;
    line.ask::<()>(&["FLUSHALL"]).await;
    let lost = line
        .waitlist
        .join(&rules(), &[arrival(1, Mode::Join)])
        .await;
    assert!(matches!(lost, Err(WaitlistError::Lost)));
    line.waitlist.open(&opening()).await.unwrap();
    server.kill();
    server.start_again();
    let line = Line::on(&server, 1).await;
    let lost = line.waitlist.release(&rules()).await;
    assert!(matches!(lost, Err(WaitlistError::Lost)));
    assert_eq!(line.digest().await, []);
}

#[tokio::test]
async fn after_an_orderly_stop_the_room_goes_on_as_if_nothing_had_been() {
    let mut server = Server::logging();
    let line = Line::on(&server, 1).await;
    line.waitlist.open(&opening()).await.unwrap();
    line.join(&rules(), &[1, 2]).await;
    line.waitlist.close().await.unwrap();
    line.waitlist.close().await.unwrap();
    server.kill();
    server.start_again();
    let line = Line::on(&server, 1).await;
    assert_eq!(
        line.waitlist.open(&reopening()).await.unwrap(),
        Opened::Resumed
    );
    let seen = line.snapshot().await;
    assert_eq!((seen.epoch, seen.issued, seen.hold_until), (1, 2, 0));
    assert_eq!(
        line.join(&rules(), &[2, 3]).await,
        [waiting(2, false), waiting(3, true)]
    );

    // That stop is used up: the next restart was not announced.
    server.kill();
    server.start_again();
    let line = Line::on(&server, 1).await;
    assert_eq!(
        line.waitlist.open(&reopening()).await.unwrap(),
        Opened::Again
    );
}

#[tokio::test]
async fn a_stop_of_one_gateway_is_not_the_stop_of_the_others() {
    let mut server = Server::logging();
    let line = Line::on(&server, 1).await;
    line.waitlist.open(&opening()).await.unwrap();
    line.waitlist.close().await.unwrap();
    // Another gateway goes on: a crash after this may lose what it did.
    line.join(&rules(), &[1]).await;
    server.kill();
    server.start_again();
    let line = Line::on(&server, 1).await;
    assert_eq!(
        line.waitlist.open(&reopening()).await.unwrap(),
        Opened::Again
    );
}
