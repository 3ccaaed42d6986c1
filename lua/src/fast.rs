//! The connection of the hot path: one, shared, and made anew when it breaks.
//!
//! The client's own manager keeps the failure of an attempt that met a server still loading, and
//! answers it for ever; so the reconnecting is done here, the same way as for the stock store. A
//! broken connection fails the calls under way and never repeats one: whether it ran is unknown,
//! and that is the caller's to settle.

use std::{sync::Arc, time::Duration};

use redis::{
    Cmd, Pipeline, RedisError, RedisFuture, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};

use crate::{StoreError, connection::SharedConnection};

/// How long one answer may take: a visitor is told sooner that the store is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// A handle to the shared connection; cheap to clone.
#[derive(Clone)]
pub struct Fast {
    shared: Arc<SharedConnection>,
}

impl Fast {
    pub(crate) fn new(client: redis::Client) -> Self {
        Self {
            shared: Arc::new(SharedConnection::new(client, PATIENCE)),
        }
    }

    async fn on<T>(
        &self,
        call: impl AsyncFnOnce(&mut MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, RedisError> {
        let live = self.shared.live().await.map_err(|error| match error {
            StoreError::Away { source, .. } | StoreError::Refused { source, .. } => source,
        })?;
        let result = call(&mut live.connection.clone()).await;
        if let Err(error) = &result {
            self.shared.lost(&live, error);
        }
        result
    }
}

impl ConnectionLike for Fast {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            self.on(async |connection| connection.req_packed_command(cmd).await)
                .await
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            self.on(async |connection| {
                connection
                    .req_packed_commands(pipeline, offset, count)
                    .await
            })
            .await
        })
    }

    fn get_db(&self) -> i64 {
        0
    }
}
