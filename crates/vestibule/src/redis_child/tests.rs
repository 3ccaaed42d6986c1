use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
};

use rustix::process::Pid;

use super::*;

fn ask(child: &RedisChild, command: &str) -> String {
    let mut stream = UnixStream::connect(&child.socket).unwrap();
    stream
        .write_all(format!("{command}\r\n").as_bytes())
        .unwrap();
    let mut answer = [0; 256];
    let length = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

fn start(purpose: Purpose, data: &Path) -> RedisChild {
    RedisChild::start(&Program::find().unwrap(), purpose, data).unwrap()
}

#[test]
fn a_restart_goes_on_with_the_same_data() {
    let data = tempfile::tempdir().unwrap();
    for purpose in [Purpose::Waitlist, Purpose::Stock] {
        let child = start(purpose, data.path());
        assert_eq!(ask(&child, "SET kept 1"), "+OK\r\n");
        assert!(ask(&child, "CONFIG GET maxmemory-policy").contains("noeviction"));
        drop(child);
        let child = start(purpose, data.path());
        assert_eq!(ask(&child, "GET kept"), "$1\r\n1\r\n", "{purpose:?}");
    }
}

#[test]
fn a_server_that_dies_is_started_again_with_its_data() {
    let data = tempfile::tempdir().unwrap();
    let child = start(Purpose::Stock, data.path());
    assert_eq!(ask(&child, "SET kept 1"), "+OK\r\n");
    let first = child.pid().unwrap();
    let pid = Pid::from_raw(first.cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let answer = loop {
        if child.pid().is_some_and(|now| now != first)
            && let Ok(mut stream) = UnixStream::connect(&child.socket)
        {
            let mut answer = [0; 64];
            stream.write_all(b"GET kept\r\n").unwrap();
            let length = stream.read(&mut answer).unwrap_or(0);
            if answer.starts_with(b"$") {
                break answer[..length].to_vec();
            }
        }
        std::thread::yield_now();
    };
    assert_eq!(answer, b"$1\r\n1\r\n");
}

#[test]
fn a_torn_tail_is_cut_off_before_the_stock_is_served() {
    let data = tempfile::tempdir().unwrap();
    let child = start(Purpose::Stock, data.path());
    assert_eq!(ask(&child, "SET kept 1"), "+OK\r\n");
    drop(child);
    let logs = data.path().join("redis-stock/appendonlydir");
    let log = std::fs::read_dir(&logs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with("incr.aof"))
        .unwrap();
    // Half of a transaction: what a kill in mid-write leaves.
    let torn = b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\nkept\r\n$1\r\n2\r\n*2\r\n$4\r\nIN";
    std::fs::OpenOptions::new()
        .append(true)
        .open(log)
        .unwrap()
        .write_all(torn)
        .unwrap();
    for _ in 0..2 {
        let child = start(Purpose::Stock, data.path());
        assert_eq!(ask(&child, "GET kept"), "$1\r\n1\r\n");
    }
}

#[test]
fn a_path_too_long_for_a_socket_is_one_sentence() {
    let data = tempfile::tempdir().unwrap();
    let long = data.path().join("x".repeat(120));
    let error = RedisChild::start(&Program::find().unwrap(), Purpose::Stock, &long)
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("choose a shorter --data"),
        "{error}"
    );
}
