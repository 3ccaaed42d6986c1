//! One cut: a log of that length, a ledger, a start, and what must be true when it is open.

use std::{fs, net::SocketAddr, path::Path};

use lua::sale::{Reserved, State};

use super::{
    super::{ChaosError, stage::Redis},
    Recorded, copy_store,
    counter::{self, CONFIRMED_LAST, Counter, HELD, REFUNDED_LAST, RESERVED_LAST, SOLD, SUPPLIED},
};

/// Numbers of the persons who buy what is left.
const LATER: std::ops::Range<u8> = 100..140;

/// What is wrong; nothing if all is well.
pub(super) async fn judge(
    recorded: &Recorded,
    length: usize,
    ledger: usize,
    dir: &Path,
    redis: &Redis,
    address: SocketAddr,
) -> Result<Vec<String>, ChaosError> {
    copy_store(&recorded.stock, &dir.join("stock"), &recorded.log[..length])?;
    fs::copy(&recorded.ledgers[ledger], dir.join("ledger.sqlite"))?;
    let mut store = counter::start(redis, &dir.join("stock"), address).await?;
    let counter = Counter::open(&dir.join("ledger.sqlite"), address).await?;
    let recording = counter.record();
    // A ledger that has them brings all of them back, whatever the log lost.
    let done = |n: usize| ledger == 1 || length >= recorded.ends[n];
    let found = match looks_right(&counter, [done(0), done(1), done(2)], &recorded.answer).await {
        Ok(found) => found,
        Err(error) => vec![error.to_string()],
    };
    // Without waiting for its end: its server is killed under it.
    recording.stop.cancel();
    store.kill();
    Ok(found)
}

async fn looks_right(
    counter: &Counter,
    done: [bool; 3],
    answer: &str,
) -> Result<Vec<String>, ChaosError> {
    counter.reopened().await?;
    counter.run_dry().await?;
    let mut found = Vec::new();
    let [confirmed, refunded, reserved] = done;
    let expected = [
        (SOLD, Some(State::Sold), "confirmed"),
        (HELD, Some(State::Held), "held"),
        if confirmed {
            (CONFIRMED_LAST, Some(State::Sold), "confirmed")
        } else {
            (CONFIRMED_LAST, Some(State::Held), "held")
        },
        if refunded {
            (REFUNDED_LAST, Some(State::Refunded), "refunded")
        } else {
            (REFUNDED_LAST, Some(State::Sold), "confirmed")
        },
        if reserved {
            (RESERVED_LAST, Some(State::Held), "held")
        } else {
            (RESERVED_LAST, None, "")
        },
    ];
    for (n, in_stock, in_ledger) in expected {
        let looked = counter
            .desk
            .stock
            .look(&counter::id(n))
            .await
            .map_err(said)?;
        let state = looked.map(|looked| looked.reservation.state);
        if state != in_stock {
            found.push(format!(
                "reservation {n} is {state:?} in the stock and not {in_stock:?}"
            ));
        }
        let row = counter.ledger().hold(&counter::id(n)).await.map_err(said)?;
        let state = row.map_or(String::new(), |row| row.state);
        if state != in_ledger {
            found.push(format!(
                "reservation {n} is {state:?} in the ledger and not {in_ledger:?}"
            ));
        }
    }
    let again = counter.reserve(RESERVED_LAST, 1).await?;
    match &again {
        Reserved::Again(bytes) if reserved && bytes == answer => {}
        Reserved::New(_) if !reserved => {}
        other => found.push(format!("the key of the last hold was answered {other:?}")),
    }
    sell_out(counter, &mut found).await?;
    Ok(found)
}

/// Sells everything that is left: a unit that somebody has must not be among it.
async fn sell_out(counter: &Counter, found: &mut Vec<String>) -> Result<(), ChaosError> {
    for n in [CONFIRMED_LAST, RESERVED_LAST, HELD] {
        counter.confirm(n).await?;
    }
    for n in LATER {
        match counter.reserve(n, 1).await? {
            Reserved::New(_) => counter.confirm(n).await?,
            Reserved::SoldOut { .. } => break,
            other => return Err(ChaosError::Torn(format!("{other:?}"))),
        };
    }
    counter.run_dry().await?;
    let counts = counter.desk.stock.counts().await.map_err(said)?;
    for sku in counts.skus {
        let now = (sku.available, sku.held, sku.sold, sku.supplied);
        let supplied = u64::from(SUPPLIED);
        if now != (0, 0, supplied, supplied) {
            found.push(format!("after selling the rest there are {now:?}"));
        }
    }
    let sale = counter.desk.stock.id();
    for total in counter.ledger().totals(sale).await.map_err(said)? {
        if (total.held, total.sold) != (0, u64::from(SUPPLIED)) {
            let (held, sold) = (total.held, total.sold);
            found.push(format!(
                "the ledger has {held} held and {sold} sold of {SUPPLIED}"
            ));
        }
    }
    for letter in counter.ledger().dead_letters(sale).await.map_err(said)? {
        found.push(format!("set aside: {}", letter.reason));
    }
    Ok(())
}

fn said(error: impl std::fmt::Display) -> ChaosError {
    ChaosError::Torn(error.to_string())
}
