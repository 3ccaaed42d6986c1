//! Damage to the ledger.

use futures::FutureExt;
use purchase::audit::Kind;

use super::{Corruption, ghost};

corruptions! {
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
