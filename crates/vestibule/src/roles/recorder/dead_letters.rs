//! `recorder --replay-dead` tries every dead letter of the configured sales again, and
//! `--discard-dead` discards one that was settled by hand.
//!
//! Each is a transaction of its own beside whoever records (see [`Ledger::replay`]), so nothing has
//! to be stopped for it. Only the ledger is needed.

use std::{fmt::Write, process::ExitCode};

use anyhow::Context;
use entry_pass::SaleId;
use lua::sale::EventId;
use purchase::ledger::{DeadLetter, Ledger, Replayed};

use crate::{
    clock,
    config::{Config, Layers},
    logging,
    roles::{RoleOptions, requirements, stores},
};

/// The ledger has changed, and the stock store has not.
const AFTERWARDS: &str = "run `vestibule audit --repair` now: it tells the stock store";

/// What the table says of a letter.
struct Line {
    sale: String,
    event: String,
    kind: String,
    reservation: String,
    outcome: String,
}

/// Tries each again and prints what became of it. Exit code 0 if none is left.
pub(super) async fn replay(options: &RoleOptions) -> anyhow::Result<ExitCode> {
    let (config, ledger) = open(options)?;
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
    if lines.len() > left {
        eprintln!("{AFTERWARDS}");
    }
    Ok(if left == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Discards one for good and prints it whole. The ledger keeps it, marked.
pub(super) async fn discard(options: &RoleOptions, which: &str) -> anyhow::Result<ExitCode> {
    let named = which
        .split_once('/')
        .and_then(|(sale, event)| Some((sale.parse::<SaleId>().ok()?, event.parse().ok()?)));
    let (sale, event): (SaleId, EventId) =
        named.context("--discard-dead: must be SALE/EVENT, such as night/1795393665109-0")?;
    let (config, ledger) = open(options)?;
    anyhow::ensure!(
        config.purchase.sales.contains_key(&sale),
        "--discard-dead: there is no purchase.sales.{sale}"
    );
    let discarded = ledger.discard(&sale, event, clock::now_ms()).await?;
    ledger.close().await;
    let Some(letter) = discarded else {
        eprintln!("vestibule: no event {event} of {sale} is set aside");
        return Ok(ExitCode::FAILURE);
    };
    let fields: serde_json::Value = serde_json::from_str(&letter.fields)
        .unwrap_or_else(|_| serde_json::Value::String(letter.fields.clone()));
    let whole = serde_json::json!({
        "sale": sale.as_str(),
        "event": event.to_string(),
        "reason": letter.reason,
        "tries": letter.tries,
        "fields": fields,
    });
    println!("{whole:#}");
    eprintln!("{AFTERWARDS}");
    Ok(ExitCode::SUCCESS)
}

fn open(options: &RoleOptions) -> anyhow::Result<(Config, Ledger)> {
    let flags = options.flags("listen.operator");
    let layers = Layers::read(options.config.as_deref(), Layers::environment(), flags)?;
    let (config, _) = layers.into_config(requirements::of_a_look)?;
    logging::start(&config.log)?;
    let ledger = Ledger::open(&stores::ledger(&config)?)?;
    Ok((config, ledger))
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
            Replayed::Gone => "gone: somebody else saw to it".to_owned(),
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
