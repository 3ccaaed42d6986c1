//! The waitlist store away, back, and emptied.

use serde_json::json;

use crate::world::{World, until};

const NARROW: &str = "capacity = 1\nbatch = 1\ntick = \"100ms\"\nsession = \"2s\"\n\
                      session_max = \"30s\"\npoll = [{ ahead = 100, after = \"1s\" }]";

#[tokio::test]
async fn while_the_store_is_away_the_inside_goes_on_and_the_line_is_told() {
    let mut world = World::start("capacity = 1\nbatch = 1\ntick = \"100ms\"").await;
    let mut inside = world.visitor();
    inside.page("/").await;
    let mut waiting = world.visitor();
    let joined = waiting.join().await;
    let mut anyone = world.visitor();
    until("the gateway has seen both", async || {
        anyone.status().await["issued"] == 2
    })
    .await;
    world.redis.kill();
    until("the outage is public", async || {
        anyone.status().await["available"] == false
    })
    .await;
    let status = anyone.status().await;
    assert_eq!(status["reason"], "waitlist-store-away");
    assert_eq!(
        (&status["phase"], &status["issued"]),
        (&json!("open"), &json!(2)),
        "last figures"
    );

    assert_eq!(
        inside.page("/").await.text,
        "the shop",
        "admitted visitors go on"
    );
    let look = waiting.look().await;
    assert_eq!(
        (&look["state"], &look["position"]),
        (&json!("waiting"), &json!(1))
    );
    assert_eq!(
        (&look["ticket"], &look["position_exact"]),
        (&joined["ticket"], &json!(false))
    );
    let mut newcomer = world.visitor();
    let refused = newcomer.post("/_wr/ticket/main").await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem().as_str()),
        (503, "store-away")
    );
    assert!(refused.headers.contains_key("retry-after"));
    let page = newcomer.page("/").await;
    assert_eq!(page.status.as_u16(), 503);
    assert!(page.headers.contains_key("retry-after") && !page.headers.contains_key("x-demo-shop"));

    world.redis.start_again();
    until("it is back by itself", async || {
        anyone.status().await["available"] == true
    })
    .await;
    assert_eq!(
        waiting.look().await["ticket"]["number"],
        joined["ticket"]["number"]
    );
    inside.post("/_wr/leave/main").await;
    waiting.until_state("offered").await;
    assert_eq!(world.shop.without_pass(), 0);
}

#[tokio::test]
async fn no_number_is_given_twice_across_a_restart() {
    let mut world = World::start(NARROW).await;
    let mut first = world.visitor();
    let before = first.join().await["ticket"]["number"].as_u64().unwrap();
    world.redis.kill();
    world.redis.start_again();
    until("the epoch has risen", async || {
        world.visitor().status().await["epoch"] == 2
    })
    .await;
    assert_eq!(
        world.visitor().status().await["reason"],
        "reopening",
        "and why nobody is let in"
    );
    let mut second = world.visitor();
    let after = second.join().await;
    assert!(after["ticket"]["number"].as_u64().unwrap() > before);
    assert_eq!(
        after["position"], 1,
        "numbers that were skipped are nobody ahead"
    );
}

#[tokio::test]
async fn an_emptied_store_gets_its_places_back_from_the_tickets() {
    let mut world = World::start(&format!("{NARROW}\nqueue_all = true")).await;
    let mut holder = world.visitor();
    holder.join().await;
    holder.until_state("offered").await;
    let mut line = Vec::new();
    for _ in 0..4 {
        let mut visitor = world.visitor();
        let number = visitor.join().await["ticket"]["number"].clone();
        line.push((number, visitor));
    }
    world.redis.kill();
    world.redis.wipe();
    world.redis.start_again();
    let mut newcomer = world.visitor();
    until("the room is open again", async || {
        world.visitor().status().await["epoch"] == 2
    })
    .await;
    let newest = newcomer.join().await["ticket"]["number"].as_u64().unwrap();
    // In any order they come, everybody gets the own number.
    for (number, visitor) in line.iter_mut().rev() {
        let look = visitor.look().await;
        assert_eq!(
            (&look["state"], &look["ticket"]["number"]),
            (&json!("waiting"), &*number)
        );
        assert!(newest > number.as_u64().unwrap(), "no number twice");
    }
    let mut last = 0;
    for (_, visitor) in &mut line {
        let offered = visitor.until_state("offered").await;
        let released_at = offered["released_at"].as_u64().unwrap();
        assert!(released_at > last, "and the order is as it was");
        last = released_at;
        visitor.post("/_wr/leave/main").await;
    }
    newcomer.until_state("offered").await;
}

#[tokio::test]
async fn a_gateway_that_starts_without_its_store_says_so_and_opens_by_itself() {
    let mut world = World::start(NARROW).await;
    let mut waiting = world.visitor();
    waiting.join().await;
    world.stop_gateways();
    world.redis.kill();
    world.start_gateway();
    let mut newcomer = world.visitor();
    let page = newcomer.page("/").await;
    assert_eq!(page.status.as_u16(), 503);
    assert!(page.headers.contains_key("retry-after"));
    let refused = newcomer.post("/_wr/ticket/main").await;
    assert_eq!(refused.problem(), "store-away");
    assert_eq!(newcomer.status().await["available"], false);
    assert_eq!(
        newcomer.get("/_wr/page/main").await.status.as_u16(),
        200,
        "the page needs no store"
    );

    world.redis.start_again();
    until("it opens by itself", async || {
        newcomer.status().await["available"] == true
    })
    .await;
    assert_eq!(
        newcomer.status().await["epoch"],
        1,
        "the stop was orderly: nothing was lost"
    );
    newcomer.join().await;
    assert_eq!(world.shop.without_pass(), 0);
}

#[tokio::test]
async fn a_store_that_hangs_is_said_to_be_away_and_back() {
    let world = World::start(NARROW).await;
    let mut visitor = world.visitor();
    world.redis.pause();
    until("the outage is public", async || {
        visitor.status().await["available"] == false
    })
    .await;
    world.redis.go_on();
    until("it is back by itself", async || {
        visitor.status().await["available"] == true
    })
    .await;
    assert_eq!(visitor.status().await["epoch"], 1);
}
