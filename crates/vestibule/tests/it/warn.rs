//! What a service says at its start of a stock store that would lose what was answered.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
};

use crate::{
    check::GOOD,
    process::{Running, free, vestibule},
    redis::Redis,
};

/// What a purchase service with this stock store logs until it is asked to end.
fn log_of_a_service(stock: &Redis) -> Vec<String> {
    let data = tempfile::tempdir().unwrap();
    let (visitors, operators) = (free(), free());
    let config = data.path().join("serve.toml");
    fs::write(
        &config,
        "[[gateway.rooms]]\nid = \"main\"\nupstream = \"http://127.0.0.1:9\"\nsale = \"s\"\n\
         [purchase.sales.s]\nroom = \"main\"\n[purchase.sales.s.skus.x]\nsupplied = 3\n",
    )
    .unwrap();
    let mut command = vestibule();
    command
        .args(["serve", "--config"])
        .arg(&config)
        .arg("--data")
        .arg(data.path().join("data"))
        .args([
            "--listen",
            &visitors.to_string(),
            "--operator",
            &operators.to_string(),
        ])
        .env("VESTIBULE_STORES__STOCK", stock.url())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    let said = BufReader::new(running.0.stderr.take().unwrap());
    let mut lines = Vec::new();
    // Seeding comes well after the store has first answered, and is said.
    for line in said.lines().map(Result::unwrap) {
        let last = line.contains("seeded");
        lines.push(line);
        if last {
            break;
        }
    }
    running.signal(rustix::process::Signal::TERM);
    running.ended();
    lines
}

#[test]
fn a_service_says_once_at_its_start_what_its_stock_store_would_lose() {
    let words = "the stock store may lose holds and orders that were answered";
    let told = |redis: &Redis| {
        let lines = log_of_a_service(redis);
        let warnings: Vec<String> = lines
            .into_iter()
            .filter(|line| line.contains(words))
            .collect();
        warnings
    };
    let bad = Redis::start(&[&GOOD[..], &["--appendfsync", "everysec"]].concat());
    let warnings = told(&bad);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("WARN") && warnings[0].contains("set appendfsync always"),
        "{warnings:?}"
    );
    assert!(told(&Redis::start(&GOOD)).is_empty());
}
