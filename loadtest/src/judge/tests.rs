//! An honest run that every check passes, and for every check a run doctored so that it fails: a
//! check that cannot turn red is a defect.

use std::collections::BTreeSet;

use super::*;
use crate::observation::Ask;

mod doctored;
mod excused;
mod scene;

use doctored::DOCTORED;
use excused::EXCUSED;
use scene::Scene;

#[test]
fn an_honest_run_keeps_every_promise() {
    let verdict = Scene::honest().judged();
    let broken: Vec<&Check> = verdict.broken().collect();
    assert!(verdict.kept && broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_check_turns_red_when_its_promise_is_broken() {
    for (at, (name, doctor)) in DOCTORED.iter().enumerate() {
        let mut scene = Scene::honest();
        doctor(&mut scene);
        let verdict = scene.judged();
        let check = verdict
            .check(name)
            .unwrap_or_else(|| panic!("no check {name}"));
        assert!(
            !check.kept,
            "doctored run {at} was not noticed by {name}: {verdict:#?}"
        );
        assert!(!verdict.kept);
        assert!(check.examples.len() <= Check::EXAMPLES);
    }
}

#[test]
fn no_check_is_without_a_run_that_breaks_it() {
    let verdict = Scene::honest().judged();
    let judged = verdict
        .checks
        .iter()
        .filter(|check| check.allowed != Allowed::Any);
    let judged: BTreeSet<&str> = judged.map(|check| check.name.as_str()).collect();
    let doctored: BTreeSet<&str> = DOCTORED.iter().map(|(name, _)| *name).collect();
    assert_eq!(judged, doctored);
}

#[test]
fn nothing_is_called_broken_that_may_be_honest() {
    for (how, name, doctor) in EXCUSED {
        let mut scene = Scene::honest();
        doctor(&mut scene);
        let verdict = scene.judged();
        let check = verdict.check(name).unwrap();
        assert!(check.kept, "{how}: {check:#?}");
    }
}

#[test]
fn fewer_buyers_than_units_must_all_get_theirs() {
    let mut scene = Scene::honest();
    scene.plan.stock = 50;
    scene.counts = SaleCounts {
        available: 48,
        sold: 2,
        supplied: 50,
        ..scene.counts
    };
    let verdict = scene.judged();
    let sold = verdict.check("sold").unwrap();
    assert_eq!((sold.allowed, sold.kept), (Allowed::AtLeast(4), false));
}

#[test]
fn orders_nobody_was_told_of_are_named_and_not_judged() {
    let mut scene = Scene::honest();
    scene
        .seen
        .answers
        .retain(|answer| answer.visitor != 1 || answer.ask != Ask::Confirm);
    let verdict = scene.judged();
    let untold = verdict.check("untold_orders").unwrap();
    assert_eq!((untold.found, untold.kept), (1, true));
}

#[test]
fn the_operators_counts_are_read_in_either_shape() {
    let flat = serde_json::json!({"available": 1, "held": 2, "sold": 3, "supplied": 6});
    let list = serde_json::json!({"sale": "demo", "as_of": 9, "skus": [
        {"sku": "a", "available": 1, "held": 1, "sold": 3, "supplied": 5},
        {"sku": "b", "available": 0, "held": 1, "sold": 0, "supplied": 1},
    ]});
    let counts = SaleCounts {
        available: 1,
        held: 2,
        sold: 3,
        supplied: 6,
        as_of: 9,
    };
    assert_eq!(SaleCounts::from_json(&flat, 9).unwrap(), counts);
    assert_eq!(SaleCounts::from_json(&list, 0).unwrap(), counts);
    assert!(SaleCounts::from_json(&serde_json::json!({}), 0).is_err());
}
