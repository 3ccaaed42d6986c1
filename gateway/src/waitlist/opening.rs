//! Opens the room in the store: at first, after a restart, after a loss, and when the counter nears
//! its ceiling.
//!
//! The ceiling and the epoch are kept in the stock store (or, in a room that sells nothing, beside
//! the line), raised in steps before the counter gets there. So a counter that was lost goes on
//! where no number was ever given. Any number of gateways may do this at once: the scripts let the
//! first one win.

use std::{
    future::Future,
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use lua::{
    Store,
    room::{Opened, Opening, Waitlist, WaitlistError},
};
use tokio::sync::Mutex;

use super::ATTEMPTS;

/// Steps in which the ceiling is raised.
const STEP: u64 = 100_000;

/// How long to look again before a room counts as lost.
const SECOND_LOOK: Duration = Duration::from_millis(300);

/// For how long nobody is released whose predecessors may still be on their way back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hold {
    /// After a restart that may have lost the newest entries: until every page has asked once.
    pub(crate) restarted: Duration,
    /// After everything was lost: also until every old pass has run out, because who holds one is
    /// inside without the store knowing.
    pub(crate) lost: Duration,
}

/// Opens one room.
pub(crate) struct Opener {
    waitlist: Arc<Waitlist>,
    durable: Store,
    hold: Hold,
    /// The last watermark this gateway saw: after a loss nobody before it is called again.
    pub(crate) serving: AtomicU64,
    /// One attempt at a time per gateway.
    turn: Mutex<()>,
}

impl Opener {
    /// `durable` keeps the ceiling.
    pub(crate) fn new(waitlist: Arc<Waitlist>, durable: Store, hold: Hold) -> Self {
        Self {
            waitlist,
            durable,
            hold,
            serving: AtomicU64::new(0),
            turn: Mutex::new(()),
        }
    }

    /// Makes a call, opening the room for it if that is what it lacks.
    pub(crate) async fn retrying<T, F, Fut>(&self, call: F) -> Result<T, WaitlistError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, WaitlistError>>,
    {
        let mut attempt = 1;
        loop {
            match call().await {
                Err(
                    why @ (WaitlistError::Lost | WaitlistError::Restarted | WaitlistError::Ceiling),
                ) if attempt < ATTEMPTS => self.open(&why).await?,
                // A connection that broke is made anew at once; whether the call ran is unknown,
                // and every call on the line may be repeated.
                Err(WaitlistError::Script(error)) if attempt == 1 && error.connection_broke() => {}
                other => return other,
            }
            attempt += 1;
        }
    }

    /// Raises the ceiling when the counter has come near it.
    pub(crate) async fn keep_ahead(&self, issued: u64, ceiling: u64) -> Result<(), WaitlistError> {
        if issued + STEP / 2 > ceiling {
            self.open(&WaitlistError::Ceiling).await
        } else {
            Ok(())
        }
    }

    async fn open(&self, why: &WaitlistError) -> Result<(), WaitlistError> {
        let _turn = self.turn.lock().await;
        let known = self.waitlist.durable(&self.durable, 0, 0).await?;
        // Another gateway, or another task of this one, may have opened it by now, or be between its
        // note here and its opening there: what looks like a loss is then only an opening.
        let may_be_open = match why {
            WaitlistError::Lost if known.epoch_before > 0 => {
                tokio::time::sleep(SECOND_LOOK).await;
                true
            }
            WaitlistError::Restarted => true,
            _ => false,
        };
        if may_be_open && self.waitlist.snapshot(0, 0).await.is_ok() {
            return Ok(());
        }
        // The durable epoch rises with every doubt, the room's own only if something may be missing.
        let (epoch, start, hold) = match why {
            WaitlistError::Lost => (known.epoch_before + 1, known.ceiling_before, self.hold.lost),
            WaitlistError::Restarted => (known.epoch_before + 1, 0, self.hold.restarted),
            _ => (known.epoch_before, 0, self.hold.restarted),
        };
        let durable = self
            .waitlist
            .durable(&self.durable, epoch, known.ceiling_before + STEP)
            .await?;
        let opened = self
            .waitlist
            .open(&Opening {
                epoch,
                start,
                ceiling: durable.ceiling,
                hold_ms: hold.as_millis() as u64,
                serving: self.serving.load(Ordering::Relaxed),
            })
            .await?;
        match opened {
            Opened::Afresh => tracing::info!(room.epoch = epoch, "the room is open"),
            Opened::Again => tracing::warn!(
                room.epoch = epoch,
                "the waitlist store was restarted unannounced: the counter goes on at its ceiling"
            ),
            Opened::Resumed => tracing::info!("the room goes on where it stopped"),
            Opened::Already => {}
        }
        Ok(())
    }
}
