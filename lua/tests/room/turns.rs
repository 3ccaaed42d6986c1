//! Release and offer as a visitor meets them: away at the turn, a missed offer, coming back.

use entry_pass::TicketNumber;
use lua::room::{Answer, Claimed, Mode, Rules};

use crate::line::{Line, START, door_open, name, number, offered, rules, waiting};

async fn forget(line: &Line, n: u32) {
    line.ask::<i64>(&["ZREM", &line.keys.present, &name(n)])
        .await;
}

#[tokio::test]
async fn who_is_away_at_the_turn_keeps_the_number_and_is_first_on_return() {
    let line = Line::open().await;
    let rules = Rules {
        batch: 2,
        ..rules()
    };
    line.join(&rules, &[1, 2, 3, 4, 5, 6]).await;
    forget(&line, 1).await;
    line.at(1000);
    assert_eq!(
        line.release(&rules).await,
        Some((2, 1)),
        "a turn missed costs nobody else one"
    );
    assert_eq!(line.members(&line.keys.away).await, [(name(1), 1)]);
    assert_eq!(line.arrive(&rules, 1, Mode::Look).await, waiting(1, false));
    line.at(2000);
    assert_eq!(line.release(&rules).await, Some((2, 0)));
    assert!(offered(&line.arrive(&rules, 1, Mode::Look).await));
    assert!(offered(&line.arrive(&rules, 4, Mode::Look).await));
    assert_eq!(line.arrive(&rules, 5, Mode::Look).await, waiting(5, false));
}

#[tokio::test]
async fn silence_counts_only_when_it_is_longer_than_a_sign_of_life_lasts() {
    let line = Line::open().await;
    let rules = rules();
    line.join(&rules, &[1, 2, 3]).await;
    line.at(100_000);
    line.seen(&rules, &[2]).await;
    line.arrive(&rules, 3, Mode::Join).await;
    line.at(rules.presence_ms);
    assert_eq!(line.release(&rules).await, Some((2, 1)));
    assert_eq!(line.members(&line.keys.away).await, [(name(1), 1)]);
}

#[tokio::test]
async fn silence_deep_in_the_line_costs_nothing() {
    let line = Line::open().await;
    let rules = Rules {
        near: 2,
        batch: 2,
        ..rules()
    };
    line.join(&rules, &[1, 2, 3, 4]).await;
    assert_eq!(line.members(&line.keys.present).await.len(), 2);
    line.at(1000);
    assert_eq!(line.release(&rules).await, Some((2, 0)));
    // Near now, and heard of before the turn.
    line.seen(&rules, &[3, 4]).await;
    line.at(2000);
    assert_eq!(line.release(&rules).await, Some((2, 0)));
}

#[tokio::test]
async fn a_missed_offer_comes_back_first() {
    let line = Line::open().await;
    let rules = Rules {
        batch: 1,
        offer_ttl_ms: 1500,
        ..rules()
    };
    line.join(&rules, &[1, 2, 3]).await;
    line.at(1000);
    assert_eq!(line.release(&rules).await, Some((1, 0)));
    line.at(2000);
    line.release(&rules).await;
    line.at(3000);
    line.release(&Rules {
        releasing: false,
        ..rules.clone()
    })
    .await;
    assert_eq!(line.members(&line.keys.away).await, [(name(1), 1)]);
    assert_eq!(
        line.claim(&rules, 1, "late").await,
        Claimed::Away(TicketNumber(1))
    );
    assert_eq!(line.arrive(&rules, 1, Mode::Join).await, waiting(1, false));
    line.at(4000);
    line.release(&rules).await;
    assert!(offered(&line.arrive(&rules, 1, Mode::Look).await));
    assert_eq!(line.arrive(&rules, 3, Mode::Look).await, waiting(3, false));
}

#[tokio::test]
async fn a_missed_offer_comes_back_first_before_the_sweep_too() {
    let line = Line::open().await;
    let rules = Rules {
        batch: 1,
        offer_ttl_ms: 1500,
        ..rules()
    };
    line.join(&rules, &[1, 2]).await;
    line.at(1000);
    line.release(&rules).await;
    line.at(2500);
    assert_eq!(line.arrive(&rules, 1, Mode::Look).await, waiting(1, false));
    let seen = line.snapshot().await;
    assert_eq!((seen.offers, seen.waiting, seen.away), (0, 2, 0));
    line.at(3500);
    assert_eq!(line.release(&rules).await, Some((1, 0)));
    assert!(offered(&line.arrive(&rules, 1, Mode::Look).await));
}

#[tokio::test]
async fn a_kept_place_ends_after_its_time() {
    let line = Line::open().await;
    let rules = Rules {
        place_kept_ms: 10_000,
        ..rules()
    };
    line.join(&rules, &[1, 2]).await;
    forget(&line, 1).await;
    forget(&line, 2).await;
    line.at(1000);
    assert_eq!(line.release(&rules).await, Some((0, 2)));
    line.at(10_999);
    assert_eq!(line.arrive(&rules, 1, Mode::Look).await, waiting(1, false));
    line.at(11_000);
    // Told at once, not only after the next tick has cleaned up.
    assert_eq!(line.arrive(&rules, 2, Mode::Look).await, Answer::None);
    assert_eq!(line.arrive(&rules, 2, Mode::Join).await, waiting(3, true));
    assert_eq!(line.release(&rules).await, Some((2, 0)));
    let seen = line.snapshot().await;
    assert_eq!((seen.away, seen.waiting, seen.offers), (0, 0, 2));
}

#[tokio::test]
async fn a_place_kept_in_vain_is_forgotten() {
    let line = Line::open().await;
    let rules = Rules {
        place_kept_ms: 10_000,
        ..rules()
    };
    line.join(&rules, &[1]).await;
    forget(&line, 1).await;
    line.at(1000);
    line.release(&rules).await;
    line.at(11_000);
    line.release(&rules).await;
    assert_eq!(line.snapshot().await.away, 0);
    assert_eq!(line.members(&line.keys.away_until).await, []);
    assert_eq!(line.arrive(&rules, 1, Mode::Look).await, Answer::None);
}

#[tokio::test]
async fn an_absent_front_does_not_stall_the_line() {
    let line = Line::open().await;
    let rules = Rules {
        near: 0,
        batch: 5,
        ..rules()
    };
    for hundred in 0..15 {
        line.join(
            &rules,
            &(hundred * 100..(hundred + 1) * 100).collect::<Vec<_>>(),
        )
        .await;
    }
    line.seen(&rules, &[800, 801]).await;
    line.at(1000);
    assert_eq!(
        line.release(&rules).await,
        Some((2, 1003)),
        "bounded work, and two found"
    );
    assert_eq!(line.snapshot().await.serving, 1005);
    line.at(2000);
    assert_eq!(line.release(&rules).await, Some((0, 495)));
}

#[tokio::test]
async fn an_offer_says_when_it_was_made_and_when_it_ends() {
    let line = Line::open().await;
    line.join(&rules(), &[1]).await;
    line.at(1234);
    line.release(&rules()).await;
    let Answer::Offered {
        number,
        released_at,
        deadline,
    } = line.arrive(&rules(), 1, Mode::Join).await
    else {
        panic!("no offer");
    };
    assert_eq!(
        (number.0, released_at, deadline),
        (1, START + 1234, START + 61_234)
    );
    assert_eq!(line.snapshot().await.released_lately, 1);
}

#[tokio::test]
async fn the_watermark_never_moves_back() {
    let line = Line::open().await;
    let rules = rules();
    line.join(&rules, &(1..=20).collect::<Vec<_>>()).await;
    forget(&line, 1).await;
    line.at(1000);
    line.release(&rules).await;
    let before = line.snapshot().await.serving;
    assert_eq!(before, 11);
    assert_eq!(number(&line.arrive(&rules, 1, Mode::Look).await), 1);
    line.at(2000);
    line.release(&Rules {
        batch: 1,
        ..rules.clone()
    })
    .await;
    assert_eq!(line.snapshot().await.serving, before);
    line.at(3000);
    line.release(&rules).await;
    assert_eq!(line.snapshot().await.serving, 20);
    line.at(4000);
    let straight = line.join(&door_open(), &[30]).await;
    assert_eq!(
        (number(&straight[0]), line.snapshot().await.serving),
        (21, 21)
    );
}
