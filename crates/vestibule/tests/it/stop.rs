//! Every role ends when told to, at once when told twice, and never leaves a child behind.

use std::{fs, net::SocketAddr, os::unix::net::UnixStream, path::Path, process::Command};

use rustix::process::Signal;

use crate::process::{Demo, PATIENCE, Running, free, processes_naming, vestibule};

/// A single role's configuration: stores that are away, which is an outage and no reason to fail.
fn config(dir: &Path, operator: SocketAddr) -> Command {
    let keys = dir.join("keys");
    fs::create_dir_all(&keys).unwrap();
    fs::write(
        dir.join("passes.pem"),
        entry_pass::KeyRing::generate_pem().unwrap(),
    )
    .unwrap();
    let file = dir.join("vestibule.toml");
    let toml = format!(
        r#"
        [listen]
        gateway = "{}"
        purchase = "{}"
        operator = "{operator}"
        gateways = 2
        [stores]
        waitlist = "redis+unix://{dir}/away.sock"
        stock = "redis+unix://{dir}/away.sock"
        ledger = "sqlite://{dir}/ledger.sqlite"
        [keys]
        tickets = "{}"
        [operator]
        token = "0123456789abcdef"
        [gateway]
        public_url = "http://shop.test"
        [[gateway.rooms]]
        id = "main"
        upstream = "http://127.0.0.1:9"
        [purchase.sales.main]
        room = "main"
        "#,
        free(),
        free(),
        "ab".repeat(32),
        dir = dir.display(),
    );
    fs::write(&file, toml).unwrap();
    let mut command = vestibule();
    command
        .env("VESTIBULE_CONFIG", &file)
        .env("VESTIBULE_KEYS__PASSES_FILE", dir.join("passes.pem"));
    command
}

#[test]
fn each_single_role_starts_without_its_stores_and_stops_when_told() {
    for role in ["gateway", "purchase", "recorder"] {
        let dir = tempfile::tempdir().unwrap();
        let operator = free();
        let mut running = Running::start(
            config(dir.path(), operator).arg(role),
            operator,
            "/livez",
            "",
        );
        running.signal(Signal::TERM);
        assert_eq!(running.ended(), Some(0), "{role}");
    }
}

#[test]
fn serve_starts_what_is_missing_and_stops_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let (visitors, operator) = (free(), free());
    let mut command = vestibule();
    command
        .args(["serve", "--upstream", "http://127.0.0.1:9", "--data"])
        .arg(dir.path())
        .args([
            "--listen",
            &visitors.to_string(),
            "--operator",
            &operator.to_string(),
        ]);
    let mut running = Running::start(&mut command, operator, "/livez", "");
    running.signal(Signal::INT);
    assert_eq!(running.ended(), Some(0));
    assert!(processes_naming(dir.path()).is_empty());
}

#[test]
fn the_demo_stops_when_told_and_takes_its_children_along() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(dir.path());
    assert!(
        processes_naming(dir.path()).len() >= 3,
        "itself and two stores"
    );
    demo.process.signal(Signal::TERM);
    assert_eq!(demo.process.ended(), Some(0));
    assert!(processes_naming(dir.path()).is_empty());
}

#[test]
fn a_second_signal_stops_at_once_with_the_signals_own_code() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(dir.path());
    // A connection in the middle of a request holds up the drain, for as long as it may.
    let mut slow = std::net::TcpStream::connect(demo.visitors).unwrap();
    std::io::Write::write_all(
        &mut slow,
        b"POST /_wr/ticket/demo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\
          Expect: 100-continue\r\n\r\n",
    )
    .unwrap();
    // Asked for the body: it is being worked on. Before that, a stop would just hang up.
    let mut interim = [0; 12];
    std::io::Read::read_exact(&mut slow, &mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100");
    let began = std::time::Instant::now();
    demo.process.signal(Signal::TERM);
    // Two that arrive together are one to the kernel: the second goes until the process has ended.
    let code = loop {
        if let Some(status) = demo.process.0.try_wait().unwrap() {
            break status.code();
        }
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(std::time::Duration::from_millis(20));
        if demo.process.0.try_wait().unwrap().is_none() {
            demo.process.signal(Signal::TERM);
        }
    };
    assert_eq!(code, Some(143));
}

#[test]
fn children_never_outlive_a_parent_that_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(dir.path());
    let sockets = ["redis-waitlist", "redis-stock"].map(|d| dir.path().join(d).join("redis.sock"));
    for socket in &sockets {
        UnixStream::connect(socket).unwrap();
    }
    demo.process.signal(Signal::KILL);
    assert_eq!(demo.process.ended(), None);
    let began = std::time::Instant::now();
    while !processes_naming(dir.path()).is_empty() {
        assert!(
            began.elapsed() < PATIENCE,
            "{:?} live on",
            processes_naming(dir.path())
        );
        std::thread::yield_now();
    }
    for socket in &sockets {
        assert!(UnixStream::connect(socket).is_err());
    }
}
