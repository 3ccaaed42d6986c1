//! Many gateways at once, each through connections of its own.

use std::collections::{BTreeMap, BTreeSet};

use lua::room::{Claimed, Mode, Released, Rules};
use tokio::task::JoinSet;

use crate::line::{Line, arrival, door_open, name, number, person, rules};

const GATEWAYS: u32 = 8;

/// Runs `work` in as many gateways at once and collects what each says.
async fn everywhere<T, F, W>(line: &Line, work: W) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
    W: Fn(Line, u32) -> F,
{
    let mut tasks = JoinSet::new();
    for gateway in 0..GATEWAYS {
        tasks.spawn(work(line.another_gateway().await, gateway));
    }
    tasks.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_joining_at_once_give_each_person_one_number() {
    let line = Line::open().await;
    // Every gateway sees everybody, each in another order.
    let told = everywhere(&line, |gateway, at| async move {
        let mut told = Vec::new();
        for step in 0..20 {
            let batch: Vec<u32> = (0..20)
                .map(|i| (i * 7 + at * 13 + step * 20) % 400)
                .collect();
            let answers = gateway.join(&rules(), &batch).await;
            told.extend(batch.into_iter().zip(answers.iter().map(number)));
        }
        told
    })
    .await;
    let mut numbers: BTreeMap<u32, u64> = BTreeMap::new();
    for (person, number) in told.into_iter().flatten() {
        assert_eq!(
            *numbers.entry(person).or_insert(number),
            number,
            "two numbers for {person}"
        );
    }
    let given: BTreeSet<u64> = numbers.values().copied().collect();
    assert_eq!(given, (1..=numbers.len() as u64).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_releasing_at_once_release_one_batch() {
    let line = Line::open().await;
    for hundred in 0..2 {
        line.join(
            &rules(),
            &(hundred * 100..hundred * 100 + 100).collect::<Vec<_>>(),
        )
        .await;
    }
    for tick in 1..=5 {
        let outcomes = everywhere(&line, move |gateway, _| async move {
            gateway.at(tick * 1000);
            gateway.waitlist.release(&rules()).await.unwrap()
        })
        .await;
        let batches = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Released::Batch { offered: 10, .. }))
            .count();
        assert_eq!(batches, 1, "{outcomes:?}");
    }
    assert_eq!(line.snapshot().await.offers, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_claiming_at_once_begin_one_session() {
    let line = Line::open().await;
    line.join(&rules(), &[1]).await;
    line.at(1000);
    line.release(&rules()).await;
    let claimed = everywhere(&line, |gateway, at| async move {
        gateway.at(1500);
        gateway.claim(&rules(), 1, &format!("gateway-{at}")).await
    })
    .await;
    let sessions: Vec<_> = claimed
        .into_iter()
        .map(|claimed| match claimed {
            Claimed::Admitted(session) => session,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sessions.iter().filter(|session| session.new).count(), 1);
    assert!(
        sessions
            .iter()
            .all(|session| session.jti == sessions[0].jti)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_doing_everything_at_once_never_exceed_capacity_or_rate() {
    let line = Line::open().await;
    let rules = Rules {
        capacity: 40,
        batch: 15,
        per_minute: 60,
        tick_ms: 5,
        ..door_open()
    };
    let let_in = everywhere(&line, move |gateway, at| {
        let rules = rules.clone();
        async move {
            // The store has the one clock all of them agree on.
            gateway.waitlist.tell_time(0);
            let mut let_in = 0;
            for step in 0..30u32 {
                let n = at * 1000 + step * 10;
                let arrivals: Vec<_> = (n..n + 5).map(|n| arrival(n, Mode::Join)).collect();
                let arrived = gateway.waitlist.join(&rules, &arrivals).await.unwrap();
                let_in += arrived
                    .answers
                    .iter()
                    .filter(|a| crate::line::admitted(a))
                    .count() as u64;
                if let Some((offered, _)) = gateway.release(&rules).await {
                    let_in += offered;
                }
                let claims: Vec<_> = (n..n + 5).map(|n| (person(n), name(n))).collect();
                gateway.waitlist.claim(&rules, &claims).await.unwrap();
                let seen = gateway.snapshot().await;
                assert!(seen.sessions + seen.offers <= rules.capacity, "{seen:?}");
                assert!(seen.released_lately <= rules.per_minute, "{seen:?}");
            }
            let_in
        }
    })
    .await;
    assert!(let_in.iter().sum::<u64>() <= 40, "more than fit");
}
