//! Forms of values that serde does not read the way people write them.

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error};

/// Networks, where a single address stands for itself: `10.0.0.7` is `10.0.0.7/32`.
pub(super) fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    Vec::<String>::deserialize(from)?
        .iter()
        .map(|text| {
            text.parse::<IpNet>()
                .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
                .map_err(|_| D::Error::custom(format!("{text:?} is not an address or a network")))
        })
        .collect()
}
