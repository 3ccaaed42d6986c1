use std::{fs, path::Path};

use super::*;

mod sample;

/// What must be there so that nothing else complains.
const ROOM: &str = "[[gateway.rooms]]\nid = \"main\"\nupstream = \"http://127.0.0.1:3000\"\n";

fn read(
    toml: &str,
    variables: &[(&str, &str)],
    flags: Vec<Flag>,
) -> Result<(Config, Layers), ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("vestibule.toml");
    fs::write(&file, toml).unwrap();
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Layers::read(Some(&file), variables, flags)?.into_config(Config::complaints)
}

fn complaints(toml: &str, variables: &[(&str, &str)]) -> Vec<String> {
    match read(toml, variables, Vec::new()) {
        Err(ConfigError::Complaints(complaints)) => complaints,
        other => panic!(
            "expected complaints, got {:?}",
            other.map(|(config, _)| config)
        ),
    }
}

fn listen(value: &str) -> Flag {
    Flag {
        name: "--listen",
        path: "listen.gateway",
        value: value.into(),
    }
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let file = format!("[listen]\ngateway = \"127.0.0.1:1\"\n{ROOM}");
    let port = |variables: &[_], flags| {
        read(&file, variables, flags)
            .unwrap()
            .0
            .listen
            .gateway
            .port()
    };
    assert_eq!(
        read(ROOM, &[], vec![]).unwrap().0.listen.gateway.port(),
        8080
    );
    assert_eq!(port(&[], vec![]), 1);
    let variable = [("VESTIBULE_LISTEN__GATEWAY", "127.0.0.1:2")];
    assert_eq!(port(&variable, vec![]), 2);
    assert_eq!(port(&variable, vec![listen("127.0.0.1:3")]), 3);
}

#[test]
fn every_complaint_comes_at_once_with_the_path_of_its_field() {
    let found = complaints(
        r#"
        lisen = 1
        [listen]
        gateway = "nowhere"
        [log]
        jsn = true
        [gateway.limits]
        remembered = "many"
        [[gateway.rooms]]
        id = "Main"
        capacity = 0
        [[gateway.rooms]]
        upstream = "ftp://x"
        routes = [{ path = "/b" }]
        "#,
        &[
            ("VESTIBULE_LOG__FILTR", "info"),
            ("VESTIBULE_KEYS__TICKETS_FILE", "/not/there"),
        ],
    );
    for start in [
        "lisen: unknown field",
        "listen.gateway: ",
        "log.jsn: unknown field",
        "log.filtr: unknown field",
        "gateway.limits.remembered: invalid type",
        "gateway.rooms[0].id: ",
        "gateway.rooms[0].upstream: must be given",
        "gateway.rooms[0].capacity: must be at least 1",
        "gateway.rooms[1].id: must be given",
        "gateway.rooms[1].upstream: must be",
        "VESTIBULE_KEYS__TICKETS_FILE: /not/there: ",
    ] {
        assert!(
            found.iter().any(|c| c.starts_with(start)),
            "{start} in {found:#?}"
        );
    }
    assert!(
        found
            .iter()
            .any(|c| c.ends_with("(from VESTIBULE_LOG__FILTR)")),
        "{found:#?}"
    );
    assert_eq!(found.len(), 11, "{found:#?}");
}

#[test]
fn a_variable_reaches_into_a_room_and_may_look_like_a_number() {
    let variables = [
        ("VESTIBULE_GATEWAY__ROOMS__0__CAPACITY", "7"),
        ("VESTIBULE_OPERATOR__TOKEN", "123456"),
        ("VESTIBULE_LOG__JSON", "true"),
    ];
    let (config, _) = read(ROOM, &variables, vec![]).unwrap();
    assert_eq!(config.gateway.rooms[0].capacity, 7);
    assert_eq!(config.operator.token.unwrap().reveal(), "123456");
    assert!(config.log.json);
}

#[test]
fn a_secret_can_come_from_a_file_and_is_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("token");
    fs::write(&secret, "sesame\n").unwrap();
    let variables = [("VESTIBULE_OPERATOR__TOKEN_FILE", secret.to_str().unwrap())];
    let (config, layers) = read(ROOM, &variables, vec![listen("127.0.0.1:3")]).unwrap();
    assert_eq!(config.operator.token.as_ref().unwrap().reveal(), "sesame");
    let shown = show(&config, &layers).unwrap();
    assert!(!shown.contains("sesame") && !format!("{config:?}").contains("sesame"));
    for line in [
        (
            "operator.token = \"(hidden)\"",
            "VESTIBULE_OPERATOR__TOKEN_FILE",
        ),
        ("listen.gateway = \"127.0.0.1:3\"", "--listen"),
        ("log.json = false", "default"),
    ] {
        let found = shown
            .lines()
            .any(|l| l.starts_with(line.0) && l.ends_with(line.1));
        assert!(found, "{line:?} in\n{shown}");
    }
}

#[test]
fn a_broken_or_missing_file_is_named() {
    let error = read("listen = ", &[], vec![]).err().unwrap().to_string();
    assert!(error.contains("vestibule.toml"), "{error}");
    let missing = Layers::read(Some(Path::new("/not/there.toml")), [], vec![])
        .err()
        .unwrap();
    assert!(
        missing.to_string().starts_with("/not/there.toml: "),
        "{missing}"
    );
}
