//! Any order of joins, releases, claims, leaves and signs of life, at any times: the line does what
//! the model says, and the promises hold at every moment.

use lua::room::{Claimed, End, Rules, Touch};
use proptest::{collection::vec, prelude::*};

use crate::{
    line::{Line, START, door_open, name, person, rules},
    model::{Model, Place},
};

#[derive(Debug, Clone)]
enum Step {
    Join(Vec<u32>),
    Release,
    Claim(u32),
    Leave(u32),
    Touch(u32),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let anyone = 0..25u32;
    prop_oneof![
        4 => vec(0..25u32, 1..6).prop_map(Step::Join),
        6 => Just(Step::Release),
        3 => anyone.clone().prop_map(Step::Claim),
        1 => anyone.clone().prop_map(Step::Leave),
        2 => anyone.prop_map(Step::Touch),
        4 => (0..1200u64).prop_map(Step::Pass),
        1 => (1000..40_000u64).prop_map(Step::Pass),
    ]
}

fn policy() -> impl Strategy<Value = Rules> {
    (
        1..9u64,
        1..5u64,
        1..12u64,
        prop_oneof![Just(3u64), Just(300)],
        any::<bool>(),
    )
        .prop_map(|(capacity, batch, per_minute, near, straight)| Rules {
            capacity,
            batch,
            per_minute,
            near,
            session_ms: 7000,
            session_max_ms: 20_000,
            offer_ttl_ms: 2500,
            place_kept_ms: 9000,
            presence_ms: 5000,
            ..if straight { door_open() } else { rules() }
        })
}

async fn compare(line: &Line, model: &Model) {
    let seen = line.snapshot().await;
    assert_eq!((seen.issued, seen.serving), (model.issued, model.serving));
    let expected = |which: fn(&Place) -> bool| -> Vec<(String, u64)> {
        model
            .places
            .iter()
            .filter(|(_, (_, place))| which(place))
            .map(|(number, (person, _))| (name(*person), *number))
            .collect()
    };
    let waiting = expected(|place| matches!(place, Place::Waiting { .. }));
    assert_eq!(line.members(&line.keys.waiting).await, waiting);
    let away = expected(|place| matches!(place, Place::Away { .. }));
    assert_eq!(line.members(&line.keys.away).await, away);
    assert_eq!(
        seen.offers,
        model.count(|place| matches!(place, Place::Offered { .. }))
    );
    assert_eq!(
        seen.sessions,
        model.count(|place| matches!(place, Place::Inside { .. }))
    );
    // Positions follow from the watermark and the log of leavers alone.
    for (ahead, (_, number)) in waiting
        .iter()
        .filter(|(_, n)| *n > seen.serving)
        .enumerate()
    {
        let gone = seen
            .gone
            .iter()
            .filter(|g| g.0 > seen.serving && g.0 < *number)
            .count();
        assert_eq!(number - seen.serving - 1 - gone as u64, ahead as u64);
    }
}

async fn run(rules: Rules, steps: Vec<Step>) {
    let line = Line::open().await;
    let mut model = Model::default();
    let mut now = START;
    for step in steps {
        match step {
            Step::Pass(ms) => {
                now += ms;
                line.waitlist.tell_time(now);
            }
            Step::Join(persons) => {
                let answers = line.join(&rules, &persons).await;
                let mut straight = model.straight(&rules, now);
                for (person, answer) in persons.iter().zip(&answers) {
                    let before = model.join(*person, &mut straight, &rules, now);
                    model.check(*person, before, answer);
                }
            }
            Step::Release => {
                assert_eq!(line.release(&rules).await, model.release(&rules, now));
            }
            Step::Claim(n) => {
                let deadline = match line.claim(&rules, n, &format!("claim-{n}")).await {
                    Claimed::Admitted(session) => Some(session.expires_at),
                    _ => None,
                };
                assert_eq!(deadline, model.claim(n, &rules, now));
            }
            Step::Leave(n) => {
                let left = line
                    .waitlist
                    .leave(&[(person(n), End::Leave)])
                    .await
                    .unwrap();
                assert_eq!(left, [model.leave(n)]);
            }
            Step::Touch(n) => {
                // Which pass a person holds: of a claim, or of coming straight in.
                let touches = ["", &format!("claim-{n}"), &format!("straight-{n}")].map(|jti| {
                    if jti.is_empty() {
                        Touch::Present { person: person(n) }
                    } else {
                        Touch::Session {
                            person: person(n),
                            jti: jti.to_owned(),
                        }
                    }
                });
                let told = line.waitlist.touch(&rules, &touches).await.unwrap();
                let deadline = told.into_iter().flatten().next();
                assert_eq!(deadline, model.touch(n, &rules, now));
            }
        }
        compare(&line, &model).await;
    }
    model.promises_hold(&rules);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_promises_hold_in_any_order_of_events(rules in policy(), steps in vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(rules, steps));
    }
}
