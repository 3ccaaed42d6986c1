//! What a step costs the store, counted in calls: per batch, not per person.

use crate::{
    line::{Line, fresh, rules},
    server::Server,
};

/// How often a command was called since the counters were reset.
async fn calls(line: &Line, command: &str) -> u64 {
    let stats: String = line.ask(&["INFO", "commandstats"]).await;
    stats
        .lines()
        .find_map(|l| l.strip_prefix(&format!("cmdstat_{command}:calls=")))
        .map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn joining_256_persons_is_one_call_and_so_is_releasing_a_batch() {
    let server = Server::forgetful();
    let line = Line::on(&server, 1).await;
    line.waitlist.open(&fresh()).await.unwrap();
    let rules = lua::room::Rules {
        batch: 100,
        ..rules()
    };
    // The scripts are known to the store after their first call.
    line.join(&rules, &[1000]).await;
    line.at(1000);
    line.release(&rules).await;

    line.ask::<()>(&["CONFIG", "RESETSTAT"]).await;
    line.join(&rules, &(1..=256).collect::<Vec<_>>()).await;
    assert_eq!(
        (calls(&line, "evalsha").await, calls(&line, "eval").await),
        (1, 0)
    );
    assert_eq!(
        calls(&line, "zadd").await,
        2,
        "one write for all places, one for who is near"
    );
    assert_eq!(calls(&line, "hset").await, 1);

    line.ask::<()>(&["CONFIG", "RESETSTAT"]).await;
    line.at(2000);
    assert_eq!(line.release(&rules).await, Some((99, 0)));
    assert_eq!(
        (calls(&line, "evalsha").await, calls(&line, "eval").await),
        (1, 0)
    );
    assert_eq!(calls(&line, "zpopmin").await, 1);
}
