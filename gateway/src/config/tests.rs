use std::time::Duration;

use super::*;

fn read(toml: &str) -> Config {
    toml::from_str(toml).unwrap()
}

const ONE_ROOM: &str = "[[rooms]]\nid = \"main\"\nupstream = \"http://127.0.0.1:3000\"\n";

#[test]
fn a_room_needs_only_a_name_and_an_upstream() {
    let config = read(ONE_ROOM);
    assert_eq!(config.validate(), Vec::<String>::new());
    let room = &config.rooms[0];
    assert_eq!(
        room.routes,
        [Route {
            host: None,
            path: "/".into()
        }]
    );
    assert_eq!((room.rate_per_minute(), room.tick_ms()), (1000, 3000));
}

#[test]
fn what_is_shown_can_be_read_back() {
    let config = read(ONE_ROOM);
    assert_eq!(read(&toml::to_string(&config).unwrap()), config);
}

#[test]
fn times_and_networks_are_read_as_people_write_them() {
    let config = read(&format!(
        "trusted_proxies = [\"10.0.0.7\", \"fd00::/8\"]\n[timeouts]\nidle = \"1m 30s\"\n{ONE_ROOM}\
         opens_at = \"2026-11-27T20:00:00Z\"\ntick = \"500ms\"\nbatch = 7\n\
         poll = [{{ ahead = 10, after = \"1s\" }}]"
    ));
    assert_eq!(config.trusted_proxies[0].to_string(), "10.0.0.7/32");
    assert_eq!(config.timeouts.idle, Duration::from_secs(90));
    assert_eq!(config.rooms[0].rate_per_minute(), 840);
    assert_eq!(config.rooms[0].poll.after(9_999), Duration::from_secs(1));
    assert_eq!(config.validate(), Vec::<String>::new());
}

#[test]
fn an_unknown_key_is_refused_wherever_it_stands() {
    for bad in [
        "tiemouts = 1".to_owned(),
        "[limits]\nper_person = 1".to_owned(),
        format!("{ONE_ROOM}bypass = []"),
        format!("{ONE_ROOM}draw_at_open = true"),
        format!("{ONE_ROOM}[[rooms.routes]]\npaths = \"/\""),
        "[limits]\npersonal = { per_second = 1, burst = 1, per_minute = 3 }".to_owned(),
    ] {
        assert!(toml::from_str::<Config>(&bad).is_err(), "{bad}");
    }
}

#[test]
fn every_complaint_comes_at_once_with_the_path_of_its_field() {
    let config = read(
        r#"
        public_url = "ftp://shop.example/x"
        purchase_prefix = "v1"
        max_header_bytes = 1
        max_connections = 0
        [limits]
        personal = { per_second = 0, burst = 0 }
        address_ipv6_prefix = 3
        [timeouts]
        drain = "0s"
        [[rooms]]
        id = "a"
        upstream = "https://shop.example"
        order = "random"
        opens_at = "2026-11-27T20:00:00Z"
        closes_at = "2026-11-27T19:00:00Z"
        prequeue_from = "2026-11-27T21:00:00Z"
        capacity = 0
        batch = 0
        tick = "2m"
        session = "2h"
        page_status = 404
        sale = "s"
        poll = []
        routes = [{ path = "shop" }, { path = "/_wr/x" }, { host = "http://x" }]
        [[rooms]]
        id = "a"
        upstream = "http://x/path"
        routes = [{ host = "http://x" }]
        "#,
    );
    let complaints = config.validate();
    for path in [
        "public_url",
        "limits.personal.per_second",
        "limits.personal.burst",
        "limits.address_ipv6_prefix",
        "purchase_prefix",
        "timeouts.drain",
        "max_connections",
        "max_header_bytes",
        "rooms[0].routes[0].path",
        "rooms[0].routes[1].path",
        "rooms[0].routes[2].host",
        "rooms[0].upstream",
        "rooms[0].order",
        "rooms[0].closes_at",
        "rooms[0].prequeue_from",
        "rooms[0].capacity",
        "rooms[0].batch",
        "rooms[0].tick",
        "rooms[0].session_max",
        "rooms[0].page_status",
        "rooms[0].poll",
        "rooms[0].sale",
        "rooms[1].upstream",
        "rooms[1].id",
        "rooms[1].routes[0]",
    ] {
        let start = format!("{path}: ");
        assert!(
            complaints.iter().any(|c| c.starts_with(&start)),
            "{path} in {complaints:#?}"
        );
    }
    assert!(complaints.contains(&"rooms[0].batch: must be at least 1".to_owned()));
    assert_eq!(
        read("").validate(),
        ["rooms: there must be at least one room"]
    );
}
