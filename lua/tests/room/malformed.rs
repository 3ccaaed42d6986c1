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
    args[at] = value.to_owned();
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
