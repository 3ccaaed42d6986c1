//! From the first signal to the exit code, the same for every role.
//!
//! The first SIGTERM or SIGINT asks everybody to stop: listeners close, requests in flight are
//! answered, the recorder finishes its batch. Whoever has not finished within the limit is cut off
//! and the exit code says so. A second signal means now: the process ends at once with the signal's
//! code, and the private stores end with it. Nothing acknowledged depends on a clean end.

use std::{process::ExitCode, thread, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// How long everybody together may take to stop. Longer than any one role's own limit.
const LIMIT: Duration = Duration::from_secs(20);

/// The roles running in this process, and the one order to stop.
pub(crate) struct Lifecycle {
    stop: CancellationToken,
    roles: JoinSet<anyhow::Result<()>>,
    terminate: Signal,
    interrupt: Signal,
}

impl Lifecycle {
    /// Listens for signals from now on.
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            stop: CancellationToken::new(),
            roles: JoinSet::new(),
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The order to stop, for whoever works here.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Runs a role on a thread and a current-thread runtime of its own: cheaper and steadier than
    /// sharing one multi-thread runtime, and one role's long computation cannot stall another.
    pub(crate) fn spawn<F, R>(&mut self, name: &str, role: F) -> anyhow::Result<()>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = anyhow::Result<()>>,
    {
        let (done, outcome) = oneshot::channel();
        let label = name.to_owned();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let run = || {
                    tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()?
                        .block_on(role())
                };
                let _ = done.send(run());
            })?;
        self.roles.spawn(async move {
            match outcome.await {
                Ok(result) => result.map_err(|error| error.context(label)),
                Err(_) => Err(anyhow::anyhow!("{label}: ended by a panic, see the log")),
            }
        });
        Ok(())
    }

    /// Waits for a signal, for `finished`, or for a role that fails; then stops everybody.
    pub(crate) async fn run(
        self,
        finished: impl Future<Output = anyhow::Result<ExitCode>>,
    ) -> anyhow::Result<ExitCode> {
        let Self {
            stop,
            mut roles,
            mut terminate,
            mut interrupt,
        } = self;
        let mut outcome = tokio::select! {
            outcome = finished => outcome,
            _ = signalled(&mut terminate, &mut interrupt) => {
                tracing::info!("stopping; a second signal stops at once");
                Ok(ExitCode::SUCCESS)
            }
            outcome = first_failure(&mut roles) => outcome,
        };
        stop.cancel();
        let drained = async {
            while let Some(role) = roles.join_next().await {
                if let Err(error) = role.map_err(anyhow::Error::from).flatten() {
                    tracing::error!("{error:#}");
                    outcome = Ok(ExitCode::FAILURE);
                }
            }
        };
        tokio::select! {
            () = drained => {}
            () = tokio::time::sleep(LIMIT) => {
                tracing::error!("not everything stopped within {} s: cut off", LIMIT.as_secs());
                return Ok(ExitCode::FAILURE);
            }
            code = signalled(&mut terminate, &mut interrupt) => {
                tracing::warn!("second signal: stopping at once");
                std::process::exit(code);
            }
        }
        outcome
    }
}

/// The next signal that asks to stop, as the exit code a shell expects of one who dies by it.
async fn signalled(terminate: &mut Signal, interrupt: &mut Signal) -> i32 {
    tokio::select! {
        _ = terminate.recv() => 143,
        _ = interrupt.recv() => 130,
    }
}

/// The first role that ends in an error. A role that ends well on its own is no reason to stop.
async fn first_failure(roles: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<ExitCode> {
    while let Some(role) = roles.join_next().await {
        role??;
    }
    std::future::pending().await
}
