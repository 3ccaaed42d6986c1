//! Lays file, environment and flags over one another and remembers who set what.
//!
//! A variable names its field by its path, two underscores between the steps:
//! `VESTIBULE_GATEWAY__ROOMS__0__CAPACITY=200` sets `gateway.rooms[0].capacity`. With `_FILE` at the
//! end the value is read from that file, so that a secret need not stand in the environment.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::ConfigError;

/// What a variable of ours begins with.
const PREFIX: &str = "VESTIBULE_";
/// Variables that begin so and are not settings.
const NOT_SETTINGS: [&str; 2] = ["VESTIBULE_CONFIG", "VESTIBULE_BIN"];

/// Who set a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The TOML file.
    File(PathBuf),
    /// A variable.
    Variable(String),
    /// A flag.
    Flag(&'static str),
    /// The role, where nobody said otherwise.
    Role(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) | Self::Role(name) => f.write_str(name),
        }
    }
}

/// A value given on the command line.
pub(crate) struct Flag {
    /// As typed, such as `--listen`.
    pub(crate) name: &'static str,
    /// Its path with dots: `gateway.rooms.0.upstream`.
    pub(crate) path: &'static str,
    /// The value.
    pub(crate) value: Value,
}

/// One step of a path: a key or an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Step {
    /// Into a table.
    Key(String),
    /// Into an array.
    Index(usize),
}

fn steps(path: &str, between: &str) -> Vec<Step> {
    path.split(between)
        .map(|step| match step.parse() {
            Ok(at) => Step::Index(at),
            Err(_) => Step::Key(step.to_owned()),
        })
        .collect()
}

/// A path as people write it: `gateway.rooms[0].capacity`.
pub(super) fn written(path: &[Step]) -> String {
    path.iter().fold(String::new(), |mut text, step| {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Index(at) => text.extend(["[", &at.to_string(), "]"]),
        }
        text
    })
}

/// Everything that was set, merged, and who set it.
#[derive(Default)]
pub(crate) struct Layers {
    pub(super) values: Table,
    pub(super) sources: BTreeMap<Vec<Step>, Source>,
    pub(super) complaints: Vec<String>,
}

impl Layers {
    /// Reads the file, if there is one, then the variables, then the flags.
    pub(crate) fn read(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
        flags: Vec<Flag>,
    ) -> Result<Self, ConfigError> {
        let mut layers = Self::default();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
                path: path.to_owned(),
                source,
            })?;
            layers.values = text.parse().map_err(|source| ConfigError::Syntax {
                path: path.to_owned(),
                source,
            })?;
            let mut leaves = Vec::new();
            collect_leaves(
                &Value::Table(layers.values.clone()),
                &mut Vec::new(),
                &mut leaves,
            );
            let source = Source::File(path.to_owned());
            layers
                .sources
                .extend(leaves.into_iter().map(|(leaf, _)| (leaf, source.clone())));
        }
        let mut variables: Vec<_> = variables.into_iter().collect();
        variables.sort();
        for (name, value) in variables {
            layers.variable(&name, value);
        }
        for Flag { name, path, value } in flags {
            layers.set(steps(path, "."), value, Source::Flag(name));
        }
        Ok(layers)
    }

    /// Everything the process was started with.
    pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
        std::env::vars_os().filter_map(|(name, value)| {
            Some((
                name.into_string().ok()?,
                value.to_string_lossy().into_owned(),
            ))
        })
    }

    /// What a role takes for granted where nothing around it was left out on purpose: set only if
    /// the value is missing and what it belongs to is there. Whether it was.
    pub(crate) fn assume(&mut self, role: &'static str, path: &'static str, value: &str) -> bool {
        let path = steps(path, ".");
        let mut root = Value::Table(self.values.clone());
        let parent = &path[..path.len() - 1];
        let there = super::read::at(&mut root, parent).is_some();
        let missing = super::read::at(&mut root, &path).is_none();
        let taken = missing && (there || parent.len() == 1);
        if taken {
            self.set(path, Value::String(value.to_owned()), Source::Role(role));
        }
        taken
    }

    fn variable(&mut self, name: &str, value: String) {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            return;
        };
        if NOT_SETTINGS.contains(&name) {
            return;
        }
        let (rest, value) = match rest.strip_suffix("_FILE") {
            None => (rest, guess(value)),
            Some(rest) => match std::fs::read_to_string(&value) {
                Ok(text) => (rest, Value::String(text.trim_end().to_owned())),
                Err(error) => {
                    self.complaints.push(format!("{name}: {value}: {error}"));
                    return;
                }
            },
        };
        let path = steps(&rest.to_ascii_lowercase(), "__");
        self.set(path, value, Source::Variable(name.to_owned()));
    }

    fn set(&mut self, path: Vec<Step>, value: Value, source: Source) {
        let mut root = Value::Table(std::mem::take(&mut self.values));
        let fits = place(&mut root, &path, value);
        if let Value::Table(values) = root {
            self.values = values;
        }
        if fits {
            self.sources.insert(path, source);
        } else {
            self.complaints
                .push(format!("{source}: there is no {} to set", written(&path)));
        }
    }

    /// Who set this value, or the nearest thing around it.
    pub(super) fn source(&self, path: &[Step]) -> Option<&Source> {
        (1..=path.len())
            .rev()
            .find_map(|length| self.sources.get(&path[..length]))
    }
}

/// A variable's text as the value it looks like. What should have been text is made text again when
/// its field says so.
fn guess(text: String) -> Value {
    format!("value = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or(Value::String(text))
}

/// Puts a value in its place, making tables and the next array element on the way.
fn place(into: &mut Value, path: &[Step], value: Value) -> bool {
    let Some((step, rest)) = path.split_first() else {
        *into = value;
        return true;
    };
    let missing = || match rest.first() {
        Some(Step::Index(_)) => Value::Array(Vec::new()),
        _ => Value::Table(Table::new()),
    };
    match (step, into) {
        (Step::Key(key), Value::Table(table)) => {
            place(table.entry(key).or_insert_with(missing), rest, value)
        }
        (Step::Index(at), Value::Array(array)) => {
            if *at == array.len() {
                array.push(missing());
            }
            array
                .get_mut(*at)
                .is_some_and(|element| place(element, rest, value))
        }
        _ => false,
    }
}

/// Every value that is neither a table nor an array of tables, with its path.
pub(super) fn collect_leaves(
    value: &Value,
    path: &mut Vec<Step>,
    leaves: &mut Vec<(Vec<Step>, Value)>,
) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                path.push(Step::Key(key.clone()));
                collect_leaves(value, path, leaves);
                path.pop();
            }
        }
        Value::Array(array) if array.iter().any(Value::is_table) => {
            for (at, value) in array.iter().enumerate() {
                path.push(Step::Index(at));
                collect_leaves(value, path, leaves);
                path.pop();
            }
        }
        _ => leaves.push((path.clone(), value.clone())),
    }
}
