//! Everything a sale keeps, as lines of text: what the store has, and what it must have.

use std::collections::BTreeMap;

use lua::{
    keys::{MARKER, SaleKeys},
    sale::{Sale, State},
};
use redis::aio::ConnectionLike;

use super::{
    fixture::KEEP,
    model::{Model, list},
};

/// Name and value of everything that is kept.
pub(crate) type Picture = BTreeMap<String, String>;

type Pairs = Vec<(String, String)>;
type Members = Vec<String>;

/// What the store has. `keys`: the idempotency keys to look for.
pub(crate) async fn taken(
    sale: &Sale,
    redis: &mut impl ConnectionLike,
    keys: impl Iterator<Item = (&'static str, String)>,
) -> Picture {
    let k = sale.keys();
    let (state, stock, free, slots, records, deadlines, ended): (
        Pairs,
        Pairs,
        Members,
        Pairs,
        Pairs,
        Pairs,
        Pairs,
    ) = redis::pipe()
        .hgetall(&k.state)
        .hgetall(&k.stock)
        .zrange(&k.free, 0, -1)
        .hgetall(&k.slots)
        .hgetall(&k.reservations)
        .zrange_withscores(&k.deadlines, 0, -1)
        .zrange_withscores(&k.ended, 0, -1)
        .query_async(redis)
        .await
        .unwrap();
    let mut picture = Picture::new();
    let mut add = |what: &str, pairs: Pairs| {
        for (name, value) in pairs.into_iter().filter(|(name, _)| name != MARKER) {
            picture.insert(format!("{what} {name}"), value);
        }
    };
    // Which process it is open under is compared by what the calls answer.
    let state = state.into_iter().filter(|(name, _)| name != "run_id");
    add("state", state.collect());
    add("stock", stock);
    add(
        "free",
        free.into_iter().map(|unit| (unit, String::new())).collect(),
    );
    let slots = slots.into_iter().filter(|(name, _)| name != MARKER);
    let sorted = slots.map(|(who, slots)| {
        let mut slots: Vec<u32> = slots.split(',').map(|slot| slot.parse().unwrap()).collect();
        slots.sort_unstable();
        (who, list(&slots))
    });
    add("slots", sorted.collect());
    add("record", records);
    add("deadline", deadlines);
    add("ended", ended);
    for (person, key) in keys {
        let name = k.idempotency(&person.parse().unwrap(), &key);
        let (stored, ttl_ms): (String, i64) = redis::pipe()
            .get(&name)
            .pttl(&name)
            .query_async(redis)
            .await
            .unwrap();
        let keep_ms = KEEP.as_millis() as i64;
        let in_time = (keep_ms - 600_000..=keep_ms).contains(&ttl_ms);
        picture.insert(format!("key {person} {key}"), stored);
        picture.insert(format!("ttl {person} {key}"), in_time.to_string());
    }
    picture
}

/// What the store must have.
pub(crate) fn expected(model: &Model) -> Picture {
    let mut picture = Picture::new();
    let mut add = |name: String, value: String| {
        picture.insert(name, value);
    };
    if let Some(clock) = &model.clock {
        add("state alive_at".into(), clock.alive_at.to_string());
        add("state closed_ms".into(), clock.closed_ms.to_string());
        add("state opened_at".into(), clock.opened_at.to_string());
    }
    for (sku, stock) in &model.stock {
        for (figure, value) in [
            ("supplied", stock.supplied.to_string()),
            ("available", model.available(sku).to_string()),
            ("held", model.out(sku, State::Held).to_string()),
            ("sold", model.out(sku, State::Sold).to_string()),
            ("limit", stock.limit.to_string()),
            ("minted", stock.minted.to_string()),
            ("event", stock.event.to_string()),
        ] {
            add(format!("stock {sku}:{figure}"), value);
        }
        for unit in model.free(sku) {
            add(format!("free {sku}:{unit:010}"), String::new());
        }
    }
    for it in model.standing() {
        let slots: Vec<u32> = model
            .slots(it.sku.as_str(), it.person.as_str())
            .into_iter()
            .collect();
        add(format!("slots {} {}", it.sku, it.person), list(&slots));
    }
    for (id, record) in &model.records {
        add(format!("record {id}"), record.pack());
        match (record.state, record.settled_at) {
            (State::Held, _) => add(format!("deadline {id}"), record.deadline.to_string()),
            (State::Cancelled | State::Expired, Some(at)) => {
                add(format!("ended {id}"), at.to_string());
            }
            _ => {}
        }
    }
    if let Some(reason) = &model.broken {
        add("state broken".into(), reason.clone());
    }
    for ((person, key), known) in &model.keys {
        let stored = format!("{} {}", known.body, known.answer);
        add(format!("key {person} {key}"), stored);
        add(format!("ttl {person} {key}"), "true".into());
    }
    picture
}

/// Where two pictures differ, one line each.
pub(crate) fn differences(expected: &Picture, taken: &Picture) -> Vec<String> {
    let names = expected
        .keys()
        .chain(taken.keys().filter(|name| !expected.contains_key(*name)));
    names
        .filter(|name| expected.get(*name) != taken.get(*name))
        .map(|name| {
            let show =
                |value: Option<&String>| value.map_or("nothing".into(), |v| format!("{v:?}"));
            let (must, is) = (show(expected.get(name)), show(taken.get(name)));
            format!("{name}: must be {must}, is {is}")
        })
        .collect()
}

/// Keys of the sale that are none of its own.
pub(crate) async fn strangers(
    keys: &SaleKeys,
    redis: &mut impl ConnectionLike,
    sale: &Sale,
) -> Vec<String> {
    let pattern = format!("sale:{{{}}}:*", sale.id());
    let mut all: Vec<String> = redis::cmd("KEYS")
        .arg(pattern)
        .query_async(redis)
        .await
        .unwrap();
    all.retain(|key| !keys.led().contains(&key.as_str()) && !key.contains(":key:reserve "));
    all
}
