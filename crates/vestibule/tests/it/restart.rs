//! A restart goes on with the same line, passes and stock, however the last life ended.

use rustix::process::Signal;

use crate::process::{Demo, ask, ask_until_served};

/// Cookies of an answer, as the next request sends them.
fn cookies(answer: &str) -> String {
    let pairs: Vec<&str> = answer
        .lines()
        .filter(|line| line.to_ascii_lowercase().starts_with("set-cookie:"))
        .filter_map(|line| line["set-cookie:".len()..].split(';').next())
        .map(str::trim)
        .collect();
    format!("Cookie: {}\r\n", pairs.join("; "))
}

fn number(answer: &str) -> &str {
    let after = answer
        .split("\"number\":")
        .nth(1)
        .unwrap_or_else(|| panic!("{answer}"));
    after.split([',', '}']).next().unwrap()
}

#[test]
fn a_ticket_and_a_pass_outlive_a_clean_stop_and_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(dir.path());
    let (status, joined) = ask(demo.visitors, "POST", "/_wr/ticket/demo", "").unwrap();
    assert_eq!(status, 201, "{joined}");
    let cookies = cookies(&joined);
    for end in [Signal::TERM, Signal::KILL] {
        demo = demo.again(dir.path(), end);
        let (status, again) = ask_until_served(demo.visitors, "/_wr/ticket/demo", &cookies);
        assert_eq!(
            (status, number(&again)),
            (200, number(&joined)),
            "after {end:?}"
        );
        let (status, shop) = ask_until_served(demo.visitors, "/", &cookies);
        assert!(
            status == 200 && shop.contains("id=\"buy\""),
            "after {end:?}: {shop}"
        );
    }
    let (_, newcomer) = ask(demo.visitors, "POST", "/_wr/ticket/demo", "").unwrap();
    assert_ne!(
        number(&newcomer),
        number(&joined),
        "no number is given twice"
    );
}
