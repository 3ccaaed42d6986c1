//! The client of `scripts/bench-reserve.sh`: prepares passes, then reserves as fast as it is told.
//!
//! Passes are signed beforehand, because signing costs more than reserving. Every request is a new
//! idempotency key, so that each answer is a decision and none a repeat, unless a repeat is asked
//! for. One thread, a fixed number of connections, a bounded count and a bounded time: what it
//! measures is the service and hardly itself.

mod drive;
mod prepare;

use std::collections::HashMap;

/// `--name value` pairs after the verb.
pub(crate) struct Flags(HashMap<String, String>);

impl Flags {
    fn read(mut words: impl Iterator<Item = String>) -> Self {
        let mut flags = HashMap::new();
        while let (Some(name), Some(value)) = (words.next(), words.next()) {
            flags.insert(name.trim_start_matches('-').to_owned(), value);
        }
        Self(flags)
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, String> {
        let value = self.0.get(name).map(String::as_str);
        value.ok_or_else(|| format!("--{name} is missing"))
    }

    pub(crate) fn number(&self, name: &str) -> Result<u64, String> {
        let text = self.text(name)?;
        text.parse().map_err(|_| format!("--{name}: {text}"))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let verb = words.next().unwrap_or_default();
    let flags = Flags::read(words);
    match verb.as_str() {
        "prepare" => prepare::run(&flags),
        "drive" => drive::run(&flags),
        _ => Err("prepare or drive; see scripts/bench-reserve.sh".into()),
    }
}
