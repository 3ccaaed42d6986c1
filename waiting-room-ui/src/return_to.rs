//! Where a visitor goes after the waiting room: a path on this site, nothing else.
//!
//! `return_to` comes from forms and query strings, that is, from anybody. What passes here starts
//! with exactly one slash and holds nothing that a browser rewrites into another authority
//! (backslashes, control characters). The script repeats the rule (`safePath` in `room.js`).

use std::fmt;

const LONGEST: usize = 2048;

/// A same-site absolute path, with its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// `None` for anything but a same-site absolute path outside the waiting room itself.
    ///
    /// A path under `/_wr/` is refused too: coming back to the waiting room after the waiting room
    /// would be a circle, and a link must not be able to make somebody call our interface.
    pub fn parse(raw: &str) -> Option<Self> {
        let rest = raw.strip_prefix('/')?;
        let plain = raw
            .chars()
            .all(|c| !c.is_control() && c != '\\' && c != ' ');
        let own = raw == "/_wr" || raw.starts_with("/_wr/") || raw.starts_with("/_wr?");
        (plain && !own && !rest.starts_with('/') && raw.len() <= LONGEST)
            .then(|| Self(raw.split('#').next().unwrap_or("/").to_owned()))
    }

    /// The path, or `home` where there is none to trust.
    pub fn or(raw: Option<&str>, home: &Self) -> Self {
        raw.and_then(Self::parse).unwrap_or_else(|| home.clone())
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ReturnTo {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ReturnTo;

    #[test]
    fn a_path_of_this_site_is_kept_with_its_query() {
        for path in ["/", "/shop/shoes?size=42&b=%20", "/ü", "/a:b@c", "/_wrong"] {
            assert_eq!(ReturnTo::parse(path).unwrap().as_str(), path);
        }
        assert_eq!(ReturnTo::parse("/a#part").unwrap().as_str(), "/a");
    }

    #[test]
    fn nobody_is_sent_to_another_site() {
        let long = format!("/{}", "a".repeat(3000));
        for bad in [
            "",
            "shop",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x=1",
            "https://evil.example/",
            "javascript:alert(1)",
            " /a",
            "/a b",
            "/_wr/leave/demo",
            "/_wr",
            &long,
        ] {
            assert_eq!(ReturnTo::parse(bad), None, "{bad:?}");
        }
    }
}
