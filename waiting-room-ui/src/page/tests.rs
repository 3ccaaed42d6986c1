use super::*;
use crate::{CONTENT_SECURITY_POLICY, samples};

/// Elements without an end tag.
const VOID: [&str; 4] = ["meta", "link", "input", "!doctype"];

/// Complains about end tags that do not fit, attributes without quotes, ids given twice.
fn well_formed(html: &str) -> Result<(), String> {
    let mut open: Vec<String> = Vec::new();
    let mut ids: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        if rest[..start].contains('>') {
            return Err(format!("a bare > in {:?}", &rest[..start]));
        }
        let end = rest[start..].find('>').ok_or("a tag without its end")? + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            match open.pop() {
                Some(last) if last == name => continue,
                last => return Err(format!("</{name}> after {last:?}")),
            }
        }
        let name = tag.split_whitespace().next().ok_or("an empty tag")?;
        let mut quoted = tag.split('"');
        if tag.matches('"').count() % 2 == 1 || tag.contains(['<', '\'']) {
            return Err(format!("quotes of <{tag}>"));
        }
        while let (Some(before), Some(value)) = (quoted.next(), quoted.next()) {
            if !before.ends_with('=') {
                return Err(format!("attributes of <{tag}>"));
            }
            if before.ends_with(" id=") {
                if ids.contains(&value) {
                    return Err(format!("id {value} twice"));
                }
                ids.push(value);
            }
        }
        if !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(format!("left open: {open:?}"))
    }
}

/// The tag of the element with this id.
fn tag<'a>(html: &'a str, id: &str) -> &'a str {
    let at = html
        .find(&format!(" id=\"{id}\""))
        .unwrap_or_else(|| panic!("no {id}"));
    let start = html[..at].rfind('<').unwrap();
    &html[start..=start + html[start..].find('>').unwrap()]
}

fn seen(html: &str, id: &str) -> bool {
    !tag(html, id).ends_with(" hidden>")
}

#[test]
fn every_sample_is_well_formed_and_complete() {
    let mut pages = String::new();
    for (name, html) in samples::all() {
        well_formed(&html).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(html.starts_with("<!doctype html>"), "{name}");
        assert!(
            html.contains("<html lang=\"en\">") && html.contains("noindex"),
            "{name}"
        );
        assert!(
            !html.contains("style=") && !html.contains("<style"),
            "{name}"
        );
        assert!(!html.contains("://"), "{name}: nothing from elsewhere");
        pages.extend(["== ", name, "\n", &read(&html), "\n"]);
    }
    insta::assert_snapshot!(pages);
}

/// What a reader without JavaScript meets: texts that are not hidden, each after its tag.
fn read(html: &str) -> String {
    let body = html.split_once("<body>").map_or(html, |(_, body)| body);
    let (mut out, mut depth, mut hidden_at) = (String::new(), 0_i32, None);
    for piece in body.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or((piece, ""));
        let closes = tag.starts_with('/');
        depth -= i32::from(closes);
        if closes && hidden_at == Some(depth) {
            hidden_at = None;
        }
        if !closes && tag.ends_with(" hidden") && hidden_at.is_none() {
            hidden_at = Some(depth);
        }
        depth += i32::from(!closes && !tag.starts_with("input"));
        if hidden_at.is_none() && !text.trim().is_empty() {
            let name = tag.split(' ').next().unwrap_or_default();
            out.extend([name, ": ", text.trim(), "\n"]);
        }
    }
    out
}

#[test]
fn the_checker_itself_sees_what_is_wrong() {
    for bad in [
        "<p><b></p></b>",
        "<p",
        "<p>",
        "<p a=\"1\"b\">",
        "<a id=\"x\"></a><b id=\"x\"></b>",
    ] {
        assert!(well_formed(bad).is_err(), "{bad}");
    }
}

#[test]
fn exactly_one_view_is_seen() {
    for (name, view) in View::samples() {
        let slug = view.slug();
        let html = QueuePage::sample(view).render().html;
        let sections: Vec<_> = html.match_indices("<section data-for=\"").collect();
        assert_eq!(sections.len(), 13, "{name}");
        for (at, start) in sections {
            let section = html[at + start.len()..].split('>').next().unwrap();
            let (which, rest) = section.split_once('"').unwrap();
            assert_eq!(rest == " hidden", which != slug, "{name}: {which}");
        }
    }
}

#[test]
fn hostile_text_stays_text() {
    let hostile = "\"><script>alert('x')</script>&{{7*7}}";
    let return_to = ReturnTo::parse("/a?b=\"><img/src=x/onerror=alert(1)>'&c").unwrap();
    let html = QueuePage {
        title: hostile,
        message: Some(hostile),
        return_to: &return_to,
        ..QueuePage::sample(View::YourTurn {
            offer_expires_at: 0,
        })
    }
    .render()
    .html;
    well_formed(&html).unwrap();
    assert!(!html.contains("<script>") && !html.contains("<img"));
    assert_eq!(html.matches("<script").count(), 1);

    let html = ProblemPage {
        slug: hostile,
        title: hostile,
        help: hostile,
    }
    .render()
    .html;
    well_formed(&html).unwrap();
    assert!(!html.contains("<script"));
}

#[test]
fn every_way_out_keeps_where_the_visitor_wanted_to_go() {
    let return_to = ReturnTo::parse("/shoes?size=42").unwrap();
    let page = QueuePage {
        return_to: &return_to,
        ..QueuePage::sample(View::NotJoined)
    };
    let html = page.render().html;
    let field = "<input type=\"hidden\" name=\"return_to\" value=\"/shoes?size=42\">";
    assert_eq!(html.matches(field).count(), html.matches("<form ").count());
    for (form, action) in [("join", "ticket"), ("claim", "claim"), ("leave", "leave")] {
        let expected = format!("method=\"post\" action=\"/_wr/{action}/demo\"");
        assert!(tag(&html, form).contains(&expected), "{form}");
    }
}

#[test]
fn without_javascript_each_view_offers_its_step() {
    for (name, view) in View::samples() {
        let html = QueuePage::sample(view.clone()).render().html;
        let joins = matches!(
            name,
            "join" | "countdown-prequeue" | "left" | "expired" | "ended"
        );
        assert_eq!(seen(&html, "join"), joins, "{name}");
        assert_eq!(seen(&html, "claim"), name == "turn", "{name}");
        assert_eq!(seen(&html, "leave"), seen(&html, "ticket"), "{name}");
        assert_eq!(seen(&html, "place"), view.position().is_some(), "{name}");
    }
}

#[test]
fn a_page_without_javascript_asks_again_in_time() {
    let refresh = |view| QueuePage::sample(view).render().refresh_s;
    let countdown = |in_ms| View::Countdown {
        opens_at: Some(QueuePage::sample(View::NotJoined).server_time + in_ms),
        joinable: false,
    };
    assert_eq!(refresh(View::NotJoined), None);
    assert_eq!(refresh(View::Missed), Some(5));
    assert_eq!(refresh(countdown(600_000)), Some(5));
    assert_eq!(refresh(countdown(1_200)), Some(3));
    assert_eq!(refresh(countdown(0)), Some(2));
    let away = QueuePage::sample(View::Unavailable { retry_after_s: 9 }).render();
    assert_eq!((away.refresh_s, away.retry_after_s), (Some(9), Some(9)));
    let html = QueuePage::sample(View::Missed).render().html;
    // In noscript: a reload under the script would throw away what it knows.
    assert!(
        html.contains("<noscript><meta http-equiv=\"refresh\" content=\"5;url=/\"></noscript>")
    );
}

#[test]
fn the_static_page_holds_nothing_of_one_visitor() {
    let html = StaticPage::sample().render().html;
    assert_eq!(html, StaticPage::sample().render().html);
    assert!(html.contains(" data-static"));
    for personal in [
        "data-number",
        "data-epoch",
        "data-server-time",
        "http-equiv",
        "auto-join",
    ] {
        assert!(!html.contains(personal), "{personal}");
    }
}

#[test]
fn the_policy_forbids_what_the_pages_do_without() {
    assert!(CONTENT_SECURITY_POLICY.starts_with("default-src 'none'; script-src 'self'; "));
    assert!(!CONTENT_SECURITY_POLICY.contains("unsafe") && !CONTENT_SECURITY_POLICY.contains("  "));
}
