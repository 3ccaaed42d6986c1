//! Says once, as soon as the stock store answers, what of its settings loses what was answered.
//!
//! Whoever did not run `check` finds it in the log, and not on the night. It is a warning and no
//! refusal: the store is somebody's, and a demo on a laptop may lose what it likes.

use std::time::Duration;

use lua::{
    Store,
    server::{Purpose, ServerFacts},
};
use tokio_util::sync::CancellationToken;

/// How long until a store that is away is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Asks until there is an answer, or `stop`.
pub(crate) async fn tell(store: Store, stop: CancellationToken) {
    let Some(facts) = stop.run_until_cancelled(facts(&store)).await else {
        return;
    };
    let found = facts.findings(Purpose::Stock).into_iter();
    let losses: Vec<String> = found.filter(|one| one.loses).map(|one| one.text).collect();
    if !losses.is_empty() {
        let losses = losses.join("; ");
        tracing::warn!(
            losses,
            "the stock store may lose holds and orders that were answered"
        );
    }
}

async fn facts(store: &Store) -> ServerFacts {
    loop {
        if let Ok(facts) = ServerFacts::ask(store).await {
            return facts;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
