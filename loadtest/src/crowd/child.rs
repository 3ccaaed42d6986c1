//! One child process of the crowd: a current-thread runtime, every n-th visitor, one log.
//!
//! Says where its visitors are four times a second on standard output, and ends when all of them
//! have gone home, when the plan's deadline has passed, or when its standard input closes.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use entry_pass::{Issuer, KeyRing};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    ChildPlan, Outcome, connection::Target, outside::Pocket, tally::Tally, visitor::Visitor,
};
use crate::{
    clock,
    observation::{End, Record},
    plan::Plan,
};

/// Files a process needs beside its connections: log, runtime, standard streams, room to spare.
const OTHER_FILES: u64 = 64;

/// A child that cannot do its part.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// The plan's file is missing or not a plan.
    #[error("the plan {path} cannot be read: {why}")]
    Plan {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The process may not open enough files.
    #[error(
        "this process may open {allowed} files and the crowd needs {needed}: raise the limit \
         with `ulimit -n {needed}`, or use more child processes"
    )]
    Files {
        /// The hard limit.
        allowed: u64,
        /// Connections and a few more.
        needed: u64,
    },
    /// The base URL is none, or does not resolve.
    #[error("{0}")]
    Target(String),
    /// The log could not be written.
    #[error("the crowd's log cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The system gave no key to forge passes with.
    #[error(transparent)]
    Key(#[from] entry_pass::KeyError),
}

/// What all visitors of a child share.
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) target: Target,
    pub(super) tally: Tally,
    pub(super) pocket: Pocket,
    /// Signs passes with a key the gateway has never heard of.
    pub(super) forger: Issuer,
    pub(super) connections: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
    log: Mutex<BufWriter<File>>,
}

impl World {
    pub(super) fn log(&self, record: &Record) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk shows as a damaged last line: the reader refuses the log, loudly.
        let _ = serde_json::to_writer(&mut *log, record);
        let _ = log.write_all(b"\n");
    }
}

/// Plays one child's part of the plan in `file`. Brings its own runtime: call it outside of any.
pub fn child(file: &Path) -> Result<(), ChildError> {
    let wrong = |why: String| ChildError::Plan {
        path: file.to_owned(),
        why,
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let told: ChildPlan = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    allow_files(told.plan.open_connections as u64 + OTHER_FILES)?;
    let stop = CancellationToken::new();
    let closed = stop.clone();
    std::thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        closed.cancel();
    });
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(play(told, stop, io::stdout()))
}

/// Raises the soft limit if it must; the hard one is the operator's to raise.
fn allow_files(needed: u64) -> Result<(), ChildError> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum: limit.maximum,
    };
    if limit.maximum.is_none_or(|most| most >= needed)
        && setrlimit(Resource::Nofile, raised).is_ok()
    {
        return Ok(());
    }
    Err(ChildError::Files {
        allowed: limit.maximum.unwrap_or(0),
        needed,
    })
}

/// Lets this child's visitors live.
pub(super) async fn play(
    told: ChildPlan,
    stop: CancellationToken,
    mut out: impl Write,
) -> Result<(), ChildError> {
    let plan = told.plan;
    let ring = Arc::new(KeyRing::from_pems([KeyRing::generate_pem()?.as_str()])?);
    let world = Arc::new(World {
        target: Target::parse(&plan.base_url)
            .map_err(|error| ChildError::Target(error.to_string()))?,
        tally: Tally::default(),
        pocket: Pocket::default(),
        forger: Issuer::new(ring, &plan.base_url),
        connections: Arc::new(Semaphore::new(plan.open_connections.max(1))),
        stop: stop.clone(),
        log: Mutex::new(BufWriter::with_capacity(1 << 16, File::create(&told.log)?)),
        plan,
    });
    let visits = TaskTracker::new();
    for (index, role) in world.plan.cast().into_iter().enumerate() {
        let index = index as u32;
        if index % told.children == told.child {
            visits.spawn(visit(Visitor::new(index, role, world.clone())));
        }
    }
    visits.close();
    let ends_at = world.plan.start_at_ms + world.plan.deadline.as_millis() as u64;
    let left = Duration::from_millis(ends_at.saturating_sub(clock::now_ms()));
    tokio::select! {
        () = visits.wait() => {}
        () = tokio::time::sleep(left) => {}
        () = stop.cancelled() => {}
        () = speak(&world.tally, &mut out) => {}
    }
    stop.cancel();
    visits.wait().await;
    world
        .log
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .flush()?;
    let _ = say(&world.tally, &mut out);
    Ok(())
}

/// One visit, from arrival to the end or until everybody is sent home.
async fn visit(mut visitor: Visitor) {
    let stop = visitor.world().stop.clone();
    let outcome = tokio::select! {
        outcome = visitor.live() => outcome,
        () = stop.cancelled() => Outcome::SentHome,
    };
    let (index, world) = visitor.go_home();
    world.tally.ended(outcome == Outcome::Bought);
    world.log(&Record::End(End {
        visitor: index,
        at: clock::now_ms(),
        outcome,
    }));
}

/// Tells the starter where everybody is, until there is none: then nobody needs the crowd.
async fn speak(tally: &Tally, out: &mut impl Write) {
    let mut beat = tokio::time::interval(Duration::from_millis(250));
    while say(tally, out).is_ok() {
        beat.tick().await;
    }
}

fn say(tally: &Tally, out: &mut impl Write) -> io::Result<()> {
    let mut line = serde_json::to_vec(&tally.progress())?;
    line.push(b'\n');
    out.write_all(&line).and_then(|()| out.flush())
}

#[cfg(test)]
mod tests;
