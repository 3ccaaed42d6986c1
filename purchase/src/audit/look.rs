//! One look at everything: the ledger, what was set aside, the stream, the stock store.
//!
//! Works on a sale that is selling. The ledger is read as of one moment; figures, state and last event
//! of the stock store as of one later moment; the events between the two come from the stream, and
//! whatever moved after that is not judged. So nothing that only was under way is ever reported.

use std::collections::HashSet;

use lua::sale::{EventId, Fence, Picture, RawEvent, SaleError, StockEvent};

use super::{
    Books, Difference, Kind, Moved, Terms, compare,
    overlay::{recorded, set_aside as set_aside_events, unrecorded},
    reconcile::reconcile,
};
use crate::{
    ledger::{Ledger, LedgerError, Mend, SetAside},
    role::Desk,
};

/// Before every event.
const NOTHING: EventId = EventId { ms: 0, seq: 0 };

/// How old an event must be before it counts as unrecorded: recorders change hands within seconds.
const GRACE_MS: u64 = 10_000;
/// How close to its end an idempotency key may be gone already.
const KEY_SLACK_MS: u64 = 60_000;

/// It was not possible to look.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The stock store.
    #[error("the stock store: {0}")]
    Stock(#[from] SaleError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Look {
    /// Whether the stock store or the ledger knows the sale.
    pub known: bool,
    /// What should be.
    pub books: Books,
    /// Every difference.
    pub differences: Vec<Difference>,
    /// What puts the ledger right.
    pub mend: Mend,
    /// How many reservations were looked at.
    pub reservations: usize,
    /// How many moved meanwhile and were not judged.
    pub moved: usize,
}

/// Looks at one sale.
pub async fn look(ledger: &Ledger, desk: &Desk) -> Result<Look, LookError> {
    let sale = desk.stock.id();
    let fence = desk.stock.fence().await?;
    let tables = ledger.books(sale, 0, true).await?;
    let known: HashSet<EventId> = tables.entries.iter().map(|event| event.id).collect();
    let SetAside {
        waiting: letters,
        discarded,
    } = &tables.set_aside;
    // While keys are missing there is nothing to compare with; the ledger and the stream are there.
    let picture = match &fence {
        Fence::Missing { .. } => None,
        _ => Some(desk.stock.picture().await?),
    };
    let mut raw = match &fence {
        Fence::Missing { keys, .. } if keys.contains(&"events") => Vec::new(),
        _ => desk.stock.events_between(NOTHING, None).await?,
    };
    let set_aside: HashSet<EventId> = letters.iter().map(|letter| letter.event_id).collect();
    raw.retain(|(id, _)| !known.contains(id) && !set_aside.contains(id) && !discarded.contains(id));
    let last = picture.as_ref().map(|picture| picture.instant.last);
    let (before, after): (Vec<&RawEvent>, Vec<&RawEvent>) = raw
        .iter()
        .partition(|(id, _)| last.is_none_or(|last| last.is_some_and(|last| *id <= last)));

    let mut result = reconcile(&tables, picture.as_ref());
    let late = unrecorded(&mut result, &before);
    let ids: Vec<EventId> = late.iter().map(|(id, _)| *id).collect();
    let recorded = recorded(ledger, sale, &ids).await?;
    let now = picture.as_ref().map_or(0, |picture| picture.instant.now);
    let old = |id: &EventId| fence != Fence::Open || id.ms + GRACE_MS < now;
    let late = late
        .into_iter()
        .filter(|(id, _)| !recorded.contains(id) && old(id));
    let mut differences = std::mem::take(&mut result.differences);
    differences.extend(late.map(|(_, difference)| difference));
    differences.extend(set_aside_events(&mut result.books, letters));
    differences.extend(closed(&fence, &result.books));
    if let Some(picture) = &picture {
        let terms = Terms {
            keep_ms: desk.config.idempotency_ttl.as_millis() as u64,
            open: fence == Fence::Open,
            moved: moved(&after),
        };
        differences.extend(compare(&result.books, picture, &terms));
        differences.extend(answers(desk, &result.books, picture, &terms).await?);
    }
    let nothing = matches!(&fence, Fence::Missing { all: true, .. });
    Ok(Look {
        known: !(nothing && tables.entries.is_empty() && differences.is_empty()),
        reservations: result.books.reservations.len(),
        books: result.books,
        differences,
        mend: result.mend,
        moved: after.len(),
    })
}

/// Why the sale is not open, if it should be.
fn closed(fence: &Fence, books: &Books) -> Vec<Difference> {
    let nobody = books.supply.is_empty() && books.reservations.is_empty();
    match fence {
        Fence::Open => Vec::new(),
        // Nobody has seeded it yet.
        Fence::Missing { all: true, .. } if nobody => Vec::new(),
        Fence::Missing { keys, .. } => keys
            .iter()
            .map(|key| {
                let stock = format!("{key}: not there, or of another type");
                Difference::new(Kind::LostKey, "there", stock)
            })
            .collect(),
        Fence::Shut(shut) => {
            let why = shut.broken.as_deref();
            let why = why.unwrap_or("restarted, and not compared yet");
            vec![Difference::new(Kind::Broken, "open", why)]
        }
    }
}

/// What moved after the figures were read.
fn moved(events: &[&RawEvent]) -> Moved {
    let mut moved = Moved::default();
    for (id, fields) in events {
        let Ok(event) = StockEvent::parse(*id, fields) else {
            continue;
        };
        let (Some(sku), Some(taken)) = (event.sku, event.taken) else {
            continue;
        };
        moved.buyers.insert((sku.clone(), taken.person));
        moved
            .units
            .extend(taken.units.iter().map(|unit| (sku.clone(), *unit)));
        moved.reservations.insert(taken.reservation);
    }
    moved
}

/// Idempotency keys answer what was answered.
async fn answers(
    desk: &Desk,
    books: &Books,
    picture: &Picture,
    terms: &Terms,
) -> Result<Vec<Difference>, LookError> {
    let lasting: Vec<_> = books
        .reservations
        .iter()
        .filter(|(id, booked)| {
            !booked.key.is_empty()
                && booked.reserved_at + terms.keep_ms > picture.instant.now + KEY_SLACK_MS
                && picture.reservations.contains_key(*id)
                && !terms.moved.reservations.contains(*id)
        })
        .collect();
    let keys: Vec<_> = lasting
        .iter()
        .map(|(_, booked)| (&booked.record.person, booked.key.as_str()))
        .collect();
    let answers = desk.stock.answers(&keys).await?;
    Ok(lasting
        .iter()
        .zip(answers)
        .filter_map(|((id, booked), is)| {
            let should = format!("{} {}", booked.body, booked.answer);
            (is.as_ref() != Some(&should)).then(|| {
                let is = is.unwrap_or_else(|| "none".to_owned());
                Difference::new(Kind::Idempotency, should, is).of(id, &booked.record)
            })
        })
        .collect())
}
