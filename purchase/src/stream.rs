//! A sale's stream as the recorder reads it: a consumer group, on a connection of its own.
//!
//! The group starts at `0`, so that nothing written before the first recorder is skipped. Reading
//! blocks for a moment, which no shared connection may do. An entry stays pending until it is
//! acknowledged, and it is acknowledged after the ledger's commit. What a dead recorder left is read
//! by its id and not claimed: `XAUTOCLAIM` forgets entries that are gone from the stream, and with
//! them that something was lost.

use std::{collections::HashMap, time::Duration};

use lua::sale::{EventId, Sale};
use redis::{AsyncConnectionConfig, RedisError, Value, aio::MultiplexedConnection};

/// The recorders' group.
const GROUP: &str = "recorder";
/// Most entries read at once: one transaction's worth. Large, because what a batch costs most is
/// waiting for two disks, and that is the same for one event and for a thousand.
pub const BATCH: usize = 1_024;
/// How long a read waits for an entry; the lease is renewed between reads.
const BLOCK: Duration = Duration::from_millis(250);
/// How long an answer may take: longer than the block and than a slow fsync.
const ANSWER: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);

/// An entry as it stands in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: EventId,
    /// Its fields; none if it is gone from the stream and nobody acknowledged it.
    pub fields: HashMap<String, String>,
}

impl Entry {
    fn gone(id: EventId) -> Self {
        Self {
            id,
            fields: HashMap::new(),
        }
    }

    /// Whether there is nothing left of it to record.
    pub fn is_gone(&self) -> bool {
        self.fields.is_empty()
    }
}

/// The stream of one sale, read as one consumer.
pub struct Stream {
    connection: MultiplexedConnection,
    events: String,
    consumer: String,
    /// Recorded, and not said to Redis yet.
    recorded: Vec<EventId>,
}

impl Stream {
    /// Connects and makes sure of the group.
    pub async fn open(sale: &Sale, consumer: &str) -> Result<Self, RedisError> {
        let client = sale.store().client().map_err(|error| {
            std::io::Error::new(std::io::ErrorKind::InvalidInput, error.to_string())
        })?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        let events = sale.keys().events.clone();
        let made = redis::cmd("XGROUP")
            .arg(&["CREATE", &events, GROUP, "0"])
            .exec_async(&mut connection)
            .await;
        match made {
            Err(error) if error.code() != Some("BUSYGROUP") => return Err(error),
            _ => {}
        }
        Ok(Self {
            connection,
            events,
            consumer: consumer.to_owned(),
            recorded: Vec::new(),
        })
    }

    /// What any recorder read and did not acknowledge, in the order of the stream. Only for the
    /// holder of the lease: the others' entries are taken over whatever they do.
    pub async fn pending(&mut self) -> Result<Vec<Entry>, RedisError> {
        self.acknowledge_now().await?;
        let (mut start, mut all) = ("-".to_owned(), Vec::new());
        loop {
            let page: Vec<(String, Value, Value, Value)> = redis::cmd("XPENDING")
                .arg(&[&self.events, GROUP, &start, "+"])
                .arg(BATCH)
                .query_async(&mut self.connection)
                .await?;
            let Some((last, ..)) = page.last() else {
                return Ok(all);
            };
            start = format!("({last}");
            let mut each = redis::pipe();
            for (id, ..) in &page {
                each.cmd("XRANGE").arg(&[&self.events, id, id]);
            }
            let found: Vec<Value> = each.query_async(&mut self.connection).await?;
            for ((id, ..), found) in page.iter().zip(found) {
                let gone = || id.parse().ok().map(Entry::gone);
                all.extend(entries_of(found)?.pop().or_else(gone));
            }
        }
    }

    /// The oldest entry that is still there.
    pub async fn first(&mut self) -> Result<Option<EventId>, RedisError> {
        let first: Value = redis::cmd("XRANGE")
            .arg(&[&self.events, "-", "+", "COUNT", "1"])
            .query_async(&mut self.connection)
            .await?;
        Ok(entries_of(first)?.first().map(|entry| entry.id))
    }

    /// Reads the whole stream again, for a ledger that forgot its last events.
    pub async fn rewind(&mut self) -> Result<(), RedisError> {
        self.acknowledge_now().await?;
        redis::cmd("XGROUP")
            .arg(&["SETID", &self.events, GROUP, "0"])
            .exec_async(&mut self.connection)
            .await
    }

    /// Drops entries before `before`, except what somebody read and did not acknowledge, and all
    /// behind it: whatever the caller believes, that is not recorded yet.
    pub async fn trim(&mut self, mut before: EventId) -> Result<(), RedisError> {
        self.acknowledge_now().await?;
        let (_, oldest, _, _): (u64, Option<String>, Value, Value) = redis::cmd("XPENDING")
            .arg(&[&self.events, GROUP])
            .query_async(&mut self.connection)
            .await?;
        if let Some(oldest) = oldest.and_then(|id| id.parse().ok()) {
            before = before.min(oldest);
        }
        redis::cmd("XTRIM")
            .arg(&[&self.events, "MINID", "~", &before.to_string()])
            .exec_async(&mut self.connection)
            .await
    }

    /// New entries, at most [`BATCH`]; more where somebody read earlier ones and did not acknowledge
    /// them, which are among them then. Waits a moment for the first if `wait`. What was recorded is
    /// acknowledged on the way: both are writes that the store syncs to its disk, and so it does that
    /// once.
    pub async fn next(&mut self, wait: bool) -> Result<Vec<Entry>, RedisError> {
        let mut both = redis::pipe();
        if let Some(acknowledged) = self.acknowledgement() {
            both.add_command(acknowledged).ignore();
        }
        let mut command = redis::cmd("XREADGROUP");
        command
            .arg(&["GROUP", GROUP, &self.consumer, "COUNT"])
            .arg(BATCH);
        if wait {
            command.arg("BLOCK").arg(BLOCK.as_millis() as u64);
        }
        command.arg(&["STREAMS", &self.events, ">"]);
        both.add_command(command);
        both.cmd("XPENDING").arg(&[&self.events, GROUP]);
        let (answer, (_, oldest, _, _)): (Value, (u64, Option<String>, Value, Value)) =
            both.query_async(&mut self.connection).await?;
        if matches!(answer, Value::Nil) {
            return Ok(Vec::new());
        }
        let streams: Vec<(String, Value)> = redis::from_redis_value(answer)?;
        let mut all = Vec::new();
        for (_, entries) in streams {
            all.extend(entries_of(entries)?);
        }
        // What somebody read before and did not acknowledge comes first: a refund must not reach the
        // ledger before its confirm.
        let oldest: Option<EventId> = oldest.and_then(|id| id.parse().ok());
        if all
            .first()
            .zip(oldest)
            .is_some_and(|(first, oldest)| oldest < first.id)
        {
            return self.pending().await;
        }
        Ok(all)
    }

    /// Acknowledges entries the ledger has, or the dead letters: with the next read. If that never
    /// comes, they are recorded again and have no effect.
    pub fn acknowledge(&mut self, entries: &[Entry]) {
        self.recorded.extend(entries.iter().map(|entry| entry.id));
    }

    async fn acknowledge_now(&mut self) -> Result<(), RedisError> {
        match self.acknowledgement() {
            Some(command) => command.exec_async(&mut self.connection).await,
            None => Ok(()),
        }
    }

    fn acknowledgement(&mut self) -> Option<redis::Cmd> {
        if self.recorded.is_empty() {
            return None;
        }
        let mut command = redis::cmd("XACK");
        command.arg(&self.events).arg(GROUP);
        for id in self.recorded.drain(..) {
            command.arg(id.to_string());
        }
        Some(command)
    }
}

fn entries_of(value: Value) -> Result<Vec<Entry>, RedisError> {
    let raw: Vec<(String, Option<HashMap<String, String>>)> = redis::from_redis_value(value)?;
    Ok(raw
        .into_iter()
        .filter_map(|(id, fields)| {
            Some(Entry {
                id: id.parse().ok()?,
                fields: fields.unwrap_or_default(),
            })
        })
        .collect())
}
