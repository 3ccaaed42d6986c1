//! The demo's flags, and the room and sale they make.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;

/// Flags of `demo`.
#[derive(Args, Clone)]
pub(crate) struct Options {
    /// How many visitors rush the shop; 0: none but you
    #[arg(long, default_value_t = 500, value_name = "N")]
    pub(super) visitors: u32,
    /// Units for sale, one for each person
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(super) stock: u64,
    /// Most visitors let in at once
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(super) batch: u64,
    /// Seconds between two releases
    #[arg(long, default_value = "2", value_name = "SECONDS", value_parser = seconds)]
    pub(super) every: Duration,
    /// Most visitors inside at once
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) capacity: u64,
    /// A countdown of so many seconds before the first may enter
    #[arg(long, default_value = "0", value_name = "SECONDS", value_parser = seconds)]
    pub(super) opens_in: Duration,
    /// Seconds a unit is held for somebody who does not pay
    #[arg(long, default_value = "20", value_name = "SECONDS", value_parser = seconds)]
    pub(super) hold_ttl: Duration,
    /// Gateways that share the visitors' address
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) gateways: u16,
    /// Stop after the crowd, with exit code 1 if a promise was broken
    #[arg(long)]
    pub(super) exit: bool,
    /// Write the report as JSON to FILE, and as a page to FILE.html
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Keep everything in DIR and go on with it next time; otherwise it goes with the demo
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// The visitors' address
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub(super) listen: SocketAddr,
    /// The operators' address
    #[arg(long, default_value = "127.0.0.1:9080", value_name = "ADDR")]
    pub(super) operator: SocketAddr,
    /// The operators' bearer token; otherwise one is made and its file named
    #[arg(long, value_name = "FILE")]
    pub(super) operator_token_file: Option<PathBuf>,
}

/// Whole seconds or parts of one: `2`, `0.5`.
fn seconds(text: &str) -> Result<Duration, String> {
    text.parse::<f64>()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|duration| *duration <= Duration::from_hours(24))
        .ok_or_else(|| "must be a number of seconds from 0 to 86400".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_as_people_write_them() {
        assert_eq!(seconds("2"), Ok(Duration::from_secs(2)));
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["", "-1", "2s", "inf", "NaN", "1e9"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
