use super::*;

fn map(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
        .collect()
}

fn ours(typ: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let head = format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#);
    format!("Bearer {}.e30.c2ln", URL_SAFE_NO_PAD.encode(head))
}

#[test]
fn headers_of_one_hop_end_here_and_so_do_those_that_connection_names() {
    let mut headers = map(&[
        ("connection", "keep-alive, X-Secret"),
        ("connection", "close"),
        ("x-secret", "1"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("proxy-authorization", "Basic x"),
        ("x-kept", "1"),
    ]);
    clean_request(&mut headers);
    assert_eq!(headers, map(&[("x-kept", "1")]));
}

#[test]
fn what_only_we_may_say_is_not_said_with_underscores_either() {
    let mut headers = map(&[
        ("x_entry_pass", "forged"),
        ("x-entry_pass", "forged"),
        ("x_forwarded_for", "6.6.6.6"),
        ("x_kept", "1"),
    ]);
    clean_request(&mut headers);
    assert_eq!(headers, map(&[("x_kept", "1")]));
}

#[test]
fn our_cookies_never_reach_the_shop_and_its_own_do() {
    let mut headers = map(&[
        ("cookie", "cart=1; wr-visitor=a; __Host-wr-pass-main=b"),
        (
            "cookie",
            "__hOst-WR-ticket-x=c;theme=dark; wr-visitors=not-ours",
        ),
    ]);
    clean_request(&mut headers);
    assert_eq!(
        headers,
        map(&[("cookie", "cart=1; theme=dark; wr-visitors=not-ours")])
    );
    let mut only_ours = map(&[("cookie", "wr-visitor=a; wr-ticket-main=b")]);
    clean_request(&mut only_ours);
    assert!(only_ours.is_empty());
}

#[test]
fn our_tokens_never_reach_the_shop_and_foreign_ones_pass_untouched() {
    for typ in ["wr-pass+jwt", "wr-ticket+jwt"] {
        let mut headers = map(&[("authorization", &ours(typ)), ("x-entry-pass", "forged")]);
        clean_request(&mut headers);
        assert!(headers.is_empty(), "{typ}");
    }
    for foreign in [
        ours("JWT"),
        "Bearer opaque".into(),
        "Basic dXNlcjpwdw==".into(),
    ] {
        let mut headers = map(&[("authorization", &foreign)]);
        clean_request(&mut headers);
        assert_eq!(headers["authorization"], foreign);
    }
}

#[test]
fn what_a_stranger_says_about_the_address_is_replaced() {
    let mut headers = map(&[
        ("x-forwarded-for", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
        ("x-original-url", "/admin"),
    ]);
    clean_request(&mut headers);
    assert!(headers.is_empty());
    let caller = Caller {
        address: "1.2.3.4".parse().unwrap(),
        ..Caller::default()
    };
    let target = Target {
        authority: "shop.example:81".into(),
        ..Target::default()
    };
    let peer = Peer("10.0.0.1:9".parse().unwrap());
    vouch(&mut headers, Some(&caller), Some(&target), Some(peer));
    assert_eq!(headers["x-forwarded-for"], "1.2.3.4");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(
        (&headers["host"], &headers["x-forwarded-host"]),
        (
            &HeaderValue::from_static("shop.example:81"),
            &HeaderValue::from_static("shop.example:81"),
        )
    );
    vouch(
        &mut headers,
        Some(&Caller {
            behind_proxy: true,
            ..caller
        }),
        Some(&target),
        Some(peer),
    );
    assert_eq!(headers["x-forwarded-for"], "1.2.3.4, 10.0.0.1");
}

#[test]
fn the_shop_cannot_set_our_cookies_and_its_command_stays_here() {
    let mut headers = map(&[
        ("set-cookie", "cart=1; Path=/"),
        ("set-cookie", "wr-visitor=someone-else"),
        ("set-cookie", "__Host-wr-pass-main=forged; Secure"),
        ("set-cookie", "theme=dark"),
        ("wr-command", "Complete"),
        ("x-entry-pass", "echoed"),
    ]);
    assert_eq!(clean_response(&mut headers), Some(Command::Complete));
    assert_eq!(
        headers,
        map(&[
            ("set-cookie", "cart=1; Path=/"),
            ("set-cookie", "theme=dark")
        ])
    );
    for (word, command) in [
        (" EXTEND ", Some(Command::Extend)),
        ("leave", Some(Command::Leave)),
        ("revoke", Some(Command::Revoke)),
        ("explode", None),
        ("", None),
    ] {
        let mut headers = map(&[("wr-command", word)]);
        assert_eq!(clean_response(&mut headers), command, "{word}");
        assert!(headers.is_empty());
    }
    let mut differing = map(&[("wr-command", "extend"), ("wr-command", "revoke")]);
    assert_eq!(clean_response(&mut differing), None);
}
