//! Every way in which one side may be damaged that anybody could think of.

use futures::{FutureExt, future::BoxFuture};
use lua::sale::{Picture, Reservation, State};
use purchase::audit::Kind;
use rand::{Rng, rngs::StdRng, seq::IteratorRandom};

use super::stall::Stall;

type Apply = for<'a> fn(&'a Stall, &'a Target) -> BoxFuture<'a, bool>;

/// One kind of damage.
pub(crate) struct Corruption {
    pub(crate) name: &'static str,
    /// One of these must be found.
    pub(crate) kinds: &'static [Kind],
    /// Whether it adds a fact that a repair may believe.
    pub(crate) invents: bool,
    apply: Apply,
}

/// What a damage may hit, drawn by the seed.
pub(crate) struct Target {
    held: (String, Reservation),
    sold: (String, Reservation),
    refunded: (String, Reservation),
    cancelled: (String, Reservation),
    free: Option<String>,
    key: usize,
    by: i64,
    picture: Picture,
}

impl Corruption {
    /// Does it; says to what. None: there was nothing to do it to.
    pub(crate) async fn apply(&self, stall: &Stall, rng: &mut StdRng) -> Option<String> {
        let picture = stall.desk.stock.picture().await.ok()?;
        let mut of = |state: State| {
            let mut records: Vec<(String, Reservation)> = picture
                .reservations
                .iter()
                .filter_map(|(id, text)| Some((id.clone(), Reservation::unpack(text)?)))
                .filter(|(_, record)| record.state == state)
                .collect();
            records.sort_by(|a, b| a.0.cmp(&b.0));
            records.into_iter().choose(rng)
        };
        let (held, sold) = (of(State::Held)?, of(State::Sold)?);
        let (refunded, cancelled) = (of(State::Refunded)?, of(State::Cancelled)?);
        let mut free = picture.free.clone();
        free.sort();
        let target = Target {
            held,
            sold,
            refunded,
            cancelled,
            free: free.into_iter().choose(rng),
            key: rng.random_range(0..8),
            by: rng.random_range(1..4) * if rng.random() { 1 } else { -1 },
            picture,
        };
        let done = (self.apply)(stall, &target).await;
        done.then(|| {
            format!(
                "held {} sold {} by {}",
                target.held.0, target.sold.0, target.by
            )
        })
    }
}

macro_rules! corruptions {
    ($($name:literal, [$($kind:ident),+] $($invents:ident)?, |$stall:ident, $t:ident| $body:expr;)+) => {
        pub(crate) const CORRUPTIONS: &[Corruption] = &[$(Corruption {
            name: $name,
            kinds: &[$(Kind::$kind),+],
            invents: corruptions!(@ $($invents)?),
            apply: |$stall, $t| async move { $body }.boxed(),
        }),+];
    };
    (@) => { false };
    (@ invents) => { true };
}

/// Changes one record's word.
async fn record(stall: &Stall, of: &(String, Reservation), at: usize, word: &str) -> bool {
    let text = of.1.pack();
    let mut words: Vec<&str> = text.split(' ').collect();
    words[at] = word;
    let keys = stall.desk.stock.keys();
    stall
        .redis(&["HSET", &keys.reservations, &of.0, &words.join(" ")])
        .await;
    true
}

async fn figure(stall: &Stall, name: &str, by: i64) -> bool {
    let field = format!("{}:{name}", stall.sku());
    stall
        .redis(&[
            "HINCRBY",
            &stall.desk.stock.keys().stock,
            &field,
            &by.to_string(),
        ])
        .await;
    true
}

fn slots_of(record: &Reservation) -> String {
    format!("{} {}", record.sku, record.person)
}

fn key_of(stall: &Stall, of: &(String, Reservation)) -> String {
    let key = of.0.rsplit_once('.').unwrap().1;
    stall.desk.stock.keys().idempotency(&of.1.person, key)
}

fn ghost(stall: &Stall) -> String {
    format!("r.{}.{}", stall.desk.stock.id(), "f".repeat(32))
}

corruptions! {
    // The stock store.
    "a sold record is gone", [MissingOrder], |s, t| {
        s.redis(&["HDEL", &s.desk.stock.keys().reservations, &t.sold.0]).await;
        true
    };
    "a held record is gone", [MissingHold], |s, t| {
        s.redis(&["HDEL", &s.desk.stock.keys().reservations, &t.held.0]).await;
        true
    };
    "a refunded record is gone", [WrongRecord], |s, t| {
        s.redis(&["HDEL", &s.desk.stock.keys().reservations, &t.refunded.0]).await;
        true
    };
    "a record of another shape", [OtherShape], |s, t| {
        s.redis(&["HSET", &s.desk.stock.keys().reservations, &t.sold.0, "sold to nobody"]).await;
        true
    };
    "a sale became a hold", [MissingOrder], |s, t| record(s, &t.sold, 0, "held").await;
    "a hold became a sale", [MissingOrder], |s, t| record(s, &t.held, 0, "sold").await;
    "a hold became an expired one", [MissingHold], |s, t| record(s, &t.held, 0, "expired").await;
    "a sale of somebody else", [WrongRecord], |s, t| record(s, &t.sold, 1, "eve").await;
    "a sale of another unit", [WrongRecord, OtherShape], |s, t| {
        let unit = (900 + t.by).to_string();
        let units = vec![unit; t.sold.1.units.len()].join(",");
        record(s, &t.sold, 4, &units).await
    };
    "another payment", [WrongRecord], |s, t| record(s, &t.sold, 7, "=other").await;
    "a hold that ends later", [WrongRecord], |s, t| {
        let deadline = (t.held.1.deadline + t.by * 60_000).to_string();
        record(s, &t.held, 6, &deadline).await
    };
    "a ghost holds a unit", [LeakedHold], |s, t| {
        let text = t.held.1.pack();
        s.redis(&["HSET", &s.desk.stock.keys().reservations, &ghost(s), &text]).await;
        true
    };
    "a ghost bought a unit", [MissingOrder], |s, t| {
        let text = t.sold.1.pack();
        s.redis(&["HSET", &s.desk.stock.keys().reservations, &ghost(s), &text]).await;
        true
    };
    "a buyer's slots are gone", [BuyerSlots], |s, t| {
        s.redis(&["HDEL", &s.desk.stock.keys().slots, &slots_of(&t.sold.1)]).await;
        true
    };
    "a buyer has one slot more", [BuyerSlots], |s, t| {
        let (key, field) = (&s.desk.stock.keys().slots, slots_of(&t.sold.1));
        let more = format!("{},99", t.picture.slots[&field]);
        s.redis(&["HSET", key, &field, &more]).await;
        true
    };
    "somebody who bought nothing has slots", [BuyerSlots], |s, _t| {
        let field = format!("{} eve", s.sku());
        s.redis(&["HSET", &s.desk.stock.keys().slots, &field, "1"]).await;
        true
    };
    "a hold without a deadline", [LeakedHold], |s, t| {
        s.redis(&["ZREM", &s.desk.stock.keys().deadlines, &t.held.0]).await;
        true
    };
    "a deadline of a sale", [LeakedHold], |s, t| {
        s.redis(&["ZADD", &s.desk.stock.keys().deadlines, "1900000000000", &t.sold.0]).await;
        true
    };
    "a deadline without a hold", [LeakedHold], |s, _t| {
        s.redis(&["ZADD", &s.desk.stock.keys().deadlines, "1900000000000", &ghost(s)]).await;
        true
    };
    "a deadline that is another", [LeakedHold], |s, t| {
        let by = (t.by * 60_000).to_string();
        s.redis(&["ZINCRBY", &s.desk.stock.keys().deadlines, &by, &t.held.0]).await;
        true
    };
    "available is wrong", [WrongCount], |s, t| figure(s, "available", t.by).await;
    "held is wrong", [WrongCount], |s, t| figure(s, "held", t.by).await;
    "sold is wrong", [WrongCount], |s, t| figure(s, "sold", t.by).await;
    "supplied is wrong", [WrongCount], |s, t| figure(s, "supplied", t.by).await;
    "minted is wrong", [StrayUnit], |s, t| figure(s, "minted", t.by).await;
    "the limit is wrong", [WrongLimit], |s, t| figure(s, "limit", t.by).await;
    "a figure is no number", [WrongCount], |s, _t| {
        let field = format!("{}:minted", s.sku());
        s.redis(&["HSET", &s.desk.stock.keys().stock, &field, "many"]).await;
        true
    };
    "a figure is gone", [WrongCount], |s, _t| {
        let field = format!("{}:supplied", s.sku());
        s.redis(&["HDEL", &s.desk.stock.keys().stock, &field]).await;
        true
    };
    "a sku nobody supplied", [WrongCount], |s, _t| {
        s.redis(&["HSET", &s.desk.stock.keys().stock, "ghost:available", "5"]).await;
        true
    };
    "a sold unit is free", [StrayUnit], |s, t| {
        let member = format!("{}:{:010}", t.sold.1.sku, t.sold.1.units[0]);
        s.redis(&["ZADD", &s.desk.stock.keys().free, "0", &member]).await;
        true
    };
    "a held unit is free", [StrayUnit], |s, t| {
        let member = format!("{}:{:010}", t.held.1.sku, t.held.1.units[0]);
        s.redis(&["ZADD", &s.desk.stock.keys().free, "0", &member]).await;
        true
    };
    "a unit above the last is free", [StrayUnit], |s, _t| {
        let member = format!("{}:{:010}", s.sku(), 777);
        s.redis(&["ZADD", &s.desk.stock.keys().free, "0", &member]).await;
        true
    };
    "a free unit of another shape", [StrayUnit], |s, _t| {
        s.redis(&["ZADD", &s.desk.stock.keys().free, "0", "no unit"]).await;
        true
    };
    "a free unit is gone", [StrayUnit], |s, t| {
        let Some(free) = &t.free else { return false };
        s.redis(&["ZREM", &s.desk.stock.keys().free, free]).await;
        true
    };
    "what ended is not in the list", [Ended], |s, t| {
        s.redis(&["ZREM", &s.desk.stock.keys().ended, &t.cancelled.0]).await;
        true
    };
    "a sale is in the list of what ended", [Ended], |s, t| {
        s.redis(&["ZADD", &s.desk.stock.keys().ended, "1", &t.sold.0]).await;
        true
    };
    "a record that ended is gone", [Ended], |s, t| {
        s.redis(&["HDEL", &s.desk.stock.keys().reservations, &t.cancelled.0]).await;
        true
    };
    "a key answers something else", [Idempotency], |s, t| {
        s.redis(&["SET", &key_of(s, &t.sold), "body {\"id\":\"r.x\"}", "KEEPTTL"]).await;
        true
    };
    "a key is forgotten", [Idempotency], |s, t| {
        s.redis(&["DEL", &key_of(s, &t.held)]).await;
        true
    };
    "the time closed is another", [Clock], |s, t| {
        let by = (t.by * 60_000).to_string();
        s.redis(&["HINCRBY", &s.desk.stock.keys().state, "closed_ms", &by]).await;
        true
    };
    "the clock is no number", [Clock], |s, _t| {
        s.redis(&["HSET", &s.desk.stock.keys().state, "alive_at", "yesterday"]).await;
        true
    };
    "a key of the sale is gone", [LostKey], |s, t| {
        s.redis(&["DEL", s.desk.stock.keys().whole()[t.key]]).await;
        true
    };
    "a key of the sale has another type", [LostKey], |s, t| {
        s.redis(&["SET", s.desk.stock.keys().whole()[t.key], "foreign"]).await;
        true
    };
    "a marker is gone", [LostKey], |s, t| {
        let keys = s.desk.stock.keys();
        match t.key % 2 {
            0 => s.redis(&["HDEL", &keys.slots, "!"]).await,
            _ => s.redis(&["ZREM", &keys.ended, "!"]).await,
        };
        true
    };
    "everything is gone", [LostKey], |s, _t| {
        let keys = s.desk.stock.keys().clone();
        let mut command = vec!["DEL"];
        command.extend(keys.whole());
        s.redis(&command).await;
        true
    };
    "an event nobody recorded", [UnrecordedEvent] invents, |s, t| {
        let (id, r) = &t.held;
        let list = |numbers: &[u32]| {
            let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            words.join(",")
        };
        let (units, slots) = (list(&r.units), list(&r.slots));
        let (quantity, at) = (r.quantity.to_string(), t.picture.instant.now.to_string());
        s.redis(&[
            "XADD", &s.desk.stock.keys().events, "*", "v", "1", "kind", "cancelled", "person",
            r.person.as_str(), "reservation", id, "sku", r.sku.as_str(), "quantity", &quantity,
            "units", &units, "slots", &slots, "at", &at,
        ])
        .await;
        // Else it could still be under way.
        s.desk.stock.mark_broken("so that nothing is under way").await.unwrap()
    };
    // The ledger.
    "an order's row is gone", [MissingOrder], |s, t| {
        s.sql("DELETE FROM orders WHERE reservation_id = $1", &[&t.sold.0]).await > 0
    };
    "an order's units are gone", [Ledger], |s, t| {
        let order = t.sold.0.replacen('r', "o", 1);
        s.sql("DELETE FROM order_units WHERE order_id = $1", &[&order]).await > 0
    };
    "an order and its units are gone", [MissingOrder], |s, t| {
        let order = t.sold.0.replacen('r', "o", 1);
        s.sql("DELETE FROM order_units WHERE order_id = $1", &[&order]).await;
        s.sql("DELETE FROM orders WHERE id = $1", &[&order]).await > 0
    };
    "an order and its events are gone", [MissingOrder, Ledger], |s, t| {
        let id = &t.sold.0;
        s.sql("DELETE FROM stock_events WHERE reservation_id = $1 AND kind = 'confirmed'", &[id]).await > 0
    };
    "a hold's row is gone", [Ledger], |s, t| {
        s.sql("DELETE FROM holds WHERE reservation_id = $1", &[&t.held.0]).await > 0
    };
    "the hold's row of an order is gone", [Ledger], |s, t| {
        s.sql("DELETE FROM holds WHERE reservation_id = $1", &[&t.sold.0]).await > 0
    };
    "a hold's row says it was cancelled", [Ledger], |s, t| {
        s.sql("UPDATE holds SET state = 'cancelled', settled_at = 1 WHERE reservation_id = $1", &[&t.held.0]).await > 0
    };
    "the hold's row of an order says it is held", [Ledger], |s, t| {
        s.sql("UPDATE holds SET state = 'held' WHERE reservation_id = $1", &[&t.sold.0]).await > 0
    };
    "an order's row says it was refunded", [Ledger], |s, t| {
        s.sql("UPDATE orders SET refunded_at = 5 WHERE reservation_id = $1", &[&t.sold.0]).await > 0
    };
    "a refund's row says it stands", [Ledger], |s, t| {
        s.sql("UPDATE orders SET refunded_at = NULL WHERE reservation_id = $1", &[&t.refunded.0]).await > 0
    };
    "a hold's row is somebody else's", [Ledger], |s, t| {
        s.sql("UPDATE holds SET person = 'eve' WHERE reservation_id = $1", &[&t.held.0]).await > 0
    };
    "an order's row has another payment", [Ledger], |s, t| {
        s.sql("UPDATE orders SET payment_ref = 'other' WHERE reservation_id = $1", &[&t.sold.0]).await > 0
    };
    "a sold unit is another in the ledger", [Ledger], |s, t| {
        let order = t.sold.0.replacen('r', "o", 1);
        s.sql("UPDATE order_units SET unit = unit + 500 WHERE order_id = $1", &[&order]).await > 0
    };
    "an order that is none has units", [Ledger], |s, _t| {
        let (order, sale) = (ghost(s).replacen('r', "o", 1), s.desk.stock.id().to_string());
        s.sql(
            "INSERT INTO order_units (order_id, sale, sku, unit, person, slot) \
             VALUES ($1, $2, $3, 888, 'eve', 1)",
            &[&order, &sale, s.sku().as_str()],
        )
        .await
            > 0
    };
    "the event of a hold is gone", [Ledger, UnrecordedEvent], |s, t| {
        let id = &t.held.0;
        s.sql("DELETE FROM stock_events WHERE reservation_id = $1", &[id]).await > 0
    };
    "the event of a refund is gone", [Ledger, UnrecordedEvent], |s, t| {
        let id = &t.refunded.0;
        s.sql("DELETE FROM stock_events WHERE reservation_id = $1 AND kind = 'refunded'", &[id]).await > 0
    };
    "an event cannot be read", [Ledger], |s, t| {
        let id = &t.sold.0;
        s.sql("UPDATE stock_events SET detail = 'x' WHERE reservation_id = $1 AND kind = 'confirmed'", &[id]).await > 0
    };
    "an event names other units", [Ledger], |s, t| {
        let id = &t.sold.0;
        let units = t.sold.1.units.iter().map(|unit| (unit + 600).to_string());
        let slots = t.sold.1.slots.iter().map(ToString::to_string);
        let detail = format!(
            "{{\"units\":[{}],\"slots\":[{}],\"payment_ref\":\"pay-{id}\"}}",
            units.collect::<Vec<_>>().join(","),
            slots.collect::<Vec<_>>().join(",")
        );
        s.sql(
            "UPDATE stock_events SET detail = $1 WHERE reservation_id = $2 AND kind = 'confirmed'",
            &[&detail, id],
        )
        .await
            > 0
    };
    "the supply's row is gone", [Ledger], |s, _t| {
        s.sql("DELETE FROM supply WHERE sale = $1", &[s.desk.stock.id().as_str()]).await > 0
    };
    "the supply's row says less", [Ledger], |s, _t| {
        s.sql("UPDATE supply SET supplied = 1 WHERE sale = $1", &[s.desk.stock.id().as_str()]).await > 0
    };
    "the supply's row has another limit", [Ledger], |s, _t| {
        let sale = s.desk.stock.id().as_str();
        s.sql("UPDATE supply SET limit_per_person = 99 WHERE sale = $1", &[sale]).await > 0
    };
}
