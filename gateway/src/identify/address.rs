//! The client's address and scheme behind trusted proxies.

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use super::Scheme;

pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Hops looked at; a longer list is not one that our proxies wrote.
const MOST_HOPS: usize = 32;

/// Whether `peer` is one of the proxies whose forwarded headers are believed.
pub(crate) fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|network| network.contains(&peer))
}

/// The client's address, and whether the peer's forwarded headers are believed.
///
/// `X-Forwarded-For` grows to the right, one hop per proxy, so everything left of the first address
/// that is not our proxy's was written by whoever sits there and proves nothing.
pub(super) fn client(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    trusted: &[IpNet],
) -> (IpAddr, bool) {
    let Some(peer) = peer.map(|peer| peer.to_canonical()) else {
        return (IpAddr::V4(Ipv4Addr::UNSPECIFIED), false);
    };
    if !is_trusted(peer, trusted) {
        return (peer, false);
    }
    let mut client = peer;
    let hops = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .rev()
        .flat_map(|value| value.to_str().unwrap_or("?").rsplit(','))
        .take(MOST_HOPS);
    for hop in hops {
        // Not an address: the proxy that passed it on is the last one known.
        let Some(address) = parse_hop(hop.trim()) else {
            break;
        };
        client = address;
        if !is_trusted(client, trusted) {
            break;
        }
    }
    (client, true)
}

/// An address, in brackets and with a port or without.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    hop.parse()
        .or_else(|_| {
            hop.parse::<std::net::SocketAddr>()
                .map(|socket| socket.ip())
        })
        .or_else(|_| hop.trim_start_matches('[').trim_end_matches(']').parse())
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}

/// The scheme as a trusted proxy tells it: the last word is the nearest proxy's.
pub(super) fn scheme(headers: &HeaderMap, trusted: bool) -> Scheme {
    let told = headers
        .get_all(FORWARDED_PROTO)
        .iter()
        .next_back()
        .filter(|_| trusted)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit(',').next());
    match told.map(str::trim) {
        Some(proto) if proto.eq_ignore_ascii_case("https") => Scheme::Https,
        _ => Scheme::Http,
    }
}
