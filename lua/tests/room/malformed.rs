//! What no script accepts. Whatever is refused writes nothing: a script does not roll back.

use entry_pass::TicketNumber;
use lua::room::{Mode, StockMark};

use crate::{
    line::{Line, arrival, door_open, name, person, rules},
    scripts::{self, Raw},
};

/// A room in which every script has something to write: p1 inside, p2 offered, p3 waiting, p4 away.
async fn busy() -> Line {
    let line = Line::open().await;
    let rules = rules();
    line.join(&rules, &[4]).await;
    line.ask::<i64>(&["ZREM", &line.keys.present, &name(4)])
        .await;
    line.join(&rules, &[1, 2]).await;
    assert_eq!(line.release(&rules).await, Some((2, 1)));
    line.claim(&rules, 1, "j1").await;
    line.join(&rules, &[3]).await;
    line
}

fn changed(raw: &Raw, at: usize, value: &str) -> Vec<String> {
    let mut args = raw.args.clone();
    value.clone_into(&mut args[at]);
    args
}

/// Where a script's arguments are numbers, a person, a word for what to do, or the id of a pass.
fn shape(name: &str) -> (Vec<usize>, Vec<usize>, Vec<usize>, Vec<usize>) {
    match name {
        "join" => (
            (0..10).chain([12, 16]).collect(),
            vec![10, 14],
            vec![11, 15],
            vec![17],
        ),
        "release" => ((0..10).collect(), vec![], vec![], vec![]),
        "claim" => ((0..3).collect(), vec![3, 5, 7], vec![], vec![4, 6, 8]),
        "leave" => (vec![0], vec![1, 3, 5, 7], vec![2, 4, 6, 8], vec![]),
        "touch" => (vec![0, 1], vec![2, 4], vec![], vec![]),
        "stock" => (vec![2], vec![4, 6], vec![3, 5], vec![]),
        "snapshot" => ((0..3).collect(), vec![], vec![], vec![]),
        "open" => ((0..6).collect(), vec![], vec![], vec![]),
        "durable" => (vec![0, 1], vec![], vec![], vec![]),
        other => panic!("{other} has no shape here"),
    }
}

#[tokio::test]
async fn malformed_input_is_refused_and_writes_nothing() {
    let line = busy().await;
    let before = line.digest().await;
    for raw in scripts::all(&line.keys) {
        let (numbers, persons, words, passes) = shape(raw.name);
        let mut bad: Vec<Vec<String>> = vec![vec![], raw.args[..raw.args.len() - 1].to_vec()];
        let mut longer = raw.args.clone();
        longer.push("1".to_owned());
        bad.push(longer);
        for at in numbers {
            // The last one is beyond what a double can count in whole steps.
            for value in [
                "",
                "x",
                "-1",
                "1.5",
                "1e3",
                " 1",
                "0x10",
                "nan",
                "99999999999999999",
            ] {
                bad.push(changed(&raw, at, value));
            }
        }
        bad.extend(persons.iter().map(|&at| changed(&raw, at, "")));
        for at in words {
            bad.push(changed(&raw, at, ""));
            bad.push(changed(&raw, at, "dance"));
        }
        for at in passes {
            for value in ["", "a|b", "a b"] {
                bad.push(changed(&raw, at, value));
            }
        }
        for args in bad {
            let answer = raw.call(&line, &args).await;
            assert_eq!(answer.as_deref(), Ok("malformed"), "{} {args:?}", raw.name);
        }
        assert_eq!(line.digest().await, before, "{} wrote", raw.name);
    }
}

#[tokio::test]
async fn a_batch_too_large_for_one_call_is_refused_whole() {
    let line = busy().await;
    let before = line.digest().await;
    for raw in scripts::all(&line.keys) {
        let (fixed, per_person) = match raw.name {
            "join" => (10, 4),
            "claim" | "stock" => (3, 2),
            "leave" => (1, 2),
            "touch" => (2, 2),
            _ => continue,
        };
        let one = raw.args[fixed..fixed + per_person].to_vec();
        let mut args = raw.args[..fixed].to_vec();
        for n in 0..1001 {
            args.extend(one.clone());
            let who = args.len() - per_person + usize::from(raw.name == "stock");
            args[who] = name(n);
        }
        let answer = raw.call(&line, &args).await;
        assert_eq!(answer.as_deref(), Ok("malformed"), "{}", raw.name);
        assert_eq!(line.digest().await, before, "{} wrote", raw.name);
    }
}

#[tokio::test]
async fn a_foreign_key_in_the_way_stops_a_script_before_it_writes() {
    for at in 0.. {
        let line = busy().await;
        let Some((raw, key)) = scripts::all(&line.keys)
            .into_iter()
            .flat_map(|raw| {
                let keys = raw.keys.clone();
                keys.into_iter().map(move |key| (raw.name, key))
            })
            .nth(at)
        else {
            assert!(at > 40, "only {at} keys tried");
            break;
        };
        let raw = scripts::all(&line.keys)
            .into_iter()
            .find(|script| script.name == raw)
            .unwrap();
        line.ask::<()>(&["SET", &key, "foreign"]).await;
        let before = line.digest().await;
        let answer = raw.call(&line, &raw.args).await;
        assert!(
            answer
                .as_ref()
                .is_err_and(|error| error.contains("WRONGTYPE")),
            "{} with a foreign {key}: {answer:?}",
            raw.name
        );
        assert_eq!(line.digest().await, before, "{} wrote, {key}", raw.name);
    }
}

#[tokio::test]
async fn every_script_accepts_its_own_arguments() {
    for name in [
        "join", "release", "claim", "leave", "touch", "stock", "snapshot", "open", "durable",
    ] {
        let line = busy().await;
        let raw = scripts::all(&line.keys)
            .into_iter()
            .find(|raw| raw.name == name)
            .unwrap();
        let answer = raw.call(&line, &raw.args).await.unwrap();
        assert!(
            ["ok", "released", "exists"].contains(&answer.as_str()),
            "{name} answered {answer}"
        );
    }
}

#[tokio::test]
async fn a_person_named_like_a_word_is_a_person() {
    let line = Line::open().await;
    let mut rules = door_open();
    rules.newcomers_straight_in = false;
    let names = [
        "join", "look", "back", "waiting", "none", "offer", "session", "0", "-inf", "a|b|c",
    ];
    let arrivals: Vec<_> = names
        .iter()
        .map(|name| {
            let mut arrival = arrival(0, Mode::Join);
            arrival.person = name.parse().unwrap();
            arrival
        })
        .collect();
    let first = line.waitlist.join(&rules, &arrivals).await.unwrap();
    assert_eq!(line.release(&rules).await, Some((10, 0)));
    let claims: Vec<_> = arrivals
        .iter()
        .enumerate()
        .map(|(i, arrival)| (arrival.person.clone(), format!("j{i}")))
        .collect();
    let claimed = line.waitlist.claim(&rules, &claims).await.unwrap();
    for (i, claimed) in claimed.into_iter().enumerate() {
        let lua::room::Claimed::Admitted(session) = claimed else {
            panic!("{} is {claimed:?}", names[i]);
        };
        assert_eq!(session.number, TicketNumber(i as u64 + 1));
        assert_eq!(first.answers.len(), names.len());
    }
    let marks = [StockMark::Reserved(person(1))];
    line.waitlist
        .apply_stock("0-0", "1-0", 5, &marks)
        .await
        .unwrap();
}

#[tokio::test]
async fn settings_without_a_limit_are_large_numbers_and_not_malformed() {
    let line = Line::open().await;
    let most = u64::MAX;
    let unlimited = lua::room::Rules {
        capacity: most,
        batch: most,
        per_minute: most,
        session_ms: most,
        session_max_ms: most,
        offer_ttl_ms: most,
        place_kept_ms: most,
        presence_ms: most,
        near: most,
        ..door_open()
    };
    line.join(&rules(), &[1]).await;
    line.at(1000);
    assert_eq!(line.release(&unlimited).await, Some((1, 0)));
    line.claim(&unlimited, 1, "one").await;
    assert!(crate::line::admitted(&line.join(&unlimited, &[2]).await[0]));
    let touch = lua::room::Touch::Session {
        person: person(1),
        jti: "one".to_owned(),
    };
    let told = line.waitlist.touch(&unlimited, &[touch]).await.unwrap();
    assert!(told[0].is_some());
}
