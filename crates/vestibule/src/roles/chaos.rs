//! `chaos`: kills this binary's own roles while a crowd buys, and judges what became of the answers.

use std::{
    io::IsTerminal,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use loadtest::chaos::{self, Kind};
use rand::random;

/// Between two lines where there is no terminal.
const PLAIN: Duration = Duration::from_secs(10);

/// What to break, and for how long.
#[derive(Args)]
pub(crate) struct ChaosOptions {
    /// Processes to kill with -9, in all
    #[arg(long, default_value_t = 300)]
    kills: u64,
    /// Where the draws begin; another one each time if it is missing
    #[arg(long)]
    seed: Option<u64>,
    /// Stop breaking things after so many seconds at the latest
    #[arg(long, default_value_t = 1_800)]
    seconds: u64,
    /// Where everything is kept; what kept its promises is removed again
    #[arg(long, default_value = "chaos-data", value_name = "DIR")]
    data: PathBuf,
    /// Write the report there
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only this fault, such as kill-store or torn
    #[arg(long, value_name = "FAULT")]
    only: Option<Kind>,
    /// Buyers at the same time
    #[arg(long, default_value_t = 120)]
    buyers: usize,
    /// Kills in each round
    #[arg(long, default_value_t = 30)]
    kills_a_round: u64,
    /// Cut the stock log at every so-many-th byte; 0: at none
    #[arg(long, default_value_t = 1, value_name = "N")]
    every_byte: usize,
    /// A ledger such as postgres://…, instead of an SQLite file for each round
    #[arg(long, value_name = "URL")]
    ledger: Option<String>,
}

/// Runs to the verdict; exit code 1 if a promise was broken.
pub(crate) async fn run(options: ChaosOptions) -> anyhow::Result<ExitCode> {
    let options = (
        chaos::Options {
            program: std::env::current_exe()?,
            kills: options.kills,
            seed: options.seed.unwrap_or_else(|| u64::from(random::<u32>())),
            most: Duration::from_secs(options.seconds),
            data: options.data,
            ledger: options.ledger,
            only: options.only,
            buyers: options.buyers,
            kills_a_round: options.kills_a_round.max(1),
            every_byte: options.every_byte,
        },
        options.json,
    );
    let (options, json) = options;
    eprintln!(
        "chaos: seed {}, everything in {}",
        options.seed,
        options.data.display()
    );
    let bar = std::io::stderr().is_terminal().then(|| {
        let style = ProgressStyle::with_template("{elapsed_precise} {msg}");
        ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    });
    let last = std::cell::Cell::new(None::<Instant>);
    let show = |round: &chaos::Round, kind: Kind, toll: &chaos::Toll, answers: u64| {
        let disk = if round.slow_disk { ", slow disk" } else { "" };
        let (number, killed) = (round.number, toll.killed());
        let line = format!(
            "round {number}{disk}: {killed} of {} killed, {answers} answers, {}",
            round.kills,
            kind.name()
        );
        match &bar {
            Some(bar) => bar.set_message(line),
            None if last.get().is_none_or(|last| last.elapsed() >= PLAIN) => {
                last.set(Some(Instant::now()));
                eprintln!("{line}");
            }
            None => {}
        }
    };
    let report = Box::pin(chaos::run(&options, &show)).await?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    print!("{}", chaos::terminal(&report));
    if let Some(json) = json {
        std::fs::write(json, serde_json::to_vec_pretty(&report)?)?;
    }
    if report.verdict.kept {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("what happened is in {}", options.data.display());
    Ok(ExitCode::FAILURE)
}
