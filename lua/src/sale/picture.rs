//! Everything a sale holds, as it stands in the store: what a comparison with the ledger is made of.
//!
//! Read in steps that hold the store for about a millisecond each, so it is no picture of one moment
//! unless the sale is closed. What is of one moment is the [`Instant`]: figures, state and the last
//! event. Whoever looks at a sale that is open reads the events since, and knows what moved.

use std::collections::HashMap;

use entry_pass::PersonId;
use redis::{Value, aio::MultiplexedConnection, from_redis_value};

use super::{EventId, PATIENCE, Sale, SaleError};
use crate::{StoreError, keys::MARKER};

/// How many members one step asks for.
const STEP: usize = 1_000;

/// An entry of the stream: its id and its fields.
pub type RawEvent = (EventId, HashMap<String, String>);

/// Figures, state and last event of one moment.
#[derive(Debug, Clone, Default)]
pub struct Instant {
    /// The store's time, ms.
    pub now: u64,
    /// The fields of `state`.
    pub state: HashMap<String, String>,
    /// The fields of `stock`.
    pub stock: HashMap<String, String>,
    /// The last event; none in an empty stream.
    pub last: Option<EventId>,
}

/// The members of each key, as text, without the markers.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// Of one moment, before the rest was read.
    pub instant: Instant,
    /// Units that came back, `{sku}:{unit}`.
    pub free: Vec<String>,
    /// `{sku} {person}` and slots.
    pub slots: HashMap<String, String>,
    /// Id and record.
    pub reservations: HashMap<String, String>,
    /// Id of a hold and its deadline.
    pub deadlines: HashMap<String, f64>,
    /// Id of what ended, and when.
    pub ended: HashMap<String, f64>,
    /// The collections whose marker is missing.
    pub unmarked: Vec<&'static str>,
}

impl Sale {
    /// Reads everything.
    pub async fn picture(&self) -> Result<Picture, SaleError> {
        let mut reader = self.reader().await?;
        let keys = &self.keys;
        let instant = reader.instant(self).await?;
        let mut unmarked = Vec::new();
        let mut marked = |name, marker: bool| {
            if !marker {
                unmarked.push(name);
            }
        };
        let mut slots = reader.pairs("HSCAN", &keys.slots).await?;
        marked("slots", slots.remove(MARKER).is_some());
        let mut reservations = reader.pairs("HSCAN", &keys.reservations).await?;
        marked("reservations", reservations.remove(MARKER).is_some());
        let mut free = reader.pairs("ZSCAN", &keys.free).await?;
        marked("free", free.remove(MARKER).is_some());
        let mut deadlines = reader.pairs("ZSCAN", &keys.deadlines).await?;
        marked("deadlines", deadlines.remove(MARKER).is_some());
        let mut ended = reader.pairs("ZSCAN", &keys.ended).await?;
        marked("ended", ended.remove(MARKER).is_some());
        Ok(Picture {
            instant,
            free: free.into_keys().collect(),
            slots,
            reservations,
            deadlines: scores(deadlines),
            ended: scores(ended),
            unmarked,
        })
    }

    /// The entries of the stream after `after` up to `last` (none: to its end), in their order.
    pub async fn events_between(
        &self,
        after: EventId,
        last: Option<EventId>,
    ) -> Result<Vec<RawEvent>, SaleError> {
        let mut reader = self.reader().await?;
        let end = last.map_or_else(|| "+".to_owned(), |last| last.to_string());
        let (mut start, mut all) = (format!("({after}"), Vec::new());
        loop {
            let page: Vec<(String, HashMap<String, String>)> = reader
                .ask(
                    redis::cmd("XRANGE")
                        .arg(&self.keys.events)
                        .arg(&[&start, &end])
                        .arg("COUNT")
                        .arg(STEP),
                )
                .await?;
            let full = page.len() == STEP;
            if let Some((id, _)) = page.last() {
                start = format!("({id}");
            }
            all.extend(
                page.into_iter()
                    .filter_map(|(id, fields)| Some((id.parse().ok()?, fields))),
            );
            if !full {
                return Ok(all);
            }
        }
    }

    /// What idempotency keys were answered, `{body hash} {answer}`, in the order asked.
    pub async fn answers(
        &self,
        keys: &[(&PersonId, &str)],
    ) -> Result<Vec<Option<String>>, SaleError> {
        let mut reader = self.reader().await?;
        let mut all = Vec::with_capacity(keys.len());
        for keys in keys.chunks(STEP) {
            let mut command = redis::cmd("MGET");
            for (person, key) in keys {
                command.arg(self.keys.idempotency(person, key));
            }
            let answers: Vec<Option<String>> = reader.ask(&command).await?;
            all.extend(answers);
        }
        Ok(all)
    }

    async fn reader(&self) -> Result<Reader, SaleError> {
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(std::time::Duration::from_secs(1)))
            .set_response_timeout(Some(PATIENCE));
        let connection = self
            .store
            .client()?
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(failed)?;
        Ok(Reader(connection))
    }
}

/// A connection of its own: what it reads is large, and nobody else is to wait for it.
struct Reader(MultiplexedConnection);

impl Reader {
    async fn ask<T: redis::FromRedisValue>(
        &mut self,
        command: &redis::Cmd,
    ) -> Result<T, SaleError> {
        command.query_async(&mut self.0).await.map_err(failed)
    }

    async fn instant(&mut self, sale: &Sale) -> Result<Instant, SaleError> {
        let keys = &sale.keys;
        let (time, state, stock, last): ((u64, u64), _, _, Vec<(String, Value)>) = redis::pipe()
            .atomic()
            .cmd("TIME")
            .cmd("HGETALL")
            .arg(&keys.state)
            .cmd("HGETALL")
            .arg(&keys.stock)
            .cmd("XREVRANGE")
            .arg(&[&keys.events, "+", "-", "COUNT", "1"])
            .query_async(&mut self.0)
            .await
            .map_err(failed)?;
        let told = sale.told.load(std::sync::atomic::Ordering::Relaxed);
        Ok(Instant {
            now: if told > 0 {
                told
            } else {
                time.0 * 1_000 + time.1 / 1_000
            },
            state,
            stock,
            last: last.first().and_then(|(id, _)| id.parse().ok()),
        })
    }

    /// All pairs of a hash or a sorted set. What stays while it is read is read once; what comes or
    /// goes meanwhile may be read or not.
    async fn pairs(&mut self, scan: &str, key: &str) -> Result<HashMap<String, String>, SaleError> {
        let (mut cursor, mut all) = ("0".to_owned(), HashMap::new());
        loop {
            let (next, pairs): (String, Value) = self
                .ask(redis::cmd(scan).arg(&[key, &cursor]).arg("COUNT").arg(STEP))
                .await?;
            let pairs: Vec<(String, String)> =
                from_redis_value(pairs).map_err(|error| failed(error.into()))?;
            all.extend(pairs);
            if next == "0" {
                return Ok(all);
            }
            cursor = next;
        }
    }
}

fn scores(pairs: HashMap<String, String>) -> HashMap<String, f64> {
    pairs
        .into_iter()
        .map(|(member, score)| (member, score.parse().unwrap_or(f64::NAN)))
        .collect()
}

fn failed(source: redis::RedisError) -> SaleError {
    StoreError::from_redis("picture", source).into()
}
