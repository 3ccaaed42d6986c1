use super::*;

fn rooms() -> Rooms {
    #[derive(serde::Deserialize)]
    struct Table {
        rooms: Vec<Room>,
    }
    let table: Table = toml::from_str(
        r#"
        [[rooms]]
        id = "any"
        upstream = "http://a"
        routes = [{ path = "/shop" }]
        [[rooms]]
        id = "deep"
        upstream = "http://a"
        routes = [{ path = "/shop/drop/" }, { path = "/launch" }]
        [[rooms]]
        id = "host"
        upstream = "http://a"
        routes = [{ host = "Drop.Example" }]
        [[rooms]]
        id = "host-deep"
        upstream = "http://a"
        routes = [{ host = "drop.example", path = "/vip" }]
        "#,
    )
    .unwrap();
    Rooms::new(&table.rooms)
}

fn found(host: &str, path: &str) -> Option<usize> {
    rooms().find(&Target {
        host: host.into(),
        path: path.into(),
        ..Target::default()
    })
}

#[test]
fn the_most_specific_route_wins() {
    for (host, path, room) in [
        ("shop.example", "/shop", Some(0)),
        ("shop.example", "/shop/cart", Some(0)),
        ("shop.example", "/shop/drop", Some(1)),
        ("shop.example", "/shop/drop/1", Some(1)),
        ("shop.example", "/launch", Some(1)),
        ("shop.example", "/", None),
        ("shop.example", "/about/shop", None),
        ("drop.example", "/shop/drop", Some(2)),
        ("drop.example", "/", Some(2)),
        ("drop.example", "/vip/1", Some(3)),
        ("www.drop.example", "/vip", None),
    ] {
        assert_eq!(found(host, path), room, "{host}{path}");
    }
}

#[test]
fn a_prefix_covers_whole_segments_whatever_their_case_or_parameters() {
    assert_eq!(found("x", "/shopping"), None);
    assert_eq!(found("x", "/shop.php"), None);
    for path in [
        "/SHOP",
        "/Shop/CART",
        "/shop/",
        "/shop;v=1/cart",
        "/shop%3Bv",
    ] {
        assert_eq!(found("x", path), Some(0), "{path}");
    }
}
