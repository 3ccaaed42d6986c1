//! A visitor's cookies: enough of RFC 6265 for one host over one scheme.

use http::{HeaderMap, header::SET_COOKIE};

/// Cookies in the order first set. A handful, so a list is quicker than a map.
#[derive(Debug, Clone, Default)]
pub(super) struct Jar(Vec<(String, String)>);

impl Jar {
    /// Takes over every `Set-Cookie`; one without life left removes its cookie.
    pub(super) fn store(&mut self, headers: &HeaderMap) {
        for (name, value, alive) in set_cookies(headers) {
            self.0.retain(|(known, _)| known != name);
            if alive {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// The `Cookie` header, or `None` when there is nothing to send.
    pub(super) fn header(&self) -> Option<String> {
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The value of a cookie of ours, whichever name the scheme gives it.
    pub(super) fn ours(&self, name: &str) -> Option<&str> {
        let hit = |known: &str| known == name || known.strip_prefix("__Host-") == Some(name);
        self.0
            .iter()
            .find(|(known, _)| hit(known))
            .map(|(_, value)| value.as_str())
    }

    /// The same cookies with one of ours replaced or added.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let mut jar = self.clone();
        jar.0.retain(|(known, _)| known != name);
        jar.0.push((name.to_owned(), value.to_owned()));
        jar
    }
}

/// Name, value and whether it is to be kept, of every `Set-Cookie` that can be read.
pub(super) fn set_cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str, bool)> {
    headers.get_all(SET_COOKIE).iter().filter_map(|header| {
        let mut parts = header.to_str().ok()?.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let ends_now = parts.any(|attribute| {
            attribute.split_once('=').is_some_and(|(key, age)| {
                key.trim().eq_ignore_ascii_case("max-age")
                    && age.trim().parse::<i64>().is_ok_and(|seconds| seconds <= 0)
            })
        });
        Some((
            name.trim(),
            value.trim(),
            !ends_now && !value.trim().is_empty(),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SET_COOKIE, http::HeaderValue::from_static(line));
        }
        headers
    }

    #[test]
    fn a_cookie_is_kept_replaced_and_dropped_as_told() {
        let mut jar = Jar::default();
        assert_eq!(jar.header(), None);
        jar.store(&told(&[
            "wr-visitor=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=99",
            "__Host-wr-pass-demo=x.y=; Secure",
            "broken",
        ]));
        assert_eq!(
            jar.header().as_deref(),
            Some("wr-visitor=abc; __Host-wr-pass-demo=x.y=")
        );
        assert_eq!(jar.ours("wr-pass-demo"), Some("x.y="));
        jar.store(&told(&[
            "wr-visitor=def",
            "__Host-wr-pass-demo=; Max-Age=0",
        ]));
        assert_eq!(jar.header().as_deref(), Some("wr-visitor=def"));
        assert_eq!(jar.ours("wr-pass-demo"), None);
    }

    #[test]
    fn a_borrowed_cookie_does_not_change_the_jar() {
        let mut jar = Jar::default();
        jar.store(&told(&["wr-visitor=me"]));
        let other = jar.with("wr-pass-demo", "stolen");
        assert_eq!(
            other.header().as_deref(),
            Some("wr-visitor=me; wr-pass-demo=stolen")
        );
        assert_eq!(jar.header().as_deref(), Some("wr-visitor=me"));
    }
}
