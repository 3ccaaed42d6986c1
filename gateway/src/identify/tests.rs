use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entry_pass::RoomId;

use super::*;

fn key() -> VisitorKey {
    VisitorKey::derive(&[7; 32])
}

fn visitor() -> VisitorId {
    VisitorId::from_bytes([1; 16])
}

fn layer(toml: &str) -> IdentifyVisitor {
    IdentifyVisitor::new(&toml::from_str(toml).unwrap(), key())
}

fn ask(layer: &IdentifyVisitor, peer: &str, headers: &[(&str, &str)]) -> Caller {
    let mut request = Request::builder();
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(()).unwrap();
    request
        .extensions_mut()
        .insert(Peer(format!("{peer}:1").parse().unwrap()));
    layer.identify(&request)
}

fn room(name: &str) -> RoomId {
    name.parse().unwrap()
}

fn token(typ: &str, body: &str) -> String {
    let head = format!(r#"{{"alg":"none","typ":"{typ}"}}"#);
    format!("{}.{body}.x", URL_SAFE_NO_PAD.encode(head))
}

#[test]
fn a_visitor_cookie_is_good_only_as_we_signed_it() {
    let value = key().sign(&visitor());
    assert_eq!(key().verify(&value), Some(visitor()));
    assert_eq!(VisitorKey::derive(&[8; 32]).verify(&value), None);
    let (id, mac) = value.split_once('.').unwrap();
    let other = VisitorId::from_bytes([2; 16]);
    for forged in [
        format!("{other}.{mac}"),
        format!("{id}."),
        format!("{id}.{}", &mac[..20]),
        format!("{id}.{mac}A"),
        format!("{id}.{mac}="),
        format!("{id}{mac}"),
        format!("{id}.{}", "A".repeat(43)),
        format!("{id}.{}", "A".repeat(4000)),
        String::new(),
        ".".into(),
    ] {
        assert_eq!(key().verify(&forged), None, "{forged}");
    }
    assert_ne!(key().new_visitor(), key().new_visitor());
}

#[test]
fn only_the_names_of_the_visitors_scheme_are_read() {
    let signed = key().sign(&visitor());
    let plain = format!("wr-visitor={signed}; wr-pass-main=p; wr-ticket-main=t");
    let secure = format!("__Host-wr-visitor={signed}; __Host-wr-pass-main=P; __Host-wr-ticket-a=T");
    let (http, https) = (layer(""), layer("public_url = \"https://shop.example\""));
    let read = |layer, cookies: &str| ask(layer, "1.2.3.4", &[("cookie", cookies)]);
    let caller = read(&http, &plain);
    assert_eq!(caller.visitor, Some(visitor()));
    assert_eq!(
        (caller.pass(&room("main")), caller.ticket(&room("main"))),
        (Some("p"), Some("t"))
    );
    assert_eq!(
        (caller.pass(&room("a")), caller.scheme),
        (None, Scheme::Http)
    );
    let caller = read(&https, &secure);
    assert_eq!(caller.visitor, Some(visitor()));
    assert_eq!(
        (caller.pass(&room("main")), caller.ticket(&room("a"))),
        (Some("P"), Some("T"))
    );
    for (layer, cookies) in [(&http, &secure), (&https, &plain)] {
        let caller = read(layer, cookies);
        assert_eq!(
            (caller.visitor.clone(), caller.pass(&room("main"))),
            (None, None),
            "{cookies}"
        );
    }
}

#[test]
fn a_shops_cookie_in_another_alphabet_costs_nobody_the_place() {
    let signed = key().sign(&visitor());
    for foreign in [&b"city=K\xc3\xb6ln"[..], b"city=K\xf6ln"] {
        let line = [foreign, b"; wr-visitor=", signed.as_bytes()].concat();
        let mut request = Request::new(());
        let line = http::HeaderValue::from_bytes(&line).unwrap();
        request.headers_mut().insert("cookie", line);
        assert_eq!(layer("").identify(&request).visitor, Some(visitor()));
    }
}

#[test]
fn malformed_and_doubled_cookies_are_as_if_absent() {
    let signed = key().sign(&visitor());
    let good = format!("wr-visitor={signed}");
    let layer = layer("");
    let known = |headers: &[(&str, &str)]| ask(&layer, "1.2.3.4", headers).visitor.is_some();
    assert!(known(&[("cookie", &good)]));
    assert!(known(&[("cookie", "a=b"), ("cookie", &good)]));
    assert!(known(&[("cookie", &format!("{good}; {good}"))]));
    assert!(known(&[("cookie", &format!("; ;=;x;;{good};"))]));
    for bad in [
        format!("{good}; wr-visitor=other"),
        format!("wr-visitor=; {good}"),
        "wr-visitor".into(),
        "wr-visitor=".into(),
        "wr-visitor=é".into(),
        format!("wr-visitor=\"{signed}\""),
        format!("WR-VISITOR={signed}"),
        format!("{}{good}", "a=b;".repeat(300)),
    ] {
        assert!(!known(&[("cookie", &bad)]), "{bad}");
    }
    let caller = ask(
        &layer,
        "1.2.3.4",
        &[("cookie", "wr-pass-main=a; wr-pass-main=b; wr-pass-X=c")],
    );
    assert_eq!(caller.pass(&room("main")), None);
}

#[test]
fn the_address_is_the_rightmost_that_is_not_our_proxy() {
    let layer = layer("trusted_proxies = [\"10.0.0.0/8\", \"::1\"]");
    let address = |peer: &str, forwarded: &[&str]| {
        let headers: Vec<_> = forwarded
            .iter()
            .map(|value| ("x-forwarded-for", *value))
            .collect();
        ask(&layer, peer, &headers).address.to_string()
    };
    for (peer, forwarded, expected) in [
        ("8.8.8.8", &["1.1.1.1"][..], "8.8.8.8"),
        ("10.0.0.1", &[], "10.0.0.1"),
        ("10.0.0.1", &["1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", &["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", &["6.6.6.6", "1.1.1.1, 10.9.9.9"], "1.1.1.1"),
        ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", &["garbage"], "10.0.0.1"),
        ("10.0.0.1", &["1.1.1.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", &["1.1.1.1:4711"], "1.1.1.1"),
        ("10.0.0.1", &["[2001:db8::5]:80"], "2001:db8::5"),
        ("10.0.0.1", &["[2001:db8::5]"], "2001:db8::5"),
        ("[::1]", &["::ffff:1.2.3.4"], "1.2.3.4"),
        ("[::ffff:10.0.0.1]", &["1.1.1.1"], "1.1.1.1"),
    ] {
        assert_eq!(address(peer, forwarded), expected, "{peer} {forwarded:?}");
    }
}

#[test]
fn the_scheme_is_the_public_url_or_what_a_trusted_proxy_says() {
    let proxied = layer("trusted_proxies = [\"10.0.0.1\"]");
    let scheme = |layer, peer, proto| ask(layer, peer, &[("x-forwarded-proto", proto)]).scheme;
    assert_eq!(scheme(&proxied, "10.0.0.1", "https"), Scheme::Https);
    assert_eq!(scheme(&proxied, "10.0.0.1", "http, HTTPS"), Scheme::Https);
    assert_eq!(scheme(&proxied, "10.0.0.1", "https, http"), Scheme::Http);
    assert_eq!(scheme(&proxied, "10.0.0.2", "https"), Scheme::Http);
    let public = layer("public_url = \"https://shop.example\"");
    assert_eq!(scheme(&public, "10.0.0.2", "http"), Scheme::Https);
}

#[test]
fn tokens_are_told_apart_by_their_typ() {
    let (ticket, pass) = (token("wr-ticket+jwt", "t"), token("wr-pass+jwt", "p"));
    let layer = layer("");
    let tokens = |headers: &[(&str, &str)]| {
        let caller = ask(&layer, "1.2.3.4", headers);
        (caller.ticket_token, caller.pass_token)
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        tokens(&[("authorization", &format!("Bearer {ticket}"))]),
        (some(&ticket), None)
    );
    assert_eq!(
        tokens(&[("authorization", &format!("bearer {pass}"))]),
        (None, some(&pass))
    );
    assert_eq!(tokens(&[("x-entry-pass", &pass)]), (None, some(&pass)));
    let (as_ticket, as_pass) = (format!("Bearer {ticket}"), format!("Bearer {pass}"));
    assert_eq!(
        tokens(&[("authorization", &as_ticket), ("x-entry-pass", &pass)]),
        (some(&ticket), some(&pass))
    );
    let other = token("wr-pass+jwt", "q");
    for doubtful in [
        &[
            ("authorization", as_pass.as_str()),
            ("x-entry-pass", other.as_str()),
        ][..],
        &[
            ("authorization", as_pass.as_str()),
            ("authorization", as_ticket.as_str()),
        ],
        &[
            ("x-entry-pass", pass.as_str()),
            ("x-entry-pass", other.as_str()),
        ],
        &[("x-entry-pass", ticket.as_str())],
        &[("authorization", "Bearer opaque")],
        &[("authorization", "Basic eA==")],
        &[("authorization", "Bearer")],
        &[("x-entry-pass", "")],
    ] {
        assert_eq!(tokens(doubtful), (None, None), "{doubtful:?}");
    }
    assert_eq!(credential(&token("JWT", "x")), Credential::Foreign);
    assert_eq!(
        credential(&token("wr-pass+jwt", &"x".repeat(5000))),
        Credential::Foreign
    );
}

#[test]
fn a_verified_bearer_ticket_names_its_visitor() {
    let layer = layer("").recognising_tickets(|token| token.contains(".good.").then(visitor));
    let by = |body| {
        let value = format!("Bearer {}", token("wr-ticket+jwt", body));
        ask(&layer, "1.2.3.4", &[("authorization", &value)]).visitor
    };
    assert_eq!((by("good"), by("bad")), (Some(visitor()), None));
}

#[test]
fn cookies_are_set_and_cleared_as_the_contract_says() {
    let main = room("main");
    let hour = Duration::from_hours(1);
    assert_eq!(
        WrCookie::Pass(&main).set(Scheme::Https, "a.b.c", hour),
        "__Host-wr-pass-main=a.b.c; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure"
    );
    assert_eq!(
        WrCookie::Ticket(&main).set(Scheme::Http, "a.b.c", hour),
        "wr-ticket-main=a.b.c; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"
    );
    assert_eq!(
        WrCookie::Visitor.clear(Scheme::Https),
        "__Host-wr-visitor=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
    );
    assert_eq!(
        WrCookie::Visitor.set(Scheme::Http, "a\nb", hour),
        WrCookie::Visitor.clear(Scheme::Http)
    );
    for name in [
        "wr-visitor",
        "__Host-wr-visitor",
        "__host-WR-Pass-x",
        "wr-ticket-main",
    ] {
        assert!(is_ours(name), "{name}");
    }
    for name in [
        "cart",
        "wr-visitors",
        "xwr-pass-a",
        "__Secure-wr-visitor",
        "",
        "é-wr-pass-a",
    ] {
        assert!(!is_ours(name), "{name}");
    }
}
