//! How many requests one person or one address may send.

use serde::{Deserialize, Serialize};

/// The buckets. Each gateway counts for itself: N gateways let through N times as much at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Per person on `/_wr/` and the purchase prefix: against scripts that ask instead of waiting.
    /// Default: 10 a second, burst 50.
    pub personal: Rate,
    /// Per person on the shop's own pages, apart because a page is many assets: against one visitor
    /// who takes the capacity of many. Default: 50 a second, burst 200.
    pub shop: Rate,
    /// Per address prefix for requests without a valid visitor cookie, far above one household:
    /// against floods that never keep a cookie. Default: 2000 a second, burst 10 000.
    pub per_address: Rate,
    /// How many leading bits of an IPv6 address name one household. IPv4 is always the whole
    /// address. Default: 64.
    pub address_ipv6_prefix: u8,
    /// Most persons and addresses remembered at once, about 100 bytes each. Default: 200 000.
    pub remembered: usize,
}

/// A bucket that holds `burst` requests and is refilled at `per_second`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests a second in the long run.
    pub per_second: u32,
    /// Requests at once after a pause.
    pub burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            personal: Rate {
                per_second: 10,
                burst: 50,
            },
            shop: Rate {
                per_second: 50,
                burst: 200,
            },
            per_address: Rate {
                per_second: 2000,
                burst: 10_000,
            },
            address_ipv6_prefix: 64,
            remembered: 200_000,
        }
    }
}
