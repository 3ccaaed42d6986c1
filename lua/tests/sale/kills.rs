//! The server is killed again and again while several callers are at it: everything that was
//! answered is there afterwards, what was not is there as a whole or not at all, and nothing moves
//! until the sale is reopened.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use lua::sale::Fence;

use super::{
    at_once::{History, Judge, Made, open, some_steps},
    calls::{Call, Reply, ask},
    fixture::Shop,
    model::{Ids, Model},
    picture::{differences, expected, taken},
    server::Server,
    stream::entries,
};

const CALLERS: u64 = 4;
/// More calls than a caller gets answered before the kill.
const MOST: usize = 200;

/// Lets callers at the sale until the server dies under them, after `answers` answers or so.
async fn until_killed(
    history: &Arc<History>,
    shop: &Shop,
    server: &mut Server,
    round: u64,
    answers: u64,
) {
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let shop = shop.another(&server.url()).await;
        let history = Arc::clone(history);
        callers.spawn(async move {
            for step in some_steps(round * CALLERS + caller, MOST) {
                if history.call(&shop, &step).await.is_none() {
                    return;
                }
            }
        });
    }
    let end = history.order.load(Ordering::SeqCst) + 2 * answers;
    while history.order.load(Ordering::SeqCst) < end && callers.try_join_next().is_none() {
        tokio::task::yield_now().await;
    }
    server.kill_9();
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_was_answered_survives_a_kill_and_the_rest_is_whole_or_not_at_all() {
    let mut server = Server::start();
    let mut shop = Shop::at(&server.url()).await;
    let history = Arc::new(History::new());
    let (mut model, mut read) = (Model::default(), "-".to_owned());
    open(&history, &shop).await;
    for round in 0..8 {
        until_killed(&history, &shop, &mut server, round, 20 + round * 37 % 90).await;
        if round % 2 == 0 {
            // The disk may hold the beginning of a script that was never answered.
            server.tear(&shop.sale.keys().stock);
        }
        server.repair();
        server.start_again();
        shop = shop.another(&server.url()).await;

        let stream = entries(&shop.sale, &read).await;
        let mut calls: BTreeMap<i64, Made> = history
            .calls
            .lock()
            .drain(..)
            .map(|it| (it.now, it))
            .collect();
        let judged = Judge::replay(model, &mut calls, &stream);
        let judge = judged.unwrap_or_else(|wrong| panic!("kill {round}: {wrong}"));
        judge
            .refusals(calls)
            .unwrap_or_else(|wrong| panic!("kill {round}: {wrong}"));
        model = judge.last().clone();
        let is = taken(
            &shop.sale,
            &mut shop.sale.store().fast(),
            model.keys.keys().cloned(),
        )
        .await;
        let clock = model.clock.as_mut().expect("it was opened");
        // A sweep that finds nothing notes the time without an event.
        clock.alive_at = is["state alive_at"].parse().unwrap();
        let wrong = differences(&expected(&model), &is);
        assert!(wrong.is_empty(), "kill {round}: {wrong:#?}");

        let now = history.now.fetch_add(1, Ordering::SeqCst);
        shop.time.store(now as u64, Ordering::SeqCst);
        let id = "r.none".to_owned();
        assert_eq!(ask(&shop.sale, &Call::Look { id }).await, Reply::Restarted);
        let Fence::Shut(compared) = shop.sale.fence().await.unwrap() else {
            panic!("kill {round}: open to another process")
        };
        model.server = shop.run_id().await;
        model.opened_under = Some(compared.run_id.clone());
        let reopen = Call::Reopen { compared };
        let reply = ask(&shop.sale, &reopen).await;
        let last = stream.last().map_or(&read, |(id, _)| id);
        let reopened = entries(&shop.sale, &format!("({}", last.trim_start_matches('('))).await;
        let mut ids: Ids = reopened.iter().map(|(id, _)| id.parse().unwrap()).collect();
        let (must, facts) = model.answer(&reopen, now, &mut ids);
        assert_eq!((reply, reopened.len()), (must, facts.len()));
        read = format!("({}", reopened.last().expect("counted").0);
    }
}
