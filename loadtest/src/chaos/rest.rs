//! What is true at a rest: the stock's figures, the ledger's tables, the stream.
//!
//! Read from outside: the figures from the operator's door, the ledger by SQL, how far the stream
//! was recorded from Redis itself.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
};

use entry_pass::SaleId;
use lua::keys::SaleKeys;
use redis::Value;
use serde::Serialize;
use sqlx::{AnyConnection, Connection, Row, any::AnyRow};

use super::{ChaosError, heard::Heard};

/// The stock's figures of one sku.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Figures {
    pub(super) available: u64,
    pub(super) held: u64,
    pub(super) sold: u64,
    pub(super) supplied: u64,
}

/// A row of `holds`.
#[derive(Debug, Clone)]
pub(super) struct HoldRow {
    pub(super) reservation: String,
    pub(super) sku: String,
    pub(super) person: String,
    pub(super) units: Vec<u64>,
    pub(super) reserved_at: u64,
    pub(super) expires_at: u64,
    pub(super) key: String,
    pub(super) state: String,
}

/// A row of `orders`.
#[derive(Debug, Clone)]
pub(super) struct OrderRow {
    pub(super) reservation: String,
    pub(super) sku: String,
    pub(super) units: Vec<u64>,
    pub(super) payment_ref: String,
    pub(super) refunded: bool,
}

/// A row of `stock_events`.
#[derive(Debug, Clone)]
pub(super) struct EventRow {
    pub(super) kind: String,
    pub(super) reservation: String,
    pub(super) at: u64,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Rest {
    /// By sku; empty if no service said.
    pub(super) figures: BTreeMap<String, Figures>,
    /// By reservation.
    pub(super) holds: HashMap<String, HoldRow>,
    /// By reservation.
    pub(super) orders: HashMap<String, OrderRow>,
    /// In the order of the stream.
    pub(super) events: Vec<EventRow>,
    /// Reasons of the dead letters.
    pub(super) dead: Vec<String>,
    /// Entries of the stream that nobody acknowledged.
    pub(super) unrecorded: u64,
    /// What owners were told of their reservations, at the end.
    pub(super) reads: Vec<Heard>,
}

impl Rest {
    /// Reads the ledger.
    pub(super) async fn read_ledger(&mut self, url: &str, sale: &str) -> Result<(), ChaosError> {
        sqlx::any::install_default_drivers();
        let mut ledger = AnyConnection::connect(url).await?;
        let holds = "SELECT reservation_id, sku, person, units, reserved_at, expires_at, \
             idempotency_key, state FROM holds WHERE sale = $1";
        for row in sqlx::query(holds).bind(sale).fetch_all(&mut ledger).await? {
            let hold = HoldRow {
                reservation: row.try_get(0)?,
                sku: row.try_get(1)?,
                person: row.try_get(2)?,
                units: units(&row, 3)?,
                reserved_at: row.try_get::<i64, _>(4)? as u64,
                expires_at: row.try_get::<i64, _>(5)? as u64,
                key: row.try_get(6)?,
                state: row.try_get(7)?,
            };
            self.holds.insert(hold.reservation.clone(), hold);
        }
        let orders = "SELECT reservation_id, sku, units, payment_ref, refunded_at \
             FROM orders WHERE sale = $1";
        for row in sqlx::query(orders)
            .bind(sale)
            .fetch_all(&mut ledger)
            .await?
        {
            let order = OrderRow {
                reservation: row.try_get(0)?,
                sku: row.try_get(1)?,
                units: units(&row, 2)?,
                payment_ref: row.try_get(3)?,
                refunded: row.try_get::<Option<i64>, _>(4)?.is_some(),
            };
            self.orders.insert(order.reservation.clone(), order);
        }
        let events = "SELECT kind, COALESCE(reservation_id, ''), happened_at FROM stock_events \
             WHERE sale = $1 ORDER BY event_ms, event_seq";
        for row in sqlx::query(events)
            .bind(sale)
            .fetch_all(&mut ledger)
            .await?
        {
            self.events.push(EventRow {
                kind: row.try_get(0)?,
                reservation: row.try_get(1)?,
                at: row.try_get::<i64, _>(2)? as u64,
            });
        }
        let dead = "SELECT event_id, reason FROM dead_letters WHERE sale = $1";
        for row in sqlx::query(dead).bind(sale).fetch_all(&mut ledger).await? {
            let (event, reason): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            self.dead.push(format!("{event}: {reason}"));
        }
        ledger.close().await?;
        Ok(())
    }
}

fn units(row: &AnyRow, column: usize) -> Result<Vec<u64>, sqlx::Error> {
    let text: String = row.try_get(column)?;
    Ok(text
        .split(',')
        .filter_map(|unit| unit.parse().ok())
        .collect())
}

/// Figures from the operator's answer.
pub(super) fn figures(answer: &serde_json::Value) -> BTreeMap<String, Figures> {
    let skus = answer["skus"].as_object().into_iter().flatten();
    skus.map(|(sku, figures)| {
        let count = |name: &str| figures[name].as_u64().unwrap_or(u64::MAX);
        let figures = Figures {
            available: count("available"),
            held: count("held"),
            sold: count("sold"),
            supplied: count("supplied"),
        };
        (sku.clone(), figures)
    })
    .collect()
}

/// How many entries of the sale's stream are not acknowledged: read and pending, or not read yet.
pub(super) async fn unrecorded(store: SocketAddr, sale: &SaleId) -> Result<u64, ChaosError> {
    let client = redis::Client::open(format!("redis://{store}/"))?;
    let mut store = client.get_multiplexed_async_connection().await?;
    let events = SaleKeys::new(sale).events;
    let groups: Vec<HashMap<String, Value>> = redis::cmd("XINFO")
        .arg(&["GROUPS", &events])
        .query_async(&mut store)
        .await?;
    let mut most = 0;
    for group in groups {
        let text = |name: &str| match group.get(name) {
            Some(Value::BulkString(text)) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        };
        let pending = match group.get("pending") {
            Some(Value::Int(pending)) => *pending as u64,
            _ => 0,
        };
        let unread: Vec<Value> = redis::cmd("XRANGE")
            .arg(&events)
            .arg(format!("({}", text("last-delivered-id")))
            .arg("+")
            .query_async(&mut store)
            .await?;
        most = most.max(pending + unread.len() as u64);
    }
    Ok(most)
}
