//! Offer to entry pass: claimed once, told again, never after its deadline.

use entry_pass::TicketNumber;
use lua::room::{Answer, Claimed, Mode, Rules, Session};

use crate::line::{Line, START, person, rules, waiting};

pub(crate) async fn offered(persons: &[u32]) -> Line {
    let line = Line::open().await;
    line.join(&rules(), persons).await;
    line.at(1000);
    assert_eq!(
        line.release(&rules()).await,
        Some((persons.len() as u64, 0))
    );
    line
}

pub(crate) fn session(claimed: Claimed) -> Session {
    match claimed {
        Claimed::Admitted(session) => session,
        other => panic!("not inside: {other:?}"),
    }
}

#[tokio::test]
async fn claiming_twice_gives_the_same_pass() {
    let line = offered(&[1]).await;
    line.at(2000);
    let first = session(line.claim(&rules(), 1, "one").await);
    let expected = Session {
        number: TicketNumber(1),
        released_at: START + 1000,
        jti: "one".to_owned(),
        issued_at: START + 2000,
        expires_at: START + 302_000,
        new: true,
    };
    assert_eq!(first, expected);
    line.at(9000);
    let again = session(line.claim(&rules(), 1, "two").await);
    assert_eq!(
        again,
        Session {
            new: false,
            ..expected.clone()
        }
    );
    let joined = line.arrive(&rules(), 1, Mode::Join).await;
    assert_eq!(
        joined,
        Answer::Admitted(Session {
            new: false,
            ..expected
        })
    );
    let seen = line.snapshot().await;
    assert_eq!((seen.sessions, seen.offers), (1, 0));
}

#[tokio::test]
async fn two_tabs_that_claim_in_one_batch_get_one_session() {
    let line = offered(&[1]).await;
    let claims = [(person(1), "one".to_owned()), (person(1), "two".to_owned())];
    let claimed = line.waitlist.claim(&rules(), &claims).await.unwrap();
    let both: Vec<_> = claimed.into_iter().map(session).collect();
    let (first, second) = (&both[0], &both[1]);
    assert_eq!((first.jti.as_str(), first.new), ("one", true));
    assert_eq!((second.jti.as_str(), second.new), ("one", false));
}

#[tokio::test]
async fn nobody_claims_before_the_turn_or_without_a_place() {
    let line = Line::open().await;
    line.join(&rules(), &[1]).await;
    let before = line.digest().await;
    assert_eq!(
        line.claim(&rules(), 1, "j").await,
        Claimed::Waiting(TicketNumber(1))
    );
    assert_eq!(line.claim(&rules(), 2, "j").await, Claimed::None);
    assert_eq!(line.digest().await, before);
}

#[tokio::test]
async fn a_claim_after_the_deadline_is_too_late() {
    let line = offered(&[1, 2]).await;
    line.at(60_999);
    session(line.claim(&rules(), 1, "just").await);
    line.at(61_000);
    assert_eq!(
        line.claim(&rules(), 2, "late").await,
        Claimed::Away(TicketNumber(2))
    );
    line.release(&rules()).await;
    assert_eq!(
        line.claim(&rules(), 2, "late").await,
        Claimed::Away(TicketNumber(2))
    );
    assert_eq!(
        line.arrive(&rules(), 2, Mode::Look).await,
        waiting(2, false)
    );
    assert_eq!(
        line.claim(&rules(), 2, "late").await,
        Claimed::Waiting(TicketNumber(2))
    );
}

#[tokio::test]
async fn a_session_that_is_over_cannot_be_claimed_again() {
    let line = offered(&[1]).await;
    let inside = session(line.claim(&rules(), 1, "one").await);
    line.waitlist.tell_time(inside.expires_at - 1);
    assert!(!session(line.claim(&rules(), 1, "two").await).new);
    // Not even in the moment before the sweep comes by: the pass would be dead on arrival.
    line.waitlist.tell_time(inside.expires_at);
    assert_eq!(line.claim(&rules(), 1, "two").await, Claimed::None);
    line.release(&rules()).await;
    assert_eq!(line.claim(&rules(), 1, "two").await, Claimed::None);
}

#[tokio::test]
async fn a_session_never_outlasts_its_hard_end_from_the_first_moment() {
    let line = offered(&[1]).await;
    let short = Rules {
        session_max_ms: 5000,
        ..rules()
    };
    assert_eq!(
        session(line.claim(&short, 1, "one").await).expires_at,
        START + 6000
    );
}
