//! The rules: what a server must be like, and what is lost if it is not.

use super::{Finding, Purpose, ServerFacts, Weight};

/// The oldest version whose commands the scripts use.
const OLDEST: (u32, u32) = (6, 2);
/// Less than this is filled by one sale of 100 000 orders with its idempotency keys.
const SMALL: u64 = 256 << 20;

pub(super) fn of(facts: &ServerFacts, purpose: Purpose) -> Vec<Finding> {
    let mut findings = Vec::new();
    server(facts, &mut findings);
    memory(facts, purpose, &mut findings);
    persistence(facts, purpose, &mut findings);
    replicas(facts, purpose, &mut findings);
    findings
}

fn server(facts: &ServerFacts, findings: &mut Vec<Finding>) {
    let mut parts = facts
        .said("redis_version")
        .split('.')
        .map(str::parse::<u32>);
    if let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next())
        && (major, minor) < OLDEST
    {
        let version = facts.version();
        fail(
            findings,
            false,
            format!("version {version} is too old for the scripts: install 6.2 or newer"),
        );
    }
    if facts.said("cluster_enabled") == "1" {
        warn(
            findings,
            "it runs in cluster mode, which is not tested: give a single server",
        );
    }
    if facts.said("role") == "slave" {
        fail(
            findings,
            true,
            "it is a replica: writes are refused, or lost at its next resync; give the primary's URL",
        );
    }
}

fn memory(facts: &ServerFacts, purpose: Purpose, findings: &mut Vec<Finding>) {
    let policy = facts.said("maxmemory_policy");
    if policy != "noeviction" {
        let what = match purpose {
            Purpose::Waitlist => "places",
            Purpose::Stock => "holds and orders",
        };
        fail(
            findings,
            true,
            format!(
                "maxmemory-policy is {policy}: a full server drops {what} without a word; set maxmemory-policy noeviction"
            ),
        );
    }
    let number = |name| facts.said(name).parse::<u64>().unwrap_or(0);
    let (most, used) = (number("maxmemory"), number("used_memory"));
    if most > 0 && (most < SMALL || used > most / 2) {
        let mb = |bytes: u64| bytes >> 20;
        let text = format!(
            "maxmemory is {} MB, {} MB of it used: a full server refuses all writes, which stops the sale; set at least {} MB and twice what is used",
            mb(most),
            mb(used),
            mb(SMALL)
        );
        warn(findings, text);
    }
}

fn persistence(facts: &ServerFacts, purpose: Purpose, findings: &mut Vec<Finding>) {
    let stock = purpose == Purpose::Stock;
    let mut found = |loses: bool, text: &str| {
        let weight = if stock { Weight::Fail } else { Weight::Warn };
        findings.push(Finding {
            weight,
            loses,
            text: text.to_owned(),
        });
    };
    if facts.said("aof_enabled") != "1" {
        found(
            true,
            "appendonly is off: a restart loses everything since the last snapshot; set appendonly yes",
        );
    }
    let Some(settings) = &facts.settings else {
        let wanted = if stock {
            "appendfsync always, no-appendfsync-on-rewrite no and aof-load-truncated no"
        } else {
            "appendfsync everysec or always"
        };
        let text = format!(
            "CONFIG is forbidden here, so its settings are not known: make sure of {wanted}"
        );
        return warn(findings, text);
    };
    let set = |name: &str| settings.get(name).map_or("", String::as_str);
    match (set("appendfsync"), stock) {
        ("always", _) | ("everysec", false) => {}
        ("everysec", true) => found(
            true,
            "appendfsync is everysec: a kill while the disk is slow, or a power cut, loses a second of what was answered; set appendfsync always",
        ),
        (_, true) => found(
            true,
            "appendfsync is no: a power cut loses half a minute of what was answered; set appendfsync always",
        ),
        (_, false) => found(
            true,
            "appendfsync is no: a power cut loses half a minute of the line; set appendfsync everysec",
        ),
    }
    if !stock {
        return;
    }
    if set("no-appendfsync-on-rewrite") == "yes" {
        found(
            true,
            "no-appendfsync-on-rewrite is yes: while the log is rewritten nothing is on disk when it is answered; set no-appendfsync-on-rewrite no",
        );
    }
    if set("aof-load-truncated") == "yes" {
        found(
            true,
            "aof-load-truncated is yes: after a torn tail, a restart can lose what was answered and bring half a script to life; set aof-load-truncated no and run redis-check-aof --fix before each start",
        );
    }
    if !set("save").is_empty() {
        warn(
            findings,
            format!(
                "save is \"{}\": snapshots add nothing to the log and stop the server while it forks; set save \"\"",
                set("save")
            ),
        );
    }
}

fn replicas(facts: &ServerFacts, purpose: Purpose, findings: &mut Vec<Finding>) {
    let replicas = facts.said("connected_slaves").parse::<u32>().unwrap_or(0);
    let waits = facts
        .settings
        .as_ref()
        .and_then(|settings| settings.get("min-replicas-to-write"));
    if purpose == Purpose::Stock && replicas > 0 && waits.is_none_or(|least| least == "0") {
        findings.push(Finding {
            weight: Weight::Warn,
            loses: true,
            text: "it has replicas, and min-replicas-to-write is 0: a failover to one that lags loses what was answered; set min-replicas-to-write 1, or fail over by hand".to_owned(),
        });
    }
}

fn fail(findings: &mut Vec<Finding>, loses: bool, text: impl Into<String>) {
    findings.push(Finding {
        weight: Weight::Fail,
        loses,
        text: text.into(),
    });
}

fn warn(findings: &mut Vec<Finding>, text: impl Into<String>) {
    findings.push(Finding {
        weight: Weight::Warn,
        loses: false,
        text: text.into(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Servers that cannot be had here; the rest is tested on real ones.
    #[test]
    fn a_version_whose_commands_the_scripts_need_is_asked_for() {
        for (version, fails) in [
            ("5.0.14", true),
            ("6.0.20", true),
            ("6.2.0", false),
            ("7.0.15", false),
            ("10.1.0", false),
        ] {
            let facts = ServerFacts {
                info: [("redis_version".to_owned(), version.to_owned())].into(),
                ..ServerFacts::default()
            };
            let said = facts.findings(Purpose::Waitlist);
            assert_eq!(
                said.iter().any(|f| f.text.contains("too old")),
                fails,
                "{version}"
            );
        }
    }
}
