//! What the ledger does not have yet, on top of what it says: events that were set aside, and what is
//! in the stream and not recorded. Only where they do not contradict it.

use std::collections::{HashMap, HashSet};

use entry_pass::SaleId;
use lua::sale::{EventId, EventKind, RawEvent, StockEvent};

use super::{Books, Difference, Kind, Remedy, reconcile::Reconciled};
use crate::{
    ledger::{DeadLetter, Ledger, LedgerError},
    reservation::order_id,
};

/// Most events one query asks for.
const MOST: usize = 500;

/// Which of these events the ledger has by now.
pub async fn recorded(
    ledger: &Ledger,
    sale: &SaleId,
    ids: &[EventId],
) -> Result<HashSet<EventId>, LedgerError> {
    let mut recorded = HashSet::new();
    for ids in ids.chunks(MOST) {
        recorded.extend(ledger.recorded(sale, ids).await?);
    }
    Ok(recorded)
}

/// Applies what was set aside.
pub fn set_aside(books: &mut Books, letters: &[DeadLetter]) -> Vec<Difference> {
    let mut found = Vec::new();
    for letter in letters {
        let fields = serde_json::from_str::<HashMap<String, String>>(&letter.fields);
        let event = fields.ok();
        let event = event.and_then(|fields| StockEvent::parse(letter.event_id, &fields).ok());
        let ledger = format!("set aside: {}", letter.reason);
        let Some(event) = event else {
            let stock = format!("event {}, unreadable", letter.event_id);
            found.push(Difference::new(Kind::DeadLetter, ledger, stock).remedy(Remedy::Look));
            continue;
        };
        let stock = format!("event {}, {}", event.id, event.kind.word());
        let applied = books.apply(&event);
        let (ledger, remedy) = match &applied {
            Ok(()) => (format!("{ledger}; kept, to be replayed"), Remedy::Look),
            Err(no) => (format!("{ledger}; {}", no.why), contradicted(&event)),
        };
        found.push(about(Difference::new(Kind::DeadLetter, ledger, stock), &event).remedy(remedy));
    }
    found
}

/// Somebody paid, or nothing but a hold is at stake.
fn contradicted(event: &StockEvent) -> Remedy {
    match event.kind {
        EventKind::Confirmed { .. } => Remedy::Refund,
        _ => Remedy::Look,
    }
}

fn about(mut found: Difference, event: &StockEvent) -> Difference {
    found.sku = event.sku.as_ref().map(ToString::to_string);
    if let Some(taken) = &event.taken {
        found = found.id(&taken.reservation).person(taken.person.clone());
    }
    if let EventKind::Confirmed { payment_ref } = &event.kind {
        found.order = event
            .taken
            .as_ref()
            .map(|taken| order_id(&taken.reservation));
        found.payment_ref = Some(payment_ref.clone());
    }
    found
}

/// Applies events of the stream that the ledger has not. Each with its id, since by now most of them
/// may be recorded.
pub fn unrecorded(result: &mut Reconciled, raw: &[&RawEvent]) -> Vec<(EventId, Difference)> {
    let mut found = Vec::new();
    for (id, fields) in raw {
        let Ok(event) = StockEvent::parse(*id, fields) else {
            let stock = format!("event {id}, unreadable");
            found.push((*id, Difference::new(Kind::UnrecordedEvent, "none", stock)));
            continue;
        };
        let stock = format!("event {id}, {}", event.kind.word());
        let (why, remedy) = match result.books.apply(&event) {
            Ok(()) => {
                result.mend_with(&event);
                ("none".to_owned(), Remedy::Repair)
            }
            Err(no) => (format!("none; {}", no.why), contradicted(&event)),
        };
        let difference = Difference::new(Kind::UnrecordedEvent, why, stock);
        found.push((*id, about(difference, &event).remedy(remedy)));
    }
    found
}
