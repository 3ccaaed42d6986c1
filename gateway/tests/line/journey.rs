//! One visitor's way through, and what must stay the same on it.

use crate::world::{World, until};

/// One at a time, so that there is a line to stand in.
const NARROW: &str = "capacity = 1\nbatch = 1\ntick = \"100ms\"\noffer_ttl = \"30s\"";

#[tokio::test]
async fn a_newcomer_to_a_quiet_room_goes_straight_through() {
    let world = World::start("").await;
    let mut visitor = world.visitor();
    let answer = visitor.page("/shoes").await;
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (200, "the shop")
    );
    assert!(
        visitor.cookies.contains_key("wr-pass-main"),
        "the pass comes with that answer"
    );
    assert_eq!(answer.headers["cache-control"], "private, no-store");
    assert_eq!(visitor.page("/more").await.text, "the shop");
    assert_eq!(world.shop.without_pass(), 0);
    assert_eq!(visitor.join().await["state"], "admitted");
}

#[tokio::test]
async fn a_shop_that_crashes_takes_nobodys_place() {
    let world = World::start("").await;
    let mut visitor = world.visitor();
    for path in ["/crash", "/crash", "/"] {
        let answer = visitor.page(path).await;
        let wanted = if path == "/" { 200 } else { 502 };
        assert_eq!(answer.status.as_u16(), wanted, "{path}");
        assert!(visitor.cookies.contains_key("wr-pass-main"), "{path}");
    }
    let mut anyone = world.visitor();
    until("the gateway has seen it", async || {
        anyone.status().await["issued"] == 1
    })
    .await;
}

#[tokio::test]
async fn from_the_queue_page_to_the_shop() {
    let world = World::start(NARROW).await;
    let mut first = world.visitor();
    assert_eq!(first.page("/").await.text, "the shop");

    let mut second = world.visitor();
    until("the gateway knows that the room is full", async || {
        let mut stranger = world.visitor();
        let page = stranger.page("/shoes?size=42").await;
        page.text != "the shop" && page.text.contains("/_wr/ticket/main")
    })
    .await;
    let joined = second.join().await;
    assert_eq!(
        (&joined["state"], &joined["position_exact"]),
        (&"waiting".into(), &true.into())
    );
    let again = second.join().await;
    assert_eq!(
        again["ticket"], joined["ticket"],
        "joining again is the same place"
    );
    let page = second.page("/shoes?size=42").await;
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["x-robots-tag"], "noindex");
    assert!(
        page.text.contains("/shoes?size=42"),
        "the page knows where to go back to"
    );

    assert_eq!(
        second.post("/_wr/claim/main").await.problem(),
        "not-offered"
    );
    assert_eq!(first.post("/_wr/leave/main").await.json()["state"], "left");
    let offered = second.until_state("offered").await;
    assert!(offered["offer_expires_at"].as_u64() > offered["released_at"].as_u64());

    let claim = second.post("/_wr/claim/main").await.json();
    assert_eq!(claim["state"], "admitted");
    let pass = second.cookies["wr-pass-main"].clone();
    let repeated = second.post("/_wr/claim/main").await.json();
    assert_eq!(claim["expires_at"], repeated["expires_at"]);
    assert_eq!(
        claims(claim["pass"].as_str().unwrap()),
        claims(repeated["pass"].as_str().unwrap())
    );
    assert_eq!(claims(&pass)["aud"], "main");
    assert_eq!(claims(&pass)["iss"], "http://shop.test");
    assert_eq!(second.page("/shoes?size=42").await.text, "the shop");
    assert_eq!(world.shop.without_pass(), 0);
    assert_eq!(
        first.page("/").await.headers.get("x-demo-shop"),
        None,
        "who left is out"
    );
}

fn claims(token: &str) -> serde_json::Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn forms_do_it_without_javascript() {
    let world = World::start(NARROW).await;
    let mut first = world.visitor();
    first.page("/").await;
    let mut second = world.visitor();
    let joined = second.form("/_wr/ticket/main", "return_to=%2Fshoes").await;
    assert_eq!(
        (joined.status.as_u16(), &joined.headers["location"]),
        (303, &"/shoes".parse().unwrap())
    );
    let elsewhere = second
        .form("/_wr/ticket/main", "return_to=%2F%2Fevil.example")
        .await;
    assert_eq!(elsewhere.headers["location"], "/");
    first.form("/_wr/leave/main", "").await;
    until("the page says it is the turn", async || {
        second
            .page("/shoes")
            .await
            .text
            .contains("action=\"/_wr/claim/main\"")
            && second.look().await["state"] == "offered"
    })
    .await;
    assert_eq!(
        second
            .form("/_wr/claim/main", "return_to=%2Fshoes")
            .await
            .status
            .as_u16(),
        303
    );
    assert_eq!(second.page("/shoes").await.text, "the shop");
}

#[tokio::test]
async fn arrival_order_is_release_order_and_leavers_close_the_gap() {
    let world = World::start("capacity = 1\nbatch = 1\ntick = \"100ms\"\nqueue_all = true").await;
    let mut holder = world.visitor();
    holder.join().await;
    holder.until_state("offered").await;
    let mut line = Vec::new();
    for _ in 0..5 {
        let mut visitor = world.visitor();
        visitor.join().await;
        line.push(visitor);
    }
    assert_eq!(line[4].look().await["position"], 5);
    line[1].post("/_wr/leave/main").await;
    until("the leaver is known", async || {
        line[4].look().await["position"] == 4
    })
    .await;
    let status = world.visitor().status().await;
    assert_eq!(status["gone"].as_array().unwrap().len(), 1);
    let left = line.remove(1);
    assert!(
        !left.cookies.contains_key("wr-ticket-main"),
        "the ticket is taken back"
    );

    holder.post("/_wr/leave/main").await;
    let mut last = 0;
    for visitor in &mut line {
        let offered = visitor.until_state("offered").await;
        let released_at = offered["released_at"].as_u64().unwrap();
        assert!(released_at > last);
        last = released_at;
        visitor.post("/_wr/leave/main").await;
    }
}

#[tokio::test]
async fn a_restarted_gateway_goes_on_with_the_same_line_and_passes() {
    let mut world = World::start(NARROW).await;
    let mut inside = world.visitor();
    inside.page("/").await;
    let mut waiting = world.visitor();
    let before = waiting.join().await;
    world.restart_gateways().await;
    assert_eq!(world.visitor().status().await["epoch"], 1);
    (inside.gateway, waiting.gateway) = (world.gateways[0], world.gateways[0]);
    assert_eq!(inside.page("/").await.text, "the shop");
    let after = waiting.look().await;
    assert_eq!(
        (&after["ticket"], &after["position"]),
        (&before["ticket"], &before["position"])
    );
}

#[tokio::test]
async fn before_the_opening_people_join_and_nobody_gets_in() {
    let world = World::start("opens_at = \"2999-01-01T00:00:00Z\"").await;
    let mut visitor = world.visitor();
    assert_eq!(visitor.status().await["phase"], "prequeue");
    let page = visitor.page("/").await;
    assert_ne!(page.text, "the shop");
    let joined = visitor.join().await;
    assert_eq!(
        (&joined["state"], &joined["position"]),
        (&"waiting".into(), &1.into())
    );
    assert_eq!(world.shop.hits(), 0);
}

/// Straight in, or by the line when the gateway had not heard yet that the place is free.
async fn until_somebody_else_is_in(world: &World) {
    let mut other = world.visitor();
    until("the place is free", async || {
        other.post("/_wr/claim/main").await;
        other.page("/").await.text == "the shop"
    })
    .await;
}

#[tokio::test]
async fn the_shop_ends_a_session_by_its_command() {
    let world = World::start(NARROW).await;
    let mut visitor = world.visitor();
    visitor.page("/").await;
    let answer = visitor.page("/command/leave").await;
    assert_eq!(
        answer.headers.get("wr-command"),
        None,
        "the command stays between us"
    );
    until_somebody_else_is_in(&world).await;
    assert_ne!(visitor.page("/").await.text, "the shop");
}

#[tokio::test]
async fn a_completed_visit_frees_the_place_and_still_sees_the_thank_you_page() {
    let world = World::start(NARROW).await;
    let mut visitor = world.visitor();
    visitor.page("/").await;
    visitor.page("/command/complete").await;
    until_somebody_else_is_in(&world).await;
    assert_eq!(visitor.page("/thanks").await.text, "the shop");
}
