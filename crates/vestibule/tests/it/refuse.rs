//! What cannot work is refused at once, in words that say what to do.

use std::{fs, net::TcpListener, os::unix::fs::symlink};

use crate::process::{free, refusal, vestibule};

#[test]
fn a_bad_configuration_is_refused_with_all_complaints_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bad.toml");
    fs::write(
        &file,
        "lisen = 1\n[log]\njson = \"yes\"\n[[gateway.rooms]]\nid = \"A B\"\n",
    )
    .unwrap();
    for role in ["serve", "gateway", "purchase", "recorder"] {
        let said = refusal(vestibule().arg(role).arg("--config").arg(&file));
        for complaint in [
            "lisen: unknown field",
            "log.json: ",
            "gateway.rooms[0].id: ",
        ] {
            assert!(said.contains(complaint), "{role}: {complaint} in {said}");
        }
    }
}

#[test]
fn a_single_role_without_stores_and_secrets_says_everything_it_lacks() {
    for (role, paths) in [
        (
            "gateway",
            vec![
                "stores.waitlist",
                "keys.tickets",
                "keys.passes",
                "operator.token",
            ],
        ),
        (
            "purchase",
            vec![
                "stores.stock",
                "stores.ledger",
                "keys.jwks",
                "operator.token",
                "gateway.public_url",
            ],
        ),
        (
            "recorder",
            vec!["stores.stock", "stores.ledger", "operator.token"],
        ),
    ] {
        let said = refusal(vestibule().arg(role));
        for path in paths {
            assert!(
                said.contains(&format!("  {path}: must be")),
                "{role}: {path} in {said}"
            );
        }
    }
}

#[test]
fn a_taken_port_is_one_sentence_that_names_the_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (flag, other) in [("--listen", "--operator"), ("--operator", "--listen")] {
        let other_address = free().to_string();
        let said = refusal(vestibule().args([
            "demo",
            "--visitors",
            "0",
            flag,
            &taken,
            other,
            &other_address,
        ]));
        assert!(said.contains(&taken) && said.contains(flag), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn a_second_process_on_the_same_address_or_data_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let demo = crate::process::Demo::start(data.path());
    let visitors = demo.visitors.to_string();
    let said = refusal(vestibule().args([
        "demo",
        "--visitors",
        "0",
        "--operator",
        "127.0.0.1:0",
        "--listen",
        &visitors,
    ]));
    assert!(said.contains("taken"), "{said}");
    let said = refusal(
        vestibule()
            .args([
                "demo",
                "--visitors",
                "0",
                "--operator",
                "127.0.0.1:0",
                "--listen",
                "127.0.0.1:0",
                "--data",
            ])
            .arg(data.path()),
    );
    assert!(said.contains("in use by another vestibule"), "{said}");
}

#[test]
fn a_missing_redis_says_what_to_install() {
    let empty = tempfile::tempdir().unwrap();
    let said = refusal(vestibule().env("PATH", empty.path()).args([
        "demo",
        "--visitors",
        "0",
        "--listen",
        "127.0.0.1:0",
        "--operator",
        "127.0.0.1:0",
    ]));
    assert!(said.contains("apt-get install redis-server"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_redis_that_does_not_start_is_told_with_its_log() {
    let path = tempfile::tempdir().unwrap();
    for tool in ["setpriv", "sh"] {
        let real = ["/usr/bin", "/bin"]
            .iter()
            .map(|dir| format!("{dir}/{tool}"));
        let real = real
            .into_iter()
            .find(|file| fs::exists(file).unwrap())
            .unwrap();
        symlink(real, path.path().join(tool)).unwrap();
    }
    let fake = path.path().join("redis-server");
    fs::write(
        &fake,
        "#!/bin/sh\ncase $1 in --version) echo 'v=7.0.0';; *) exit 3;; esac\n",
    )
    .unwrap();
    fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let said = refusal(vestibule().env("PATH", path.path()).args([
        "demo",
        "--visitors",
        "0",
        "--listen",
        "127.0.0.1:0",
        "--operator",
        "127.0.0.1:0",
    ]));
    assert!(
        said.contains("the waitlist store did not come up") && said.contains("redis.log"),
        "{said}"
    );
}

#[test]
fn check_fails_what_would_lose_stock_without_a_word() {
    let output = vestibule()
        .args(["check", "--config", "/not/there.toml"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("fail  /not/there.toml"));
}
