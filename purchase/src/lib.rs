//! Skeleton.
#[derive(Debug,Clone,Default,serde::Serialize,serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config { pub hold: u64 }
impl Config { pub fn validate(&self)->Vec<String>{vec![]} }
