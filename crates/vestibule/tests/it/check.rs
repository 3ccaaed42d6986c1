//! `check` on real servers, each with one setting that breaks a promise.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use crate::{
    postgres::Postgres,
    process::{Demo, free, vestibule},
    redis::{self, Redis},
};

/// A stock store as it must be.
pub(crate) const GOOD: [&str; 10] = [
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--aof-load-truncated",
    "no",
    "--maxmemory-policy",
    "noeviction",
    "--save",
    "",
];

/// The lines about one part, and whether the whole was well.
fn check(variable: &str, value: &str, part: &str) -> (Vec<String>, bool) {
    let Output { status, stdout, .. } = vestibule()
        .arg("check")
        .env(variable, value)
        .output()
        .unwrap();
    let said = String::from_utf8(stdout).unwrap();
    let lines = said.lines().filter(|line| line[6..].starts_with(part));
    (lines.map(str::to_owned).collect(), status.success())
}

fn check_stock(redis: &Redis) -> (Vec<String>, bool) {
    check("VESTIBULE_STORES__STOCK", &redis.url(), "stock store")
}

fn bad(lines: &[String]) -> Vec<&String> {
    lines
        .iter()
        .filter(|line| !line.starts_with("ok "))
        .collect()
}

#[test]
fn a_stock_store_as_it_must_be_is_found_well() {
    let (lines, well) = check_stock(&Redis::start(&GOOD));
    assert!(well && bad(&lines).is_empty(), "{lines:#?}");
    assert!(lines[0].contains("set as it must be"), "{lines:#?}");
}

#[test]
fn each_setting_that_would_lose_what_was_answered_is_named_with_what_to_set() {
    let port = free().port().to_string();
    let primary = Redis::start(&[&GOOD[..], &["--port", &port]].concat());
    for (weight, set, words) in [
        (
            "fail",
            vec!["--appendonly", "no"],
            vec!["appendonly is off", "set appendonly yes"],
        ),
        (
            "fail",
            vec!["--appendfsync", "everysec"],
            vec!["appendfsync is everysec", "set appendfsync always"],
        ),
        (
            "fail",
            vec!["--appendfsync", "no"],
            vec!["appendfsync is no", "set appendfsync always"],
        ),
        (
            "fail",
            vec!["--no-appendfsync-on-rewrite", "yes"],
            vec!["set no-appendfsync-on-rewrite no"],
        ),
        (
            "fail",
            vec!["--aof-load-truncated", "yes"],
            vec!["aof-load-truncated no", "redis-check-aof --fix"],
        ),
        (
            "fail",
            vec!["--maxmemory-policy", "allkeys-lru"],
            vec![
                "maxmemory-policy is allkeys-lru",
                "set maxmemory-policy noeviction",
            ],
        ),
        (
            "fail",
            vec!["--replicaof", "127.0.0.1", &port],
            vec!["is a replica", "the primary's URL"],
        ),
        (
            "warn",
            vec!["--maxmemory", "32mb"],
            vec!["maxmemory is 32 MB", "set at least 256 MB"],
        ),
        (
            "warn",
            vec!["--save", "60 1"],
            vec!["save is \"60 1\"", "set save \"\""],
        ),
        (
            "warn",
            vec!["--cluster-enabled", "yes"],
            vec!["cluster mode", "not tested"],
        ),
        (
            "warn",
            vec!["--rename-command", "CONFIG", ""],
            vec!["CONFIG is forbidden", "appendfsync always"],
        ),
    ] {
        let redis = Redis::start(&[&GOOD[..], &set].concat());
        let (lines, well) = check_stock(&redis);
        let bad = bad(&lines);
        assert_eq!(bad.len(), 1, "{set:?}: {lines:#?}");
        assert!(bad[0].starts_with(weight), "{set:?}: {lines:#?}");
        assert!(
            words.iter().all(|word| bad[0].contains(word)),
            "{set:?}: {lines:#?}"
        );
        assert_eq!(well, weight == "warn", "{set:?}: the exit code");
    }
    // A hosted server without CONFIG still says in INFO that it keeps nothing.
    let hosted = Redis::start(&["--appendonly", "no", "--rename-command", "CONFIG", ""]);
    let (lines, well) = check_stock(&hosted);
    assert!(
        !well && lines.iter().any(|line| line.contains("appendonly is off")),
        "{lines:#?}"
    );

    let _replica = Redis::start(&[&GOOD[..], &["--replicaof", "127.0.0.1", &port]].concat());
    let began = std::time::Instant::now();
    while !primary.ask("INFO").unwrap().contains("connected_slaves:1") {
        assert!(
            began.elapsed() < crate::process::PATIENCE,
            "no replica came"
        );
    }
    let (lines, well) = check_stock(&primary);
    assert!(well && bad(&lines).len() == 1, "{lines:#?}");
    assert!(
        bad(&lines)[0].contains("set min-replicas-to-write 1"),
        "{lines:#?}"
    );
    primary.ask("CONFIG SET min-replicas-to-write 1");
    assert!(bad(&check_stock(&primary).0).is_empty());
}

#[test]
fn the_line_may_lose_a_second_and_nothing_by_eviction() {
    let waitlist = |set: &[&str]| {
        let redis = Redis::start(&[&GOOD[..], set].concat());
        check("VESTIBULE_STORES__WAITLIST", &redis.url(), "waitlist store")
    };
    for set in [
        &["--appendfsync", "everysec"][..],
        &["--aof-load-truncated", "yes"],
    ] {
        let (lines, well) = waitlist(set);
        assert!(well && bad(&lines).is_empty(), "{set:?} {lines:#?}");
    }
    for (set, weight) in [
        (&["--maxmemory-policy", "volatile-ttl"], "fail"),
        (&["--appendfsync", "no"], "warn"),
        (&["--appendonly", "no"], "warn"),
    ] {
        let (lines, well) = waitlist(set);
        assert!(bad(&lines)[0].starts_with(weight), "{set:?} {lines:#?}");
        assert_eq!(well, weight == "warn");
    }
}

#[test]
fn a_ledger_that_cannot_be_written_or_kept_is_named() {
    let ledger = |url: &str| check("VESTIBULE_STORES__LEDGER", url, "ledger");
    let dir = tempfile::tempdir().unwrap();
    let at = |path: &Path| format!("sqlite://{}", path.display());
    for (url, weight, word) in [
        (
            at(&dir.path().join("ledger.sqlite")),
            "ok ",
            "can be written",
        ),
        (
            at(&dir.path().join("none/ledger.sqlite")),
            "fail",
            "is no directory",
        ),
        (at(dir.path()), "fail", "cannot be written"),
        (at(Path::new("/dev/shm/ledger.sqlite")), "warn", "in memory"),
        ("mysql://here/there".to_owned(), "fail", "neither sqlite"),
        (
            "postgres://u:secret-word@127.0.0.1:9/x".to_owned(),
            "fail",
            "cannot be reached",
        ),
    ] {
        let (lines, well) = ledger(&url);
        assert!(
            lines[0].starts_with(weight) && lines[0].contains(word),
            "{url}: {lines:#?}"
        );
        assert_eq!(well, weight != "fail", "{url}");
        assert!(!lines[0].contains("secret-word"));
    }
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
    assert!(left.is_empty(), "check made {left:?}");
}

#[test]
fn a_postgresql_that_would_lose_a_commit_is_named() {
    let cluster = Postgres::new();
    let ledger = || check("VESTIBULE_STORES__LEDGER", &cluster.url(), "ledger");
    for (setting, weight, words) in [
        ("fsync=on", "ok", vec!["answers, PostgreSQL"]),
        ("fsync=off", "fail", vec!["fsync is off", "set fsync on"]),
        (
            "synchronous_commit=off",
            "fail",
            vec!["set synchronous_commit on"],
        ),
        (
            "full_page_writes=off",
            "warn",
            vec!["set full_page_writes on"],
        ),
        (
            "default_transaction_read_only=on",
            "fail",
            vec!["nothing can be recorded"],
        ),
    ] {
        let _server = cluster.start(&[setting]);
        let (lines, well) = ledger();
        let last = lines.last().unwrap();
        assert!(last.starts_with(weight), "{setting}: {lines:#?}");
        assert!(
            words.iter().all(|word| last.contains(word)),
            "{setting}: {lines:#?}"
        );
        assert_eq!(
            bad(&lines).len(),
            usize::from(weight != "ok"),
            "{setting}: {lines:#?}"
        );
        assert_eq!(well, weight != "fail", "{setting}");
    }
    fs::write(cluster.data().join("standby.signal"), "").unwrap();
    let _server = cluster.start(&["hot_standby=on"]);
    let (lines, well) = ledger();
    assert!(
        !well && bad(&lines)[0].contains("the primary's URL"),
        "{lines:#?}"
    );
}

/// The files that operators are told to use, run as they are.
fn files() -> [(&'static str, PathBuf); 2] {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/redis");
    [
        ("waitlist", dir.join("waitlist.conf")),
        ("stock", dir.join("stock.conf")),
    ]
}

#[test]
fn the_redis_files_work_as_they_are_and_our_own_servers_run_the_same() {
    let data = tempfile::tempdir().unwrap();
    let _demo = Demo::start(data.path());
    for (name, file) in files() {
        let redis = Redis::start(&[file.to_str().unwrap()]);
        let variable = format!("VESTIBULE_STORES__{}", name.to_uppercase());
        let (lines, well) = check(&variable, &redis.url(), &format!("{name} store"));
        assert!(well && bad(&lines).is_empty(), "{name}: {lines:#?}");

        let ours = data.path().join(format!("redis-{name}/redis.sock"));
        let text = fs::read_to_string(&file).unwrap();
        let mut before = "";
        let mut directives = 0;
        for line in text.lines().filter(|line| !line.is_empty()) {
            if !line.starts_with('#') {
                let directive = line.split(' ').next().unwrap();
                let get = format!("CONFIG GET {directive}");
                let theirs = redis.ask(&get).unwrap();
                assert!(theirs.contains(directive), "{name}: {directive}: {theirs}");
                assert_eq!(
                    redis::ask(&ours, &get).unwrap(),
                    theirs,
                    "{name}: {directive}"
                );
                directives += 1;
                // One reason may stand for a group, but none stands alone.
                assert!(
                    before.starts_with('#') || !before.is_empty(),
                    "{name}: no reason: {line}"
                );
            }
            before = line;
        }
        assert!(directives >= 8, "{name}");
    }
}
