//! Times, numbers and odds in plain words.
//!
//! Honest before exact: a wait is a range, rounded up, and odds are said while there is time to
//! act on them. The script says the same words when the figures move without a reload;
//! `browser/words.json` is the table both are tested against.

use crate::{Estimate, Stock};

/// `12,345`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The wait as a range: `About 5 to 9 minutes`.
pub fn wait(estimate: Estimate) -> String {
    let (from, to) = (
        round(estimate.p50_s),
        round(estimate.p90_s.max(estimate.p50_s)),
    );
    if estimate.p90_s < 60 && estimate.p50_s < 60 {
        "Less than a minute".to_owned()
    } else if estimate.p50_s < 60 {
        format!("Up to {}", span(to))
    } else if from == to {
        format!("About {}", span(to))
    } else if (from > 120) == (to > 120) {
        format!(
            "About {} to {}",
            span(from).split(' ').next().unwrap_or_default(),
            span(to)
        )
    } else {
        format!("About {} to {}", span(from), span(to))
    }
}

/// Whole minutes, rounded up: in steps of five from twenty on, in hours from two on.
fn round(seconds: u64) -> u64 {
    match seconds.div_ceil(60) {
        minutes @ 0..=20 => minutes,
        minutes @ 21..=120 => minutes.next_multiple_of(5),
        minutes => minutes.next_multiple_of(60),
    }
}

fn span(minutes: u64) -> String {
    match minutes {
        0 | 1 => "1 minute".to_owned(),
        2..=120 => format!("{minutes} minutes"),
        _ => format!("{} hours", minutes / 60),
    }
}

/// What is left for how many: `212 ahead of you, 40 left.`
pub fn odds(ahead: u64, stock: Stock) -> String {
    let first = match (ahead, stock.available) {
        (_, 0) if stock.held > 0 => {
            return format!(
                "None left right now. {} in other people’s baskets may come back.",
                thousands(stock.held)
            );
        }
        (_, 0) => return "None left.".to_owned(),
        (0, left) => format!("Nobody ahead of you, {} left.", thousands(left)),
        (_, left) => format!(
            "{} ahead of you, {} left.",
            thousands(ahead),
            thousands(left)
        ),
    };
    if ahead >= stock.available + stock.held {
        format!("{first} They may be gone before your turn.")
    } else {
        first
    }
}

/// What "sold out" means just now.
pub fn sold_out(stock: Stock) -> String {
    match stock.held {
        0 => format!(
            "All {} are sold. Staying in line helps only if an order is refunded.",
            thousands(stock.supplied)
        ),
        held => format!(
            "{} in other people’s baskets may come back. What is not paid for goes to the next \
             in line.",
            thousands(held)
        ),
    }
}

/// A countdown: `4:05`, `3:04:05`, `2 d 03:04:05`.
pub fn clock(left_ms: u64) -> String {
    let seconds = left_ms.div_ceil(1000);
    let (days, h, m, s) = (
        seconds / 86_400,
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
    );
    match (days, h) {
        (0, 0) => format!("{m}:{s:02}"),
        (0, _) => format!("{h}:{m:02}:{s:02}"),
        _ => format!("{days} d {h:02}:{m:02}:{s:02}"),
    }
}

/// `10 seconds`, `2 minutes`.
pub fn pause(seconds: u32) -> String {
    match seconds {
        0 | 1 => "1 second".to_owned(),
        2..=119 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

/// A moment for people without a script to say it in their own zone: `2026-05-01 18:00 UTC`, and
/// for `<time datetime>`: `2026-05-01T18:00:00Z`.
pub fn moment(unix_ms: u64) -> (String, String) {
    let seconds = unix_ms / 1000;
    let (y, mo, d) = civil(seconds / 86_400);
    let (h, mi, s) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    (
        format!("{y:04}-{mo:02}-{d:02} {h:02}:{mi:02} UTC"),
        format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}Z"),
    )
}

/// Days since 1970 as year, month, day: `civil_from_days` of Howard Hinnant's "chrono-Compatible
/// Low-Level Date Algorithms", for days after the epoch only.
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_and_the_page_say_the_same() {
        let table: serde_json::Value =
            serde_json::from_str(include_str!("../browser/words.json")).unwrap();
        let rows = |name: &str| table[name].as_array().unwrap().clone();
        let n = |row: &serde_json::Value, i: usize| row[i].as_u64().unwrap();
        for row in rows("wait") {
            let estimate = Estimate {
                p50_s: n(&row, 0),
                p90_s: n(&row, 1),
            };
            assert_eq!(wait(estimate), row[2], "{row}");
        }
        for row in rows("odds") {
            let (available, held) = (n(&row, 1), n(&row, 2));
            let stock = Stock {
                available,
                held,
                sold: 0,
                supplied: available + held,
            };
            assert_eq!(odds(n(&row, 0), stock), row[3], "{row}");
        }
        for row in rows("sold_out") {
            let (held, supplied) = (n(&row, 0), n(&row, 1));
            let stock = Stock {
                available: 0,
                held,
                sold: supplied - held,
                supplied,
            };
            assert_eq!(sold_out(stock), row[2], "{row}");
        }
        for row in rows("clock") {
            assert_eq!(clock(n(&row, 0)), row[1], "{row}");
        }
        for row in rows("thousands") {
            assert_eq!(thousands(n(&row, 0)), row[1], "{row}");
        }
    }

    #[test]
    fn a_moment_is_a_date_of_the_calendar() {
        assert_eq!(moment(0).1, "1970-01-01T00:00:00Z");
        assert_eq!(moment(951_782_400_000).1, "2000-02-29T00:00:00Z");
        assert_eq!(moment(1_700_000_000_000).0, "2023-11-14 22:13 UTC");
        assert_eq!(moment(4_107_542_400_000).1, "2100-03-01T00:00:00Z");
    }
}
