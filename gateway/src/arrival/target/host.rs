//! Which host a request is for: one answer from all the places that name it.

use http::{HeaderMap, HeaderName, Request, Version, header, uri::Authority};

use super::TargetError;

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The authority in lower case; empty for HTTP/1.0 without a `Host`.
pub(super) fn authority<B>(request: &Request<B>, trusted: bool) -> Result<String, TargetError> {
    let told = |value: &str| plain(value).ok_or(TargetError::new("host", "is not a host"));
    let from_header = single(request.headers(), &header::HOST)?
        .map(told)
        .transpose()?;
    let from_uri = request
        .uri()
        .authority()
        .map(|a| told(a.as_str()))
        .transpose()?;
    let direct = match (from_uri, from_header) {
        (Some(uri), Some(header))
            if without_port(&uri, request) != without_port(&header, request) =>
        {
            return Err(TargetError::new(
                "host",
                "differs between the Host header and the URL",
            ));
        }
        (Some(authority), _) | (None, Some(authority)) => authority,
        (None, None) if request.version() <= Version::HTTP_10 => String::new(),
        (None, None) => return Err(TargetError::new("host", "is missing")),
    };
    if trusted && let Some(forwarded) = request.headers().get_all(FORWARDED_HOST).iter().next_back()
    {
        let last = forwarded
            .to_str()
            .unwrap_or("?")
            .rsplit(',')
            .next()
            .unwrap_or("?");
        return told(last.trim());
    }
    Ok(direct)
}

/// `example.com:80` and `example.com` are the same place over plain http.
fn without_port<'a, B>(authority: &'a str, request: &Request<B>) -> &'a str {
    match request.uri().scheme_str() {
        Some("https") => authority.strip_suffix(":443").unwrap_or(authority),
        _ => authority.strip_suffix(":80").unwrap_or(authority),
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, TargetError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(TargetError::new("host", "is given more than once")),
        (Some(value), None) => value
            .to_str()
            .map(Some)
            .map_err(|_| TargetError::new("host", "is not a host")),
    }
}

/// A host with a port or without, in lower case. No user information, no stray characters.
fn plain(text: &str) -> Option<String> {
    let authority: Authority = text.parse().ok()?;
    let host = authority.host();
    let name = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let sound = match name {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.len() <= 253
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        }
    };
    let rest = &text[host.len().min(text.len())..];
    let port = rest.is_empty()
        || rest
            .strip_prefix(':')
            .is_some_and(|p| p.parse::<u16>().is_ok());
    (sound && port && text.starts_with(host)).then(|| text.to_ascii_lowercase())
}

/// The name in an authority: no port, no brackets, no trailing dot.
pub(super) fn name(authority: &str) -> &str {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => authority.split(':').next().unwrap_or(authority),
    };
    host.strip_suffix('.').unwrap_or(host)
}
