//! `config show`: every value in effect, and who set it.

use std::fmt::Write;

use toml::Value;

use super::{
    Config,
    layers::{Layers, collect_leaves, written},
};

/// One line a value, as `path = value  # source`. Secrets are hidden by their type.
pub(crate) fn show(config: &Config, layers: &Layers) -> Result<String, toml::ser::Error> {
    let mut leaves = Vec::new();
    collect_leaves(&Value::try_from(config)?, &mut Vec::new(), &mut leaves);
    let lines: Vec<(String, String)> = leaves
        .into_iter()
        .map(|(path, value)| {
            let source = layers
                .source(&path)
                .map_or("default".to_owned(), ToString::to_string);
            (format!("{} = {value}", written(&path)), source)
        })
        .collect();
    let width = lines
        .iter()
        .map(|(line, _)| line.chars().count())
        .max()
        .unwrap_or(0)
        .min(60);
    let mut shown = String::new();
    for (line, source) in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(shown, "{line:<width$}  # {source}");
    }
    Ok(shown)
}
