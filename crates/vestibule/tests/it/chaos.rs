//! The harness of faults in small: real processes, some kills, a slow disk, a wipe, a log cut here
//! and there, and the oracle's verdict. `make chaos` is the same in large.

use std::{path::Path, process::Output};

use crate::process::vestibule;

fn chaos(data: &Path, args: &[&str]) -> Output {
    let mut command = vestibule();
    command.args(["chaos", "--seconds", "60", "--buyers", "30", "--data"]);
    command.arg(data).args(args).output().unwrap()
}

/// Panics with the verdict and keeps the data directory if a promise was broken.
fn expect_kept(args: &[&str]) {
    let data = tempfile::tempdir().unwrap();
    let output = chaos(data.path(), args);
    if output.status.success() {
        return;
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    panic!("{said}\n{why}\nkept in {}", data.keep().display());
}

#[test]
fn what_was_answered_survives_kills_of_everybody() {
    // Two rounds: one with a good disk and one with a slow one.
    expect_kept(&["--kills", "14", "--kills-a-round", "7", "--every-byte", "0"]);
}

#[test]
fn what_the_ledger_has_survives_a_wiped_stock_store() {
    expect_kept(&["--kills", "4", "--only", "wipe", "--every-byte", "0"]);
}

#[test]
fn a_log_cut_anywhere_leaves_every_transaction_whole_or_undone() {
    expect_kept(&["--only", "torn", "--every-byte", "211"]);
}

#[test]
fn a_promise_that_is_not_kept_is_exit_code_one() {
    let data = tempfile::tempdir().unwrap();
    // No kill can be done in no time: the run is cut short, which the verdict says.
    let args = [
        "--kills",
        "1",
        "--seconds",
        "0",
        "--every-byte",
        "0",
        "--json",
    ];
    let mut command = vestibule();
    command
        .arg("chaos")
        .arg("--data")
        .arg(data.path())
        .args(args);
    let report = data.path().join("report.json");
    let output = command.arg(&report).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("ONE PROMISE WAS BROKEN."), "{said}");
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert_eq!(report["verdict"]["kept"], false);
}
