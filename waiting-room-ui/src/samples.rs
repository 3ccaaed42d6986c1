//! A sample of every page, so that each is rendered by a test and can be looked at.
//!
//! `cargo run -p waiting-room-ui --example samples -- DIR` writes them with their assets.

use std::sync::LazyLock;

use crate::{Estimate, Position, ProblemPage, QueuePage, ReturnTo, StaticPage, Stock, View};

const NOW: u64 = 1_777_658_400_000;
const STOCK: Stock = Stock {
    available: 40,
    held: 12,
    sold: 148,
    supplied: 200,
};

static HOME: LazyLock<ReturnTo> = LazyLock::new(ReturnTo::default);

impl View {
    /// One of each, and the variants that read differently, by name.
    pub fn samples() -> Vec<(&'static str, View)> {
        let place = |value, exact| Some(Position { value, exact });
        let waiting = |position, estimate: Option<(u64, u64)>, stock| View::Waiting {
            position,
            estimate: estimate.map(|(p50_s, p90_s)| Estimate { p50_s, p90_s }),
            stock,
        };
        let plenty = Stock {
            available: 180,
            held: 12,
            sold: 8,
            ..STOCK
        };
        let gone = Stock {
            available: 0,
            held: 0,
            sold: 200,
            ..STOCK
        };
        let in_baskets = Stock {
            available: 0,
            held: 4,
            sold: 196,
            ..STOCK
        };
        let opens_at = Some(NOW + 3 * 60_000 + 12_000);
        vec![
            ("join", View::NotJoined),
            (
                "countdown",
                View::Countdown {
                    opens_at,
                    joinable: false,
                },
            ),
            (
                "countdown-prequeue",
                View::Countdown {
                    opens_at,
                    joinable: true,
                },
            ),
            (
                "countdown-unset",
                View::Countdown {
                    opens_at: None,
                    joinable: false,
                },
            ),
            (
                "waiting",
                waiting(place(213, true), Some((280, 520)), Some(STOCK)),
            ),
            (
                "waiting-about",
                waiting(place(12_480, false), Some((9000, 12_600)), None),
            ),
            (
                "waiting-next",
                waiting(place(1, true), Some((2, 6)), Some(plenty)),
            ),
            ("waiting-drawn", waiting(None, None, Some(plenty))),
            (
                "turn",
                View::YourTurn {
                    offer_expires_at: NOW + 118_000,
                },
            ),
            ("missed", View::Missed),
            ("soldout", View::SoldOut { stock: gone }),
            ("soldout-baskets", View::SoldOut { stock: in_baskets }),
            (
                "paused",
                View::Paused {
                    position: place(213, true),
                },
            ),
            ("closed", View::Closed),
            ("toomany", View::TooMany { retry_after_s: 7 }),
            ("unavailable", View::Unavailable { retry_after_s: 5 }),
            ("left", View::Left),
            ("expired", View::Expired),
            ("ended", View::Ended),
        ]
    }

    fn has_no_ticket(&self) -> bool {
        matches!(
            self,
            Self::NotJoined | Self::Closed | Self::Countdown { joinable: true, .. }
        )
    }
}

impl QueuePage<'_> {
    /// The page of this view, with everything else as usual.
    pub fn sample(view: View) -> QueuePage<'static> {
        QueuePage {
            room: "demo",
            title: "Demo shop",
            message: None,
            return_to: &HOME,
            number: (!view.has_no_ticket()).then_some(1_560),
            epoch: 1,
            server_time: NOW,
            poll_after_ms: 5_000,
            auto_join: false,
            view,
        }
    }
}

impl StaticPage<'_> {
    /// The static page of the demo room.
    pub fn sample() -> StaticPage<'static> {
        StaticPage {
            room: "demo",
            title: "Demo shop",
            home: &HOME,
        }
    }
}

impl ProblemPage<'_> {
    /// The page of one problem type.
    pub fn sample() -> ProblemPage<'static> {
        ProblemPage {
            slug: "sold-out",
            title: "Sold out",
            help: "Nothing is left. Units come back when a basket is not paid for or an order is \
                   refunded.",
        }
    }
}

/// Every sample as a document, by name.
pub fn all() -> Vec<(&'static str, String)> {
    let mut pages: Vec<_> = View::samples()
        .into_iter()
        .map(|(name, view)| (name, QueuePage::sample(view).render().html))
        .collect();
    let message = QueuePage {
        message: Some("The shop opens ten minutes late tonight. Thank you for your patience."),
        ..QueuePage::sample(View::Paused { position: None })
    };
    pages.push(("message", message.render().html));
    pages.push(("static", StaticPage::sample().render().html));
    pages.push(("problem", ProblemPage::sample().render().html));
    pages
}
