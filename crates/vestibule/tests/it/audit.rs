//! `vestibule audit` beside a process that sells: what it prints and how it exits.

use std::{fs, process::Output};

use crate::{
    process::{Demo, vestibule},
    redis::Redis,
};

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
    // A file that names the directory will do.
    let both = format!("[data]\ndir = {data:?}\n[purchase.sales.demo]\nroom = \"demo\"\n");
    fs::write(&file, both).unwrap();
    let command = vestibule().arg("audit").arg("--config").arg(&file).output();
    assert_eq!(command.unwrap().status.code(), Some(0));
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
    assert!(said.contains("  purchase.sales: must be"), "{said}");

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sale.toml");
    let audit = |text: &str| {
        fs::write(&file, text).unwrap();
        let mut command = vestibule();
        let output = command.args(["audit", "--config"]).arg(&file).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(2), "{said}");
        said
    };
    let sale = "[purchase.sales.night]\nroom = \"main\"\n";
    let nowhere = dir.path().join("nowhere");
    let said = audit(&format!("{sale}[data]\ndir = {nowhere:?}\n"));
    assert!(
        said.contains("stores.stock is not set") && said.contains("nowhere/redis-stock/redis.sock"),
        "{said}"
    );
    let redis = Redis::start(&[]);
    let stores = format!(
        "{sale}[stores]\nstock = {:?}\nledger = \"sqlite://{}\"\n",
        redis.url(),
        nowhere.display()
    );
    let said = audit(&stores);
    assert!(
        said.contains("stores.ledger") && said.contains("nowhere"),
        "{said}"
    );
    assert!(!nowhere.exists(), "an audit makes no ledger");
    fs::write(&nowhere, "").unwrap();
    let said = audit(&stores);
    assert!(
        said.contains("neither the stock store nor the ledger"),
        "{said}"
    );
}
