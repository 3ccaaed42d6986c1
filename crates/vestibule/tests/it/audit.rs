//! `vestibule audit` beside a process that sells: what it prints and how it exits.

use std::{fs, process::Output};

use crate::process::{Demo, vestibule};

#[test]
fn an_audit_says_by_its_exit_code_whether_all_is_well() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sale.toml");
    fs::write(&file, "[purchase.sales.demo]\nroom = \"demo\"\n").unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    let audit = |more: &[&str]| -> Output {
        vestibule()
            .arg("audit")
            .arg("--config")
            .arg(&file)
            .arg("--data")
            .arg(&data)
            .args(more)
            .output()
            .unwrap()
    };
    let blind = audit(&[]);
    assert_eq!(blind.status.code(), Some(2), "no store: {blind:?}");

    let _demo = Demo::start(&data);
    let well = audit(&[]);
    let said = String::from_utf8_lossy(&well.stdout).into_owned();
    assert_eq!(well.status.code(), Some(0), "{said} {well:?}");
    assert!(said.contains("no differences"), "{said}");

    let socket = data.join("redis-stock/redis.sock");
    let client = redis::Client::open(format!("redis+unix://{}", socket.display())).unwrap();
    let mut connection = client.get_connection().unwrap();
    redis::cmd("HSET")
        .arg(&["sale:{demo}:slots", "demo-unit eve", "1"])
        .exec(&mut connection)
        .unwrap();
    let wrong = audit(&["--json"]);
    let said: serde_json::Value = serde_json::from_slice(&wrong.stdout).unwrap();
    assert_eq!(wrong.status.code(), Some(1), "{said}");
    assert_eq!(said[0]["differences"][0]["kind"], "buyer-slots", "{said}");
    let repaired = audit(&["--repair"]);
    let said = String::from_utf8_lossy(&repaired.stdout).into_owned();
    assert_eq!(repaired.status.code(), Some(0), "{said}");
    assert!(said.contains("0 left after the repair"), "{said}");
}

#[test]
fn an_audit_that_cannot_look_is_told_apart_from_one_that_finds_something() {
    let output = vestibule().arg("audit").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for path in ["stores.stock", "stores.ledger", "purchase.sales"] {
        assert!(
            said.contains(&format!("  {path}: must be")),
            "{path} in {said}"
        );
    }
}
