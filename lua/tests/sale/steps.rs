//! What may happen to a sale, at random: few persons, few units, few keys, so that they collide.

use lua::keys::MARKER;
use proptest::{
    collection::vec,
    prelude::{Just, Strategy},
    prop_oneof,
};

use super::calls::{Call, Wish};

pub(crate) const PERSONS: [&str; 3] = ["ann", "bob", "cid"];
/// Names that are each other's beginning, and sort around the separator.
pub(crate) const SKUS: [&str; 3] = ["unit", "unit-2", "unitx"];

/// One thing that happens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Reserve {
        person: usize,
        sku: usize,
        quantity: u32,
        hold_ms: i64,
        /// Of a few that come again, or one of its own.
        key: Option<u8>,
        body: u8,
        /// With an id that was given before.
        old_id: bool,
    },
    Confirm(Which, By, u8),
    Cancel(Which, By),
    Refund(Which),
    Look(Which),
    Supply {
        sku: usize,
        supplied: u32,
        limit: u32,
        seed: bool,
    },
    Sweep {
        most: u32,
        keep_ms: i64,
    },
    /// The clock moves, also back.
    Pass(i64),
    /// Another server process answers from here on.
    Restart,
    /// Somebody finds that it cannot be as it is.
    Break(u8),
    Reopen(Compared),
    Feed,
    /// Reserving, by some at the same moment.
    Together(Vec<Step>),
}

/// Under what a recorder compared the sale before it opens it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Compared {
    Rightly,
    OtherProcess,
    OtherReason,
}

/// How many reservations back.
pub(crate) type Which = usize;
/// No reservation.
const NONE: Which = 1_000;
/// The member that is in every collection and is no reservation.
const MARK: Which = 1_001;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    Owner,
    Person(usize),
    Shop,
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![8 => 0..4usize, 2 => 4..12usize, 1 => Just(NONE), 1 => Just(MARK)]
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![
        5 => Just(By::Owner),
        1 => (0..PERSONS.len()).prop_map(By::Person),
        2 => Just(By::Shop),
    ]
}

fn sku() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0), 2 => Just(1), 1 => Just(2)]
}

fn reserve() -> impl Strategy<Value = Step> {
    let key = prop_oneof![5 => Just(None), 2 => (0..3u8).prop_map(Some)];
    let hold_ms = prop_oneof![Just(1_000), Just(2_500), Just(30_000)];
    let old_id = prop_oneof![30 => Just(false), 1 => Just(true)];
    (
        0..PERSONS.len(),
        sku(),
        1..4u32,
        hold_ms,
        key,
        0..2u8,
        old_id,
    )
        .prop_map(
            |(person, sku, quantity, hold_ms, key, body, old_id)| Step::Reserve {
                person,
                sku,
                quantity,
                hold_ms,
                key,
                body,
                old_id,
            },
        )
}

pub(crate) fn supply() -> impl Strategy<Value = Step> {
    let seed = prop_oneof![3 => Just(false), 1 => Just(true)];
    (sku(), 0..9u32, 1..5u32, seed).prop_map(|(sku, supplied, limit, seed)| Step::Supply {
        sku,
        supplied,
        limit,
        seed,
    })
}

fn sweep() -> impl Strategy<Value = Step> {
    let keep_ms = prop_oneof![3 => Just(3_600_000), 1 => 0..4_000i64];
    let most = prop_oneof![1 => 1..3u32, 2 => Just(100)];
    (most, keep_ms).prop_map(|(most, keep_ms)| Step::Sweep { most, keep_ms })
}

fn pass() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => 0..1_500i64,
        2 => 1_500..5_000i64,
        1 => -1_500..0i64,
        1 => Just(5_000),
        1 => Just(5_001),
        1 => Just(-5_001),
        1 => 5_000..4_000_000i64,
        1 => -4_000_000..-5_000i64,
    ]
    .prop_map(Step::Pass)
}

fn compared() -> impl Strategy<Value = Compared> {
    prop_oneof![
        4 => Just(Compared::Rightly),
        1 => Just(Compared::OtherProcess),
        1 => Just(Compared::OtherReason),
    ]
}

/// How many do the same thing at once: a client that repeats, another sweeper, another recorder.
pub(crate) fn callers() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(1), 1 => Just(2), 1 => Just(3)]
}

/// Anything.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => reserve(),
        4 => vec(reserve(), 2..8).prop_map(Step::Together),
        6 => (which(), by(), 0..2u8).prop_map(|(which, by, pay)| Step::Confirm(which, by, pay)),
        4 => (which(), by()).prop_map(|(which, by)| Step::Cancel(which, by)),
        3 => which().prop_map(Step::Refund),
        1 => which().prop_map(Step::Look),
        2 => supply(),
        5 => sweep(),
        6 => pass(),
        1 => Just(Step::Restart),
        1 => (0..2u8).prop_map(Step::Break),
        4 => compared().prop_map(Step::Reopen),
        2 => Just(Step::Feed),
    ]
}

/// Anything that leaves its trace in the stream if it changes something; times are short, because a
/// call takes a millisecond there.
pub(crate) fn step_at_once() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => reserve(),
        6 => (which(), by(), 0..2u8).prop_map(|(which, by, pay)| Step::Confirm(which, by, pay)),
        4 => (which(), by()).prop_map(|(which, by)| Step::Cancel(which, by)),
        3 => which().prop_map(Step::Refund),
        1 => which().prop_map(Step::Look),
        1 => supply(),
        4 => sweep(),
    ]
    .prop_map(|mut step| {
        match &mut step {
            Step::Reserve {
                hold_ms, old_id, ..
            } => (*hold_ms, *old_id) = (*hold_ms / 50, false),
            Step::Sweep { keep_ms, .. } => *keep_ms = 3_600_000,
            _ => {}
        }
        step
    })
}

/// The reservations that were asked for, oldest first, and whose they are.
pub(crate) type Asked = Vec<(String, &'static str)>;

impl Step {
    /// The call it is, if it is one; a new reservation is noted in `asked`.
    pub(crate) fn call(&self, asked: &mut Asked) -> Option<Call> {
        let find = |which: &Which| {
            let at = asked.len().checked_sub(which + 1);
            let none = if *which == MARK { MARKER } else { "r.none" };
            at.map_or((none.to_owned(), PERSONS[0]), |at| asked[at].clone())
        };
        let person = |by: &By, owner| match by {
            By::Owner => Some(owner),
            By::Person(n) => Some(PERSONS[*n]),
            By::Shop => None,
        };
        Some(match self {
            Self::Reserve {
                person,
                sku,
                quantity,
                hold_ms,
                key,
                body,
                old_id,
            } => {
                let new = format!("r.{}", asked.len() + 1);
                let key = key.map_or_else(|| format!("own-{new}"), |key| format!("key-{key}"));
                let id = if *old_id { find(&0).0 } else { new };
                if !old_id {
                    asked.push((id.clone(), PERSONS[*person]));
                }
                Call::Reserve(Wish {
                    id,
                    person: PERSONS[*person],
                    sku: SKUS[*sku],
                    quantity: *quantity,
                    hold_ms: *hold_ms,
                    key,
                    body: format!("body-{body}"),
                })
            }
            Self::Confirm(which, by, payment) => {
                let (id, owner) = find(which);
                Call::Confirm {
                    id,
                    person: person(by, owner),
                    payment: format!("pay-{payment}"),
                }
            }
            Self::Cancel(which, by) => {
                let (id, owner) = find(which);
                Call::Cancel {
                    id,
                    person: person(by, owner),
                }
            }
            Self::Refund(which) => Call::Refund { id: find(which).0 },
            Self::Look(which) => Call::Look { id: find(which).0 },
            Self::Supply {
                sku,
                supplied,
                limit,
                seed,
            } => Call::Supply {
                sku: SKUS[*sku],
                supplied: *supplied,
                limit: *limit,
                seed: *seed,
            },
            Self::Sweep { most, keep_ms } => Call::Sweep {
                most: *most,
                keep_ms: *keep_ms,
            },
            Self::Pass(_)
            | Self::Restart
            | Self::Break(_)
            | Self::Reopen(_)
            | Self::Feed
            | Self::Together(_) => return None,
        })
    }
}
