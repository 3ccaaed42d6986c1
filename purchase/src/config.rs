//! What an operator may set of the purchase side.

use std::{collections::BTreeMap, time::Duration};

use ::entry_pass::{RoomId, SaleId, Sku};
use lua::sale::MOST_UNITS;
use serde::{Deserialize, Serialize};

/// The purchase side's configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The sales, by name.
    pub sales: BTreeMap<SaleId, SaleConfig>,
    /// How long a confirm waits for the ledger before it answers 202.
    #[serde(with = "humantime_serde")]
    pub confirm_wait: Duration,
    /// How long one request may take in all.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// Most requests worked on at once; more are answered 503.
    pub most_at_once: usize,
    /// Passes remembered so that they need not be verified again, about 1 KB each.
    pub passes_remembered: usize,
    /// How often the sweeper looks for holds whose time is over.
    #[serde(with = "humantime_serde")]
    pub sweep_every: Duration,
    /// Whether this process records too. Any number may: one is active, the others stand by.
    pub recorder: bool,
    /// How long a recorder keeps its lease without renewing it.
    #[serde(with = "humantime_serde")]
    pub recorder_lease: Duration,
    /// How long in-flight requests may take when stopping.
    #[serde(with = "humantime_serde")]
    pub drain: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sales: BTreeMap::new(),
            confirm_wait: Duration::from_secs(2),
            request_timeout: Duration::from_secs(10),
            most_at_once: 8_192,
            passes_remembered: 50_000,
            sweep_every: Duration::from_millis(250),
            recorder: true,
            recorder_lease: Duration::from_secs(3),
            drain: Duration::from_secs(10),
        }
    }
}

/// One sale.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaleConfig {
    /// The room it is offered through: reserving takes a running pass of that room.
    pub room: RoomId,
    /// What is sold. Used once, to seed a sale that neither store nor ledger knows.
    #[serde(default)]
    pub skus: BTreeMap<Sku, SkuConfig>,
    /// Most units of an sku per person, where the sku does not say.
    #[serde(default = "one")]
    pub limit_per_person: u32,
    /// How long a reservation is held for its payment.
    #[serde(default = "two_minutes", with = "humantime_serde")]
    pub hold_ttl: Duration,
    /// How long an idempotency key is remembered.
    #[serde(default = "a_day", with = "humantime_serde")]
    pub idempotency_ttl: Duration,
    /// Who may confirm.
    #[serde(default)]
    pub confirm_by: ConfirmBy,
    /// When a confirm is answered 200.
    #[serde(default)]
    pub acknowledge: Acknowledge,
}

/// One sku.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkuConfig {
    /// Units in all.
    pub supplied: u32,
    /// Most per person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_per_person: Option<u32>,
}

/// Who may confirm a reservation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfirmBy {
    /// The shop's payment service, on the operator listener.
    #[default]
    Shop,
    /// Also the person.
    Visitor,
}

/// When a confirm is answered 200.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acknowledge {
    /// Once the ledger has it: it survives the loss of the stock store.
    #[default]
    Ledger,
    /// Once the stock store has it on disk: faster, and lost if that disk is lost before the
    /// recorder came by.
    Stock,
}

impl Config {
    /// Every complaint at once, each with the path of its field.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut rooms: BTreeMap<&RoomId, &SaleId> = BTreeMap::new();
        let mut skus: BTreeMap<&Sku, &SaleId> = BTreeMap::new();
        for (id, sale) in &self.sales {
            if let Some(other) = rooms.insert(&sale.room, id) {
                complaints.push(format!(
                    "sales.{id}.room: room {} already sells sale {other}",
                    sale.room
                ));
            }
            limit(
                &mut complaints,
                &format!("sales.{id}"),
                sale.limit_per_person,
            );
            if sale.hold_ttl < Duration::from_secs(1) {
                complaints.push(format!("sales.{id}.hold_ttl: must be at least 1s"));
            }
            if sale.idempotency_ttl < sale.hold_ttl {
                complaints.push(format!("sales.{id}.idempotency_ttl: must outlast hold_ttl"));
            }
            for (sku, config) in &sale.skus {
                if let Some(other) = skus.insert(sku, id) {
                    complaints.push(format!(
                        "sales.{id}.skus.{sku}: sale {other} has this sku already"
                    ));
                }
                if let Some(most) = config.limit_per_person {
                    limit(&mut complaints, &format!("sales.{id}.skus.{sku}"), most);
                }
            }
        }
        for (field, value) in [
            ("sweep_every", self.sweep_every),
            ("request_timeout", self.request_timeout),
            ("recorder_lease", self.recorder_lease),
        ] {
            if value.is_zero() {
                complaints.push(format!("{field}: must be longer than nothing"));
            }
        }
        if self.sweep_every > Duration::from_secs(2) {
            complaints
                .push("sweep_every: must be at most 2s, or time stands still for holds".into());
        }
        if self.most_at_once == 0 {
            complaints.push("most_at_once: must be at least 1".into());
        }
        complaints
    }
}

fn limit(complaints: &mut Vec<String>, path: &str, limit: u32) {
    if !(1..=MOST_UNITS).contains(&limit) {
        complaints.push(format!(
            "{path}.limit_per_person: must be 1 to {MOST_UNITS}"
        ));
    }
}

fn one() -> u32 {
    1
}

fn two_minutes() -> Duration {
    Duration::from_mins(2)
}

fn a_day() -> Duration {
    Duration::from_hours(24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_with_their_unit_and_unknown_keys_are_refused() {
        let sale = r#"{"room":"main","hold_ttl":"90s","skus":{"a":{"supplied":3}}}"#;
        let sale: SaleConfig = serde_json::from_str(sale).unwrap();
        assert_eq!(
            (sale.hold_ttl, sale.limit_per_person),
            (Duration::from_secs(90), 1)
        );
        assert!(serde_json::from_str::<SaleConfig>(r#"{"room":"main","hold":"90s"}"#).is_err());
        assert!(serde_json::from_str::<SaleConfig>(r#"{"room":"main","hold_ttl":90}"#).is_err());
        assert!(serde_json::from_str::<Config>(r#"{"sale":{}}"#).is_err());
    }

    #[test]
    fn all_complaints_come_at_once_with_the_path_of_their_field() {
        let config = r#"{"sweep_every":"9s","most_at_once":0,"sales":{
            "a":{"room":"main","limit_per_person":0,"hold_ttl":"0s","skus":{"x":{"supplied":1}}},
            "b":{"room":"main","skus":{"x":{"supplied":1,"limit_per_person":101}}}}}"#;
        let config: Config = serde_json::from_str(config).unwrap();
        let complaints = config.complaints().join("\n");
        for path in [
            "sweep_every",
            "most_at_once",
            "sales.a.limit_per_person",
            "sales.a.hold_ttl",
            "sales.b.room",
            "sales.b.skus.x:",
            "sales.b.skus.x.limit_per_person",
        ] {
            assert!(complaints.contains(path), "{path} in {complaints}");
        }
        assert!(Config::default().complaints().is_empty());
    }
}
