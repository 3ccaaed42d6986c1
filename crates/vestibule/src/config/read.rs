//! From merged values to a [`Config`], or to every complaint at once.
//!
//! Deserializing stops at the first mistake. So each mistake is noted, taken out (or a stand-in put
//! where a value is missing) and the rest is read again, until what remains can be judged as a
//! whole by whoever knows what the role at hand demands.

use std::collections::HashSet;

use serde_path_to_error::Segment;
use toml::Value;

use super::{
    Config, ConfigError,
    layers::{Layers, Step, written},
};

/// More mistakes than this are not worth a person's reading.
const MOST: usize = 100;

/// Values for fields that must be there, so that the rest of their table can be judged.
fn stand_in(field: &str, count: usize) -> Option<Value> {
    Some(match field {
        "id" | "sale" | "room" | "sku" => Value::String(format!("missing-{count}")),
        "upstream" => Value::String("http://127.0.0.1:1".to_owned()),
        "supplied" | "limit_per_person" | "per_second" | "burst" | "ahead" => {
            Value::Integer(count as i64 + 1)
        }
        "after" => Value::String("1s".to_owned()),
        _ => return None,
    })
}

impl Layers {
    /// Reads the configuration; `judge` says what is wrong with it for the role at hand.
    pub(crate) fn into_config(
        mut self,
        judge: impl FnOnce(&Config) -> Vec<String>,
    ) -> Result<(Config, Self), ConfigError> {
        let mut complaints = std::mem::take(&mut self.complaints);
        let mut taken_out = HashSet::new();
        let mut root = Value::Table(self.values.clone());
        let config = loop {
            let error = match serde_path_to_error::deserialize::<_, Config>(root.clone()) {
                Ok(config) => break config,
                Err(error) => error,
            };
            let mut path: Vec<Step> = error.path().iter().filter_map(step).collect();
            let said = error.inner().message().to_owned();
            if complaints.len() > MOST || path.is_empty() && !said.starts_with("missing") {
                complaints.push(said);
                return Err(ConfigError::Complaints(complaints));
            }
            if let Some(field) = quoted_after(&said, "missing field ") {
                let stand_in = stand_in(field, complaints.len());
                path.push(Step::Key(field.to_owned()));
                if !taken_out.contains(&path) {
                    complaints.push(format!("{}: must be given", written(&path)));
                }
                if !stand_in.is_some_and(|value| put(&mut root, &path, value)) {
                    path.pop();
                    take_out(&mut root, &path);
                }
                continue;
            }
            if said.contains("expected a string") && self.as_text(&mut root, &path) {
                continue;
            }
            complaints.push(format!("{}: {said}{}", written(&path), self.whose(&path)));
            take_out(&mut root, &path);
            taken_out.insert(path);
        };
        complaints.extend(judge(&config));
        if complaints.is_empty() {
            Ok((config, self))
        } else {
            Err(ConfigError::Complaints(complaints))
        }
    }

    /// A variable's `123` was meant as text where text is expected.
    fn as_text(&self, root: &mut Value, path: &[Step]) -> bool {
        let from_a_variable = matches!(
            self.sources.get(path),
            Some(super::layers::Source::Variable(_))
        );
        let Some(value) = at(root, path) else {
            return false;
        };
        if !from_a_variable || value.is_str() {
            return false;
        }
        *value = Value::String(value.to_string());
        true
    }

    /// Where a complaint's value came from, unless it is plain from the file alone.
    fn whose(&self, path: &[Step]) -> String {
        self.source(path)
            .map(|source| format!(" (from {source})"))
            .unwrap_or_default()
    }
}

fn step(segment: &Segment) -> Option<Step> {
    match segment {
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

fn quoted_after<'a>(said: &'a str, start: &str) -> Option<&'a str> {
    said.strip_prefix(start)?.split('`').nth(1)
}

/// What is at the path.
pub(super) fn at<'a>(root: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(root, |value, step| match step {
        Step::Key(key) => value.get_mut(key.as_str()),
        Step::Index(index) => value.get_mut(*index),
    })
}

fn put(root: &mut Value, path: &[Step], value: Value) -> bool {
    let Some((Step::Key(key), parent)) = path.split_last() else {
        return false;
    };
    let Some(Value::Table(table)) = at(root, parent) else {
        return false;
    };
    table.insert(key.clone(), value).is_none()
}

/// Removes what is at the path. An array's element goes with its array: the others' indices must
/// stay what the reader sees in the file.
fn take_out(root: &mut Value, path: &[Step]) {
    let Some((last, parent)) = path.split_last() else {
        *root = Value::Table(toml::Table::new());
        return;
    };
    match (last, at(root, parent)) {
        (Step::Key(key), Some(Value::Table(table))) => {
            table.remove(key);
        }
        _ => take_out(root, parent),
    }
}
