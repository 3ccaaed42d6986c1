//! Compares ledger, stock store and stream, says what differs, and has it repaired.
//!
//! [`books`] is what should be, by the ledger; [`compare`] holds it against a picture of the stock
//! store, row by row. The active recorder does so before a sale may open again; an audit does so
//! while it sells, and looks at the ledger's own tables and at what the stream has besides. An audit
//! itself writes nothing but a mark: whoever holds the sale's lease repairs.

use std::{sync::Arc, time::Duration};

use lua::sale::{Fence, SaleError};
use tokio::time::Instant;

use crate::{Purchase, recorder, role::Desk};

pub mod books;
pub mod compare;
pub mod difference;
pub mod look;
pub mod overlay;
pub mod reconcile;
mod report;

pub use books::{Booked, Books, Contradiction, Supply};
pub use compare::{Moved, Terms, compare};
pub use difference::{Difference, Kind, Remedy};
pub use look::{Look, LookError, look};
pub use report::Audited;

/// How the mark begins that asks whoever records for a repair of both sides.
pub const ASKED: &str = "audit";
/// How often a repair is asked for: a sale that was lost in part is rebuilt before its ledger is
/// looked at.
const ROUNDS: usize = 3;
/// How long one repair may take.
const PATIENCE: Duration = Duration::from_mins(1);
const AGAIN: Duration = Duration::from_millis(50);

/// Looks at one sale and, if so asked, has what has one right answer settled.
pub async fn audit(
    purchase: &Purchase,
    desk: &Arc<Desk>,
    repair: bool,
) -> Result<Audited, LookError> {
    let first = look(purchase.ledger(), desk).await?;
    let mut audited = Audited::of(desk, &first);
    if !repair {
        return Ok(audited);
    }
    // What has to be paid back has to go from the stock store as well.
    let settles = |found: &Difference| found.remedy != Remedy::Look;
    let mut left = first.differences;
    for _ in 0..ROUNDS {
        if !left.iter().any(settles) {
            break;
        }
        ask(purchase, desk).await?;
        let before = left;
        left = look(purchase.ledger(), desk).await?.differences;
        if left == before {
            // What a repair cannot settle: closing the sale again would not either.
            break;
        }
    }
    audited.repaired(left);
    Ok(audited)
}

/// Closes the sale with a mark and waits until it is open again: repaired by the active recorder,
/// or here if nobody records.
async fn ask(purchase: &Purchase, desk: &Arc<Desk>) -> Result<(), SaleError> {
    let name = uuid::Uuid::now_v7().simple().to_string();
    desk.stock.mark_broken(&format!("{ASKED} {name}")).await?;
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if desk.stock.fence().await? == Fence::Open {
            break;
        }
        recorder::repair_if_nobody_records(purchase, desk, &name).await;
        tokio::time::sleep(AGAIN).await;
    }
    Ok(())
}
