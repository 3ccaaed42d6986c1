//! The crowd as its starter sees it: child processes, their progress, their logs.
//!
//! Visitors live in processes of their own, for three reasons: a process may open 20 000 files, the
//! gateway must not share a heap or a runtime with those who rush it, and a crowd that dies must not
//! take the shop with it. A child stops when its standard input closes, so no crowd outlives its
//! starter, however that one ended. Each child plays every n-th visitor of the plan.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    clock,
    observation::{LogError, Observations},
    plan::Plan,
};

mod answers;
mod child;
mod connection;
mod jar;
mod outside;
mod tally;
mod visitor;

pub use child::{ChildError, child};
pub use tally::{Outcome, Progress};

/// What a child is told: the whole plan, and which part of it is its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChildPlan {
    /// The plan of the whole crowd.
    pub plan: Plan,
    /// This child plays the visitors whose index leaves this remainder …
    pub child: u32,
    /// … when divided by this.
    pub children: u32,
    /// Where it writes its log.
    pub log: PathBuf,
}

/// A crowd that could not be started or did not come back whole.
#[derive(Debug, thiserror::Error)]
pub enum CrowdError {
    /// Its folder or one of its files could not be written.
    #[error("the crowd's folder {path} cannot be used: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A child process could not be started or waited for.
    #[error("a child process of the crowd could not be run: {0}")]
    Process(#[source] io::Error),
    /// A child ended badly; it said why on standard error.
    #[error("child {child} of the crowd failed ({status}); what it saw is incomplete")]
    Failed {
        /// Counted from 0.
        child: usize,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// A log could not be read back.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// A running crowd. Dropping it kills the children it started, and only those.
pub struct Crowd {
    children: Vec<Member>,
    plan: Plan,
}

struct Member {
    process: Child,
    /// Closing it sends the child's visitors home.
    stdin: Option<ChildStdin>,
    progress: watch::Receiver<Progress>,
    log: PathBuf,
}

/// Reads a crowd's progress while somebody else waits for its end.
#[derive(Clone)]
pub struct Watch(Vec<watch::Receiver<Progress>>);

impl Watch {
    /// The sum over all children of what each said last.
    pub fn progress(&self) -> Progress {
        self.0.iter().map(|child| *child.borrow()).sum()
    }
}

impl Crowd {
    /// Writes the children's plans into `plan.dir` and starts `exe crowd --plan FILE` for each.
    ///
    /// With `plan.start_at_ms` 0 the first visitor arrives half a second from now, in all children
    /// by the same clock.
    pub fn spawn(exe: &Path, mut plan: Plan, children: usize) -> Result<Self, CrowdError> {
        let children = children.clamp(1, (plan.visitors as usize).max(1));
        if plan.start_at_ms == 0 {
            plan.start_at_ms = clock::now_ms() + 500;
        }
        fs::create_dir_all(&plan.dir).map_err(|source| CrowdError::Folder {
            path: plan.dir.clone(),
            source,
        })?;
        let mut crowd = Self {
            children: Vec::with_capacity(children),
            plan,
        };
        for child in 0..children {
            // Pushed one by one: if a later one cannot start, the drop ends the earlier ones.
            let member = Member::spawn(exe, &crowd.plan, child, children)?;
            crowd.children.push(member);
        }
        Ok(crowd)
    }

    /// The plan as it is played, with its start filled in: this is the one the judge needs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The sum over all children of what each said last; never blocks.
    pub fn progress(&self) -> Progress {
        self.watch().progress()
    }

    /// A handle for a progress bar that outlives [`Self::wait`].
    pub fn watch(&self) -> Watch {
        Watch(
            self.children
                .iter()
                .map(|member| member.progress.clone())
                .collect(),
        )
    }

    /// Sends everybody home now. [`Self::wait`] still returns what was seen until then.
    pub fn send_home(&mut self) {
        for member in &mut self.children {
            member.stdin = None;
        }
    }

    /// Waits until every visitor has gone home and reads what they saw.
    ///
    /// Dropping the future kills the children.
    pub async fn wait(mut self) -> Result<Observations, CrowdError> {
        let mut seen = Observations::default();
        for (index, member) in self.children.iter_mut().enumerate() {
            // The sender lives in the thread that reads the child's output, and goes with it.
            while member.progress.changed().await.is_ok() {}
            let status = member.ended().await.map_err(CrowdError::Process)?;
            if !status.success() {
                return Err(CrowdError::Failed {
                    child: index,
                    status,
                });
            }
        }
        for member in &self.children {
            seen.add_log(&member.log)?;
        }
        seen.sort();
        Ok(seen)
    }
}

impl Member {
    fn spawn(exe: &Path, plan: &Plan, child: usize, children: usize) -> Result<Self, CrowdError> {
        let log = plan.dir.join(format!("crowd-{child}.jsonl"));
        let told = ChildPlan {
            plan: plan.clone(),
            child: child as u32,
            children: children as u32,
            log: log.clone(),
        };
        let path = plan.dir.join(format!("crowd-{child}.plan.json"));
        File::create(&path)
            .and_then(|file| Ok(serde_json::to_writer_pretty(file, &told)?))
            .map_err(|source| CrowdError::Folder {
                path: path.clone(),
                source,
            })?;
        let mut process = Command::new(exe)
            .arg("crowd")
            .arg("--plan")
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(CrowdError::Process)?;
        let stdin = process.stdin.take();
        let stdout = process.stdout.take();
        let (told, progress) = watch::channel(Progress::default());
        std::thread::spawn(move || {
            for line in BufReader::new(stdout.into_iter().next()?).lines() {
                if let Ok(latest) = serde_json::from_str(&line.ok()?) {
                    told.send_replace(latest);
                }
            }
            Some(())
        });
        Ok(Self {
            process,
            stdin,
            progress,
            log,
        })
    }

    /// Its output is closed already, so this is a matter of moments: no signal handling needed.
    async fn ended(&mut self) -> io::Result<std::process::ExitStatus> {
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if !matches!(self.process.try_wait(), Ok(Some(_))) {
            // Both fail only if it has ended in between.
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}
