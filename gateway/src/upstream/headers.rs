//! Which headers go through, in either direction.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{Command, command};
use crate::{
    arrival::{Peer, Target},
    identify::{Caller, Credential, ENTRY_PASS, bearer, credential, is_ours},
};

/// Headers about one connection and not about the message, beside those `Connection` names.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Headers by which a client could tell the upstream another target, address or host than the one
/// that was judged.
const ONLY_OURS_TO_SAY: [HeaderName; 10] = [
    HeaderName::from_static(ENTRY_PASS),
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-prefix"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-rewrite-url"),
];

/// Removes what must not go on to an upstream.
pub(super) fn clean_request(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    for name in &ONLY_OURS_TO_SAY {
        headers.remove(name);
    }
    remove_namesakes(headers);
    // hyper has said "100 continue" to the visitor by itself, and does not wait for the upstream's.
    headers.remove(header::EXPECT);
    remove_our_cookies(headers);
    remove_our_bearers(headers);
}

/// Says what we know of the visitor: `X-Forwarded-For` holds the address that was judged and, behind
/// a trusted proxy, that proxy's; nothing that a stranger wrote.
pub(super) fn vouch(
    headers: &mut HeaderMap,
    caller: Option<&Caller>,
    target: Option<&Target>,
    peer: Option<Peer>,
) {
    let peer: Option<IpAddr> = peer.map(|peer| peer.0.ip().to_canonical());
    if let Some(caller) = caller {
        let chain = match peer.filter(|peer| caller.behind_proxy && *peer != caller.address) {
            Some(peer) => format!("{}, {peer}", caller.address),
            None => caller.address.to_string(),
        };
        put(headers, "x-forwarded-for", &chain);
        put(headers, "x-real-ip", &caller.address.to_string());
        put(headers, "x-forwarded-proto", caller.scheme.as_str());
    } else if let Some(peer) = peer {
        put(headers, "x-forwarded-for", &peer.to_string());
    }
    match target.filter(|target| !target.authority.is_empty()) {
        Some(target) => {
            put(headers, "host", &target.authority);
            put(headers, "x-forwarded-host", &target.authority);
        }
        // The client fills in the upstream's own name.
        None => drop(headers.remove(header::HOST)),
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Removes what must not go on to the visitor; returns the command it held.
pub(super) fn clean_response(headers: &mut HeaderMap) -> Option<Command> {
    remove_hop_by_hop(headers);
    headers.remove(ENTRY_PASS);
    remove_values(headers, &header::SET_COOKIE, |value| {
        let name = value.split(|b| *b == b'=').next().unwrap_or(value);
        is_ours(&String::from_utf8_lossy(name.trim_ascii()))
    });
    command::take(headers)
}

/// Asks the upstream for a `WebSocket`, the only protocol tunnelled: `h2c`, for one, would let later
/// requests on the connection pass unjudged.
pub(super) fn ask_upgrade(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

/// The answer that switches protocols.
pub(super) fn of_upgrade<B>(mut response: http::Response<B>) -> http::Response<B> {
    let _command = clean_response(response.headers_mut());
    response.extensions_mut().clear();
    ask_upgrade(response.headers_mut());
    response
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Shops behind CGI, WSGI or PHP read `X_Entry_Pass` as `X-Entry-Pass`, and may take the stranger's.
fn remove_namesakes(headers: &mut HeaderMap) {
    let namesakes: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().contains('_'))
        .filter(|name| {
            let read_as = name.as_str().replace('_', "-");
            ONLY_OURS_TO_SAY.iter().any(|ours| ours.as_str() == read_as)
        })
        .cloned()
        .collect();
    for name in namesakes {
        headers.remove(name);
    }
}

/// Every cookie line becomes one (HTTP/2 clients send a line per cookie), without ours.
fn remove_our_cookies(headers: &mut HeaderMap) {
    if !headers.contains_key(header::COOKIE) {
        return;
    }
    let foreign: Vec<&[u8]> = headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b';'))
        .map(<[u8]>::trim_ascii)
        .filter(|pair| {
            let name = pair.split(|b| *b == b'=').next().unwrap_or(pair);
            !pair.is_empty() && !is_ours(&String::from_utf8_lossy(name.trim_ascii()))
        })
        .collect();
    let line = HeaderValue::from_bytes(&foreign.join(&b"; "[..]));
    match line {
        Ok(line) if !line.is_empty() => drop(headers.insert(header::COOKIE, line)),
        _ => drop(headers.remove(header::COOKIE)),
    }
}

fn remove_our_bearers(headers: &mut HeaderMap) {
    remove_values(headers, &header::AUTHORIZATION, |value| {
        HeaderValue::from_bytes(value)
            .ok()
            .as_ref()
            .and_then(bearer)
            .is_some_and(|token| credential(token) != Credential::Foreign)
    });
}

/// Removes the values of one header that `unwanted` picks.
fn remove_values(headers: &mut HeaderMap, name: &HeaderName, unwanted: impl Fn(&[u8]) -> bool) {
    if !headers
        .get_all(name)
        .iter()
        .any(|value| unwanted(value.as_bytes()))
    {
        return;
    }
    let kept: Vec<HeaderValue> = headers
        .get_all(name)
        .iter()
        .filter(|value| !unwanted(value.as_bytes()))
        .cloned()
        .collect();
    headers.remove(name);
    for value in kept {
        headers.append(name, value);
    }
}

#[cfg(test)]
mod tests;
