//! Several gateways, one room, no leader.

use crate::world::World;

#[tokio::test]
async fn gateways_share_one_line_and_one_budget() {
    let rules = "capacity = 1000\nbatch = 3\ntick = \"200ms\"\nqueue_all = true";
    let world = World::with_gateways(rules, 3).await;
    let mut visitors = Vec::new();
    for at in 0..12 {
        let mut visitor = world.visitor_at(at % 3);
        let joined = visitor.join().await;
        visitors.push((joined["ticket"]["number"].as_u64().unwrap(), visitor));
    }
    let numbers: Vec<u64> = visitors.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>(), "one counter for all");

    let mut releases: Vec<u64> = Vec::new();
    for (_, visitor) in &mut visitors {
        // A place is kept whichever gateway is asked.
        visitor.gateway = world.gateways[releases.len() % 3];
        let offered = visitor.until_state("offered").await;
        releases.push(offered["released_at"].as_u64().unwrap());
    }
    assert!(releases.is_sorted(), "in arrival order: {releases:?}");
    for window in releases.windows(4) {
        // Four in a row are more than one batch: they span at least a full tick.
        assert!(
            window[3] - window[0] >= 200,
            "released twice in a tick: {releases:?}"
        );
    }
}

#[tokio::test]
async fn a_pass_of_one_gateway_is_good_at_another_until_it_is_ended() {
    let world = World::with_gateways("", 2).await;
    let mut visitor = world.visitor_at(0);
    visitor.page("/").await;
    visitor.gateway = world.gateways[1];
    assert_eq!(visitor.page("/").await.text, "the shop");
    let before = visitor.clone();
    visitor.post("/_wr/leave/main").await;
    // The other gateway learns of it with its next refresh; until then the pass may still serve.
    let mut stolen = before;
    stolen.gateway = world.gateways[0];
    stolen.cookies.remove("wr-ticket-main");
    let hits = std::cell::Cell::new(0);
    crate::world::until("the ended pass is refused everywhere", async || {
        hits.set(world.shop.hits());
        let pass = format!("Bearer {}", stolen.cookies["wr-pass-main"]);
        let mut bare = world.visitor_at(0);
        let headers = [("authorization", pass.as_str())];
        let answer = bare.send(http::Method::GET, "/", &headers, "").await;
        // A quiet room lets the bare client in as a newcomer, with a pass of its own.
        bare.cookies.contains_key("wr-pass-main") && answer.status.as_u16() == 200
    })
    .await;
    assert_eq!(world.shop.without_pass(), 0);
}

#[tokio::test]
async fn who_was_let_in_is_inside_at_every_gateway_at_once() {
    let world = World::with_gateways("capacity = 100\nbatch = 100\ntick = \"1s\"", 2).await;
    for _ in 0..5 {
        let mut visitor = world.visitor();
        assert_eq!(visitor.join().await["state"], "admitted");
        visitor.gateway = world.gateways[1];
        assert_eq!(visitor.look().await["state"], "admitted");
    }
}
