//! Damage to the stock store.

use futures::FutureExt;
use purchase::audit::Kind;

use super::{Corruption, figure, ghost, key_of, record, slots_of};

corruptions! {
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
}
