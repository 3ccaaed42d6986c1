//! Without a pass nothing reaches the shop.

use futures::{SinkExt, StreamExt};
use http::Method;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error as WebSocketError, client::IntoClientRequest},
};

use crate::world::{Visitor, World};

/// Everybody waits: nobody is let in, so whatever reaches the shop came around the gate.
const SHUT: &str = "opens_at = \"2999-01-01T00:00:00Z\"";

#[tokio::test]
async fn without_a_pass_nothing_reaches_the_shop_by_any_method() {
    let world = World::start(SHUT).await;
    for method in [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "X-ANY",
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut visitor = world.visitor();
        let answer = visitor.send(method.clone(), "/checkout", &[], "").await;
        assert_eq!(answer.status.as_u16(), 503, "{method}");
        assert!(answer.headers.contains_key("retry-after"), "{method}");
        if method != Method::HEAD {
            assert_eq!(answer.problem(), "not-admitted");
        }
    }
    assert_eq!(world.shop.hits(), 0);
}

#[tokio::test]
async fn no_spelling_of_a_protected_path_goes_around_the_gate() {
    let world = World::start(&format!("{SHUT}\nroutes = [{{ path = \"/shop\" }}]")).await;
    let mut visitor = world.visitor();
    assert_eq!(
        visitor.get("/elsewhere").await.text,
        "the shop",
        "no room protects it"
    );
    for path in [
        "/shop",
        "/shop/",
        "/SHOP/x",
        "//shop/x",
        "/./shop/x",
        "/a/../shop/x",
        "/%73hop/x",
        "/%2e/shop/x",
        "/a/%2e%2e/shop/x",
        "/shop;x/y",
        "/shop%2fx",
        "/shop\\x",
        "/shop%5cx",
        "/x/..;/shop/x",
        "/shop?a=/elsewhere",
        "/shop%00/x",
    ] {
        let hits = world.shop.hits();
        let answer = visitor.get(path).await;
        assert!(
            matches!(answer.status.as_u16(), 400 | 503),
            "{path}: {}",
            answer.status
        );
        assert_eq!(world.shop.hits(), hits, "{path}");
    }
}

#[tokio::test]
async fn forged_and_foreign_passes_do_not_admit() {
    let world = World::start("capacity = 1\nbatch = 1\ntick = \"100ms\"").await;
    let mut inside = world.visitor();
    inside.page("/").await;
    let pass = inside.cookies["wr-pass-main"].clone();
    crate::world::until("the room is known to be full", async || {
        world.visitor().status().await["serving"] == 1
    })
    .await;
    let hits = world.shop.hits();

    let mut forged = pass.clone();
    forged.replace_range(
        pass.len() - 20..pass.len() - 19,
        if pass.as_bytes()[pass.len() - 20] == b'A' {
            "B"
        } else {
            "A"
        },
    );
    for header in [
        ("x-entry-pass", forged.as_str()),
        ("x-entry-pass", "x"),
        ("x-entry-pass", "1"),
    ] {
        let answer = world.visitor().send(Method::GET, "/", &[header], "").await;
        assert_eq!(answer.status.as_u16(), 503, "{header:?}");
    }
    let mut thief = world.visitor();
    thief.join().await;
    thief.cookies.insert("wr-pass-main".into(), pass.clone());
    let answer = thief.get("/").await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (403, "other-pass")
    );
    assert_eq!(world.shop.hits(), hits);

    let bearer = format!("Bearer {pass}");
    let app = world
        .visitor()
        .send(Method::GET, "/", &[("authorization", &bearer)], "")
        .await;
    assert_eq!(app.text, "the shop", "an app may carry its own pass");
    assert_eq!(world.shop.without_pass(), 0);
}

#[tokio::test]
async fn a_pass_opens_nothing_from_the_moment_its_visitor_left() {
    let world = World::start("capacity = 1\nbatch = 1\ntick = \"60s\"").await;
    let mut visitor = world.visitor();
    visitor.join().await;
    let pass = visitor.cookies["wr-pass-main"].clone();
    assert_eq!(visitor.post("/_wr/leave/main").await.status.as_u16(), 200);
    let kept = [("x-entry-pass", pass.as_str())];
    let answer = world.visitor().send(Method::GET, "/", &kept, "").await;
    assert_eq!(answer.status.as_u16(), 503);
    assert_eq!(world.shop.hits(), 0);
}

#[tokio::test]
async fn anothers_ticket_opens_nothing() {
    let world = World::start("capacity = 1\nbatch = 1\ntick = \"100ms\"\nqueue_all = true").await;
    let mut owner = world.visitor();
    owner.join().await;
    owner.until_state("offered").await;
    let mut thief = world.visitor();
    thief.join().await;
    let own = thief.cookies.clone();
    thief.cookies.insert(
        "wr-ticket-main".into(),
        owner.cookies["wr-ticket-main"].clone(),
    );
    assert_eq!(thief.post("/_wr/claim/main").await.problem(), "other-pass");
    assert_eq!(thief.get("/_wr/ticket/main").await.status.as_u16(), 403);
    assert_eq!(thief.post("/_wr/leave/main").await.status.as_u16(), 403);
    thief.cookies = own;
    assert_eq!(owner.look().await["state"], "offered");
    assert_eq!(owner.post("/_wr/claim/main").await.status.as_u16(), 200);
}

#[tokio::test]
async fn our_cookies_and_unverified_passes_stay_with_us() {
    let world = World::start("").await;
    let mut visitor = world.visitor();
    visitor.page("/").await;
    assert_eq!(
        visitor.cookies.keys().collect::<Vec<_>>(),
        ["wr-pass-main", "wr-ticket-main", "wr-visitor"]
    );
    visitor.cookies.insert("basket".into(), "7".into());
    let claimed = [("x-entry-pass", "made-up")];
    let answer = visitor.send(Method::GET, "/", &claimed, "").await;
    assert_eq!(answer.text, "the shop");
    let seen = world.shop.last.lock().unwrap().clone();
    assert_eq!(
        seen["cookie"], "basket=7",
        "the shop's own cookie and none of ours"
    );
    let told: Vec<_> = seen.get_all("x-entry-pass").iter().collect();
    assert_eq!(
        told,
        [visitor.cookies["wr-pass-main"].as_str()],
        "the verified one alone"
    );
}

#[tokio::test]
async fn a_websocket_is_for_admitted_visitors() {
    let world = World::start(SHUT).await;
    assert!(websocket(&world.visitor()).await.is_err());
    assert_eq!(world.shop.hits(), 0);

    let world = World::start("").await;
    let mut visitor = world.visitor();
    visitor.page("/").await;
    let mut socket = websocket(&visitor).await.unwrap();
    socket.send("hello".into()).await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap().into_text().unwrap(),
        "hello"
    );
    assert_eq!(world.shop.without_pass(), 0);
}

async fn websocket(visitor: &Visitor) -> Result<WebSocketStream<TcpStream>, WebSocketError> {
    let mut request = format!("ws://{}/live", visitor.gateway)
        .into_client_request()
        .unwrap();
    let pairs = visitor
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let cookies = pairs.collect::<Vec<_>>().join("; ");
    request
        .headers_mut()
        .insert("cookie", cookies.parse().unwrap());
    let stream = TcpStream::connect(visitor.gateway).await.unwrap();
    tokio_tungstenite::client_async(request, stream)
        .await
        .map(|(socket, _)| socket)
}
