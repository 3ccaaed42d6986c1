//! Compares ledger, stock store and stream, and says what differs.
//!
//! [`books`] is what should be, by the ledger; [`compare`] holds it against a picture of the stock
//! store, row by row. The active recorder does so before a sale may open again; an audit does so
//! while it sells, and looks at the ledger's own tables and at what the stream has besides.

pub mod books;
pub mod compare;
pub mod difference;
pub mod look;
pub mod overlay;
pub mod reconcile;

pub use books::{Booked, Books, Contradiction, Supply};
pub use compare::{Moved, Terms, compare};
pub use difference::{Difference, Kind, Remedy};
pub use look::{Look, LookError, look};

/// How the mark begins that asks the active recorder for a repair of both sides.
pub const ASKED: &str = "audit";
