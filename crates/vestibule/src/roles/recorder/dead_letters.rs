//! `recorder --replay-dead`: tries every dead letter of the configured sales again, and ends.
//!
//! Each is a transaction of its own beside whoever records (see [`Ledger::replay`]), so nothing has
//! to be stopped for it. Only the ledger is needed.

use std::{fmt::Write, process::ExitCode};

use anyhow::Context;
use entry_pass::SaleId;
use purchase::ledger::{DeadLetter, Ledger, Replayed};

use crate::{
    clock,
    config::{Config, Layers},
    data_dir::LEDGER,
    logging,
    roles::{RoleOptions, requirements},
};

/// What the table says of a letter.
struct Line {
    sale: String,
    event: String,
    kind: String,
    reservation: String,
    outcome: String,
}

/// Prints what became of each. Exit code 0 if none is left.
pub(super) async fn run(options: &RoleOptions) -> anyhow::Result<ExitCode> {
    let flags = options.flags("listen.operator");
    let layers = Layers::read(options.config.as_deref(), Layers::environment(), flags)?;
    let (config, _) = layers.into_config(requirements::of_a_replay)?;
    logging::start(&config.log)?;
    let ledger = Ledger::open(&url(&config)?)?;
    let (mut lines, mut left) = (Vec::new(), 0);
    for sale in config.purchase.sales.keys() {
        for letter in ledger.dead_letters(sale).await? {
            let outcome = ledger.replay(sale, &letter, clock::now_ms()).await?;
            left += usize::from(matches!(outcome, Replayed::Kept(_)));
            lines.push(line(sale, &letter, outcome));
        }
    }
    ledger.close().await;
    if !lines.is_empty() {
        print!("{}", table(&lines));
    }
    println!("{} tried again, {left} left", lines.len());
    Ok(if left == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The configured ledger, or the one `serve` keeps in its data directory.
fn url(config: &Config) -> anyhow::Result<String> {
    if let Some(url) = &config.stores.ledger {
        return Ok(url.reveal().to_owned());
    }
    let file = config.data.dir.join(LEDGER);
    // Made here it would be an empty one, in which nothing is dead.
    std::fs::metadata(&file).with_context(|| {
        format!(
            "stores.ledger is not set and there is no {}",
            file.display()
        )
    })?;
    Ok(format!("sqlite://{}", file.display()))
}

fn line(sale: &SaleId, letter: &DeadLetter, outcome: Replayed) -> Line {
    let fields: serde_json::Value = serde_json::from_str(&letter.fields).unwrap_or_default();
    let field = |name| plain(fields[name].as_str().unwrap_or("-"));
    Line {
        sale: sale.to_string(),
        event: letter.event_id.to_string(),
        kind: field("kind"),
        reservation: field("reservation"),
        outcome: match outcome {
            Replayed::Recorded => "recorded".to_owned(),
            Replayed::Gone => "gone: somebody else replayed it".to_owned(),
            Replayed::Kept(reason) => format!("left: {}", plain(&reason)),
        },
    }
}

/// Whatever stood in the stream, a line stays a line.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn table(lines: &[Line]) -> String {
    let heads = ["SALE", "EVENT", "KIND", "RESERVATION", "OUTCOME"];
    let rows = lines.iter().map(|line| {
        [
            &*line.sale,
            &line.event,
            &line.kind,
            &line.reservation,
            &line.outcome,
        ]
    });
    let rows: Vec<[&str; 5]> = std::iter::once(heads).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 4] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(text, "{cell:<width$}  ");
        }
        let _ = writeln!(text, "{}", row[4]);
    }
    text
}
