//! The commented sample must say what the code does.

use toml::{Table, Value};

use super::*;
use crate::config::layers::{Step, collect_leaves, written};

const SAMPLE: &str = include_str!("../../../../../deploy/vestibule.sample.toml");

fn leaves(config: &Config) -> Vec<(Vec<Step>, Value)> {
    let mut leaves = Vec::new();
    collect_leaves(
        &Value::try_from(config).unwrap(),
        &mut Vec::new(),
        &mut leaves,
    );
    leaves
}

fn named(values: &str) -> Config {
    read(values, &[], vec![]).unwrap().0
}

#[test]
fn the_sample_can_be_run_and_every_value_in_it_is_the_default() {
    let sample = leaves(&named(SAMPLE));
    let least = "[[gateway.rooms]]\nid = \"main\"\nupstream = \"http://127.0.0.1:3000\"\n\
                 sale = \"main\"\n[gateway]\npurchase = \"http://127.0.0.1:7070\"\n\
                 [purchase.sales.main]\nroom = \"main\"\n\
                 [purchase.sales.main.skus.demo-unit]\nsupplied = 100\n";
    assert_eq!(sample, leaves(&named(least)));
}

#[test]
fn the_sample_states_every_setting() {
    let stated: Table = SAMPLE.parse().unwrap();
    let mut found = Vec::new();
    collect_leaves(&Value::Table(stated), &mut Vec::new(), &mut found);
    let found: Vec<String> = found.iter().map(|(path, _)| written(path)).collect();
    for (path, _) in leaves(&named(SAMPLE)) {
        let path = written(&path);
        let stated = found
            .iter()
            .any(|f| *f == path || path.starts_with(&format!("{f}.")));
        assert!(stated, "{path} is not in the sample");
    }
}
