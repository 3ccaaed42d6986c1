//! One batch: parse, commit, acknowledge, tell who waits. What the ledger refuses goes to the dead
//! letters after a few tries, on its own, and only when everything before it is recorded.

use lua::sale::{EventError, EventId, StockEvent};

use super::{Recorder, Stepped};
use crate::{
    ledger::{DeadLetter, RecordError},
    stream::{Entry, Stream},
};

/// How often an event is tried on its own before it is set aside.
const TRIES: u32 = 3;
/// The reason of an event that nobody can record any more.
const GONE: &str = "the entry was gone from the stream before it was recorded";

impl Recorder {
    /// Records entries in order.
    pub(super) async fn record(
        &self,
        stream: &mut Stream,
        term: u64,
        entries: &[Entry],
    ) -> Result<(), Stepped> {
        if self.commit(term, entries, true).await?.is_err() {
            // One of them is poison, or only came too early: a recorder that woke after its lease
            // had ended may have read earlier ones. Those first.
            let mut all = stream.pending().await?;
            all.retain(|earlier| entries.first().is_some_and(|first| earlier.id < first.id));
            self.record_apart(term, &all).await?;
            stream.acknowledge(&all);
            self.record_apart(term, entries).await?;
        }
        stream.acknowledge(entries);
        metrics::counter!("vestibule_recorded_events_total").increment(entries.len() as u64);
        metrics::histogram!("vestibule_recorder_batch_size").record(entries.len() as f64);
        Ok(())
    }

    /// Records what can be and sets the rest aside: in halves, so that one bad event costs a few
    /// transactions and not one for each of the others, and in order, so that nothing is poison
    /// only for want of an earlier one.
    async fn record_apart(&self, term: u64, entries: &[Entry]) -> Result<(), Stepped> {
        let mut parts = vec![entries];
        while let Some(part) = parts.pop() {
            match part {
                [] => {}
                [entry] => self.record_alone(term, entry).await?,
                _ => {
                    if self.commit(term, part, false).await?.is_err() {
                        let (first, second) = part.split_at(part.len() / 2);
                        parts.extend([second, first]);
                    }
                }
            }
        }
        Ok(())
    }

    async fn record_alone(&self, term: u64, entry: &Entry) -> Result<(), Stepped> {
        let mut reason = String::new();
        for _ in 0..TRIES {
            match self
                .commit(term, std::slice::from_ref(entry), false)
                .await?
            {
                Ok(()) => return Ok(()),
                Err(why) => reason = why,
            }
        }
        let sale = self.desk.stock.id();
        let letter = DeadLetter {
            event_id: entry.id,
            fields: serde_json::to_string(&entry.fields).unwrap_or_default(),
            reason,
            tries: TRIES,
        };
        let now = self.purchase.clock().now_ms();
        // Whoever reads the stream again meets what was set aside before, and perhaps settled.
        if self.ledger.set_aside(sale, term, &letter, now).await? {
            let reason = &letter.reason;
            tracing::error!(sale.id = %sale, event.id = %entry.id, reason, "a stock event was set aside");
            metrics::counter!("vestibule_dead_letters_total").increment(1);
        }
        Ok(())
    }

    /// One transaction, and whoever waits for one of the events is told before Redis is: the ledger
    /// has it, that is what counts. `in_order`: what became of a reservation that is not there is
    /// refused. The inner error is a refusal; anything else ends the lead.
    pub(super) async fn commit(
        &self,
        term: u64,
        entries: &[Entry],
        in_order: bool,
    ) -> Result<Result<(), String>, Stepped> {
        let sale = self.desk.stock.id();
        let events: Result<Vec<StockEvent>, EventError> = entries
            .iter()
            .filter(|entry| !entry.is_gone())
            .map(|entry| StockEvent::parse(entry.id, &entry.fields))
            .collect();
        let events = match events {
            Ok(events) => events,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let now = self.purchase.clock().now_ms();
        let recorded = if in_order {
            self.ledger.record_in_order(sale, term, &events, now).await
        } else {
            self.ledger.record(sale, term, &events, now).await
        };
        match recorded {
            Err(RecordError::Clash(reason)) => return Ok(Err(reason)),
            other => other?,
        }
        // One that is gone may have been recorded by somebody who did not live to acknowledge it.
        let gone = entries.iter().filter(|entry| entry.is_gone());
        let gone: Vec<EventId> = gone.map(|entry| entry.id).collect();
        if self.ledger.recorded(sale, &gone).await?.len() < gone.len() {
            return Ok(Err(GONE.to_owned()));
        }
        let committed = entries.iter().map(|entry| &entry.id);
        self.desk.acknowledge.committed(committed);
        Ok(Ok(()))
    }
}
