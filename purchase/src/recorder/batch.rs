//! One batch: parse, commit, acknowledge, tell who waits. What the ledger refuses goes to the dead
//! letters after a few tries, on its own, and only when everything before it is recorded.

use lua::sale::{EventError, StockEvent};

use super::{Recorder, Stepped};
use crate::{
    ledger::{DeadLetter, RecordError},
    stream::{Entry, Stream},
};

/// How often an event is tried on its own before it is set aside.
const TRIES: u32 = 3;

impl Recorder {
    /// Records entries in order.
    pub(super) async fn record(
        &self,
        stream: &mut Stream,
        term: u64,
        entries: &[Entry],
    ) -> Result<(), Stepped> {
        let events: Result<Vec<StockEvent>, EventError> = entries
            .iter()
            .map(|entry| StockEvent::parse(entry.id, &entry.fields))
            .collect();
        let together = match events {
            Ok(events) => self.commit(term, &events).await?,
            Err(error) => Err(error.to_string()),
        };
        if together.is_err() {
            // One of them is poison. One at a time, so that the others are not held up by it, and
            // in order, so that it is not poison only for want of an earlier one.
            // A recorder that woke after its lease had ended may have read earlier ones: those
            // first.
            let mut all = stream.pending().await?;
            all.retain(|earlier| entries.first().is_some_and(|first| earlier.id < first.id));
            for entry in all.iter().chain(entries) {
                self.record_alone(term, entry).await?;
            }
            stream.acknowledge(&all).await?;
        }
        // Whoever waits is told before Redis is: the ledger has it, that is what counts.
        self.desk.acknowledge.committed(
            entries
                .iter()
                .map(|entry| &entry.id)
                .filter(|_| together.is_ok()),
        );
        stream.acknowledge(entries).await?;
        metrics::counter!("vestibule_recorded_events_total").increment(entries.len() as u64);
        metrics::histogram!("vestibule_recorder_batch_size").record(entries.len() as f64);
        Ok(())
    }

    async fn record_alone(&self, term: u64, entry: &Entry) -> Result<(), Stepped> {
        let mut reason = String::new();
        for _ in 0..TRIES {
            let outcome = match StockEvent::parse(entry.id, &entry.fields) {
                Ok(event) => self.commit(term, std::slice::from_ref(&event)).await?,
                Err(error) => Err(error.to_string()),
            };
            match outcome {
                Ok(()) => {
                    self.desk.acknowledge.committed([&entry.id]);
                    return Ok(());
                }
                Err(why) => reason = why,
            }
        }
        let sale = self.desk.stock.id();
        tracing::error!(sale.id = %sale, event.id = %entry.id, reason, "a stock event was set aside");
        metrics::counter!("vestibule_dead_letters_total").increment(1);
        let letter = DeadLetter {
            event_id: entry.id.to_string(),
            fields: serde_json::to_string(&entry.fields).unwrap_or_default(),
            reason,
            tries: TRIES,
        };
        self.ledger
            .set_aside(sale, &letter, self.purchase.clock().now_ms())
            .await?;
        Ok(())
    }

    /// One transaction. The inner error is the ledger's refusal; anything else ends the lead.
    async fn commit(
        &self,
        term: u64,
        events: &[StockEvent],
    ) -> Result<Result<(), String>, Stepped> {
        let now = self.purchase.clock().now_ms();
        match self
            .ledger
            .record(self.desk.stock.id(), term, events, now)
            .await
        {
            Ok(()) => Ok(Ok(())),
            Err(RecordError::Clash(reason)) => Ok(Err(reason)),
            Err(RecordError::Fenced) => Err(Stepped::Fenced),
            Err(RecordError::Ledger(error)) => Err(error.into()),
        }
    }
}
