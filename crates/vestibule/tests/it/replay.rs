//! `recorder --replay-dead` and `--discard-dead` as an operator runs them.

use std::{path::Path, process::Output};

use purchase::ledger::{DeadLetter, Ledger};

use crate::process::vestibule;

/// Sets an event aside in the ledger of a data directory.
fn set_aside(data: &Path, sequence: u64, kind: &str) {
    let fields = format!(
        r#"{{"v":"1","kind":"{kind}","at":"5","sku":"seat","person":"ann","reservation":"r.x",
            "quantity":"1","units":"1","slots":"1","payment":"pay"}}"#
    );
    let letter = DeadLetter {
        event_id: format!("5-{sequence}").parse().unwrap(),
        fields,
        reason: "as if".to_owned(),
        tries: 3,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let url = format!("sqlite://{}", data.join("ledger.sqlite").display());
        let ledger = Ledger::open(&url).unwrap();
        let sale = "night".parse().unwrap();
        ledger.set_aside(&sale, 1, &letter, 1).await.unwrap();
        ledger.close().await;
    });
}

fn replay(config: &Path) -> (Option<i32>, String) {
    recorder(&["--replay-dead"], config)
}

fn recorder(what: &[&str], config: &Path) -> (Option<i32>, String) {
    let mut command = vestibule();
    let Output { status, stdout, .. } = command
        .arg("recorder")
        .args(what)
        .arg("--config")
        .arg(config)
        .output()
        .unwrap();
    (status.code(), String::from_utf8(stdout).unwrap())
}

#[test]
fn dead_letters_are_tried_again_or_discarded_and_each_is_accounted_for() {
    let data = tempfile::tempdir().unwrap();
    let config = data.path().join("vestibule.toml");
    let text = format!(
        "[data]\ndir = {:?}\n[purchase.sales.night]\nroom = \"main\"\n",
        data.path()
    );
    std::fs::write(&config, text).unwrap();
    assert_eq!(
        replay(&config).0,
        Some(1),
        "without a ledger nothing is fine"
    );

    set_aside(data.path(), 0, "confirmed");
    let (code, said) = replay(&config);
    assert_eq!(code, Some(0), "{said}");
    let words: Vec<&str> = said.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(words, ["night", "5-0", "confirmed", "r.x", "recorded"]);

    set_aside(data.path(), 1, "unheard-of");
    set_aside(data.path(), 2, "refunded");
    for (times, ends) in [
        (1, "2 tried again, 1 left\n"),
        (2, "1 tried again, 1 left\n"),
    ] {
        let (code, said) = replay(&config);
        assert_eq!(code, Some(1), "{times}: {said}");
        assert!(
            said.contains("left: the stock event's field kind"),
            "{said}"
        );
        assert!(said.ends_with(ends), "{said}");
    }
    let discard = |which: &str| recorder(&["--discard-dead", which], &config);
    for wrong in ["5-1", "night/5-2", "day/5-1", "night/five"] {
        assert_eq!(discard(wrong).0, Some(1), "{wrong}");
    }
    let (code, said) = discard("night/5-1");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said["fields"]["reservation"], "r.x", "{said}");
    assert_eq!(discard("night/5-1").0, Some(1), "it is gone");
    assert_eq!(
        replay(&config),
        (Some(0), "0 tried again, 0 left\n".to_owned())
    );
}
