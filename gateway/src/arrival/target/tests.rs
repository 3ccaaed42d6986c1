use http::Version;
use proptest::prelude::*;

use super::*;
use crate::{arrival::Rooms, config::Room};

fn layer(trusted: &str) -> NormaliseTarget {
    let trusted_proxies = trusted
        .split_whitespace()
        .map(|net| net.parse().unwrap())
        .collect();
    NormaliseTarget::new(&Config {
        trusted_proxies,
        ..Config::default()
    })
}

fn request(uri: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(()).unwrap();
    request
        .extensions_mut()
        .insert(Peer("10.0.0.9:1".parse().unwrap()));
    request
}

fn judged(request: Request<()>) -> Result<Target, TargetError> {
    let mut request = request;
    layer("").normalise(&mut request)?;
    Ok(request.extensions().get::<Target>().unwrap().clone())
}

#[test]
fn harmless_spellings_become_one_path() {
    for (written, normal) in [
        ("/", "/"),
        ("/shop", "/shop"),
        ("/shop/", "/shop/"),
        ("//shop", "/shop"),
        ("/shop//cart///x", "/shop/cart/x"),
        ("/./shop/./cart", "/shop/cart"),
        ("/%2e/shop", "/shop"),
        ("/free/../shop", "/shop"),
        ("/free/%2e%2E/shop", "/shop"),
        ("/free/.%2e/shop", "/shop"),
        ("/a/b/../../shop/..", "/"),
        ("/shop/.", "/shop/"),
        ("/%73hop", "/shop"),
        ("/sh%6Fp/%7euser", "/shop/~user"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/a%20b", "/a%20b"),
        ("/shop;jsessionid=1", "/shop;jsessionid=1"),
        ("/100%25", "/100%25"),
        ("/SHOP", "/SHOP"),
        ("/a+b=c&d,e:f@g!$'()*", "/a+b=c&d,e:f@g!$'()*"),
    ] {
        assert_eq!(path::normalise(written).as_deref(), Ok(normal), "{written}");
    }
}

#[test]
fn what_servers_read_differently_is_refused() {
    for written in [
        "",
        "*",
        "shop",
        "/..",
        "/../shop",
        "/a/../../shop",
        "/%2e%2e/shop",
        "/a\\b",
        "/a%5cb",
        "/a%5Cb",
        "/a%2fb",
        "/free%2F..%2fshop",
        "/a%00",
        "/a%0d%0aX:1",
        "/a%7f",
        "/a%",
        "/a%2",
        "/a%zz",
        "/%252e%252e/shop",
        "/a%252fb",
        "/%2573hop",
        "/a%25%32%66",
        "/free/..;/shop",
        "/free/..;x=1/shop",
        "/free/.;x/shop",
        "/;x/shop",
        "/free/..%3b/shop",
        "/a b",
        "/a?b",
        "/a#b",
    ] {
        let refused = path::normalise(written).unwrap_err();
        assert_eq!(refused.field, "path", "{written}");
        assert_eq!(refused.problem().status_code(), 400);
    }
}

#[test]
fn the_query_is_left_untouched() {
    let host = [("host", "shop.example")];
    for query in ["a=%2e%2e//..\\;%00", "", "x=1?y#", "%zz"] {
        let Ok(uri) = format!("/x/../shop?{query}").parse::<Uri>() else {
            continue;
        };
        let mut request = request(&uri.to_string(), &host);
        layer("").normalise(&mut request).unwrap();
        assert_eq!(request.uri().path(), "/shop");
        assert_eq!(request.uri().query(), uri.query());
    }
}

#[test]
fn the_host_is_one_answer_from_all_places_that_name_it() {
    let ok = |uri: &str, headers: &[(&str, &str)]| judged(request(uri, headers)).unwrap();
    let target = ok("/x", &[("host", "Shop.Example:8080")]);
    assert_eq!(
        (&*target.host, &*target.authority),
        ("shop.example", "shop.example:8080")
    );
    assert_eq!(ok("/x", &[("host", "shop.example.")]).host, "shop.example");
    assert_eq!(
        ok("/x", &[("host", "[2001:DB8::1]:80")]).host,
        "2001:db8::1"
    );
    let absolute = ok("http://shop.example/x/../y", &[("host", "SHOP.example:80")]);
    assert_eq!((&*absolute.host, &*absolute.path), ("shop.example", "/y"));
    assert_eq!(ok("http://shop.example/", &[]).host, "shop.example");
    for (uri, headers) in [
        ("/x", &[][..]),
        ("/x", &[("host", "a.example"), ("host", "a.example")]),
        ("/x", &[("host", "")]),
        ("/x", &[("host", "a.example/evil")]),
        ("/x", &[("host", "user@a.example")]),
        ("/x", &[("host", "a.example:99999")]),
        ("/x", &[("host", "a.example:")]),
        ("/x", &[("host", "a.example:80:80")]),
        ("/x", &[("host", "a b")]),
        ("/x", &[("host", "[::1")]),
        ("http://a.example/", &[("host", "b.example")]),
        ("http://a.example:81/", &[("host", "a.example")]),
        ("http://user@a.example/", &[("host", "a.example")]),
    ] {
        let refused = judged(request(uri, headers)).unwrap_err();
        assert_eq!(refused.field, "host", "{uri} {headers:?}");
    }
    let mut old = request("/x", &[]);
    *old.version_mut() = Version::HTTP_10;
    assert_eq!(judged(old).unwrap().host, "");
}

#[test]
fn a_forwarded_host_counts_only_from_a_trusted_proxy() {
    let headers = [
        ("host", "inner"),
        ("x-forwarded-host", "shop.example, Other.example"),
    ];
    assert_eq!(judged(request("/", &headers)).unwrap().host, "inner");
    let mut request = request("/", &headers);
    layer("10.0.0.0/8").normalise(&mut request).unwrap();
    assert_eq!(
        request.extensions().get::<Target>().unwrap().host,
        "other.example"
    );
}

#[test]
fn methods_are_upper_case_words_about_a_resource() {
    let status = |method: &str| {
        let mut request = request("/x", &[("host", "a")]);
        *request.method_mut() = method.parse().unwrap();
        judged(request).map_or_else(|refused| refused.problem().status_code().as_u16(), |_| 200)
    };
    for (method, expected) in [
        ("GET", 200),
        ("HEAD", 200),
        ("PROPFIND", 200),
        ("M-SEARCH", 200),
        ("QUERY", 200),
        ("get", 400),
        ("GeT", 400),
        ("G.T", 400),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 400),
        ("TRACE", 405),
        ("CONNECT", 405),
    ] {
        assert_eq!(status(method), expected, "{method}");
    }
}

#[test]
fn an_overlong_target_is_refused_with_its_own_status() {
    let refused = judged(request(&format!("/{}", "a".repeat(9000)), &[("host", "a")])).unwrap_err();
    assert_eq!(refused.problem().status_code(), 414);
}

#[test]
fn only_plain_chunks_may_frame_a_body() {
    for codings in [
        &["gzip, chunked"][..],
        &["chunked", "chunked"],
        &["identity"],
        &["x"],
    ] {
        let headers: Vec<_> = std::iter::once(("host", "a"))
            .chain(codings.iter().map(|coding| ("transfer-encoding", *coding)))
            .collect();
        assert_eq!(
            judged(request("/", &headers)).unwrap_err().field,
            "transfer-encoding"
        );
    }
    let both = [
        ("host", "a"),
        ("transfer-encoding", "chunked"),
        ("content-length", "3"),
    ];
    assert!(judged(request("/", &both)).is_err());
    assert!(judged(request("/", &both[..2])).is_ok());
}

/// What the most forgiving upstream makes of a path: it decodes, cuts parameters off, takes a
/// backslash for a slash, merges slashes and resolves dots, in whichever order harms most.
fn forgiving(path: &str) -> Vec<String> {
    let decoded = percent_encoding::percent_decode_str(path)
        .decode_utf8_lossy()
        .into_owned();
    let mut out: Vec<String> = Vec::new();
    for segment in decoded.replace('\\', "/").split('/') {
        match segment.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => drop(out.pop()),
            plain => out.push(plain.to_ascii_lowercase()),
        }
    }
    out
}

fn spelled() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/", "/", "/", "//", "shop", "SHOP", "%73hop", "sh", "op", "free", ".", "..", "%2e", "%2E",
        ".%2e", ";", ";x=1", "%3b", "%3B", "\\", "%5c", "%2f", "%2F", "%25", "%252e", "%00", "é",
        "%c3%a9", "%20", "~", "%7e", "+", "%", "%32", "%66", "2", "f", "%2",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn normalising_twice_changes_nothing(path in spelled()) {
        if let Ok(once) = path::normalise(&path) {
            prop_assert_eq!(path::normalise(&once), Ok(once.clone()));
            let parsed = format!("http://a{once}").parse::<Uri>();
            prop_assert!(parsed.is_ok());
        }
    }

    #[test]
    fn no_spelling_escapes_a_protected_prefix(path in spelled()) {
        let rooms: Vec<Room> = vec![toml::from_str(
            "id = \"main\"\nupstream = \"http://x\"\nroutes = [{ path = \"/shop\" }]",
        ).unwrap()];
        if let Ok(normal) = path::normalise(&path) {
            let target = Target { path: normal.clone(), ..Target::default() };
            let shop = |path: &str| forgiving(path).first().is_some_and(|first| first == "shop");
            if shop(&normal) {
                prop_assert_eq!(Rooms::new(&rooms).find(&target), Some(0), "{} as {}", path, normal);
            }
        }
    }

    #[test]
    fn nothing_panics(path in ".{0,64}") {
        let _ = path::normalise(&path);
    }
}
