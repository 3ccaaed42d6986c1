//! Keys of a wrong type or shape: refused before the first write.

use super::fixture::{HOLD, KEEP, Shop, person};

/// Every key and its value, to see that nothing changed.
async fn everything(shop: &Shop) -> Vec<(String, Vec<u8>)> {
    let mut redis = shop.sale.store().fast();
    let pattern = format!("sale:{{{}}}:*", shop.sale.id());
    let mut keys: Vec<String> = redis::cmd("KEYS")
        .arg(pattern)
        .query_async(&mut redis)
        .await
        .unwrap();
    keys.sort();
    let mut all = Vec::new();
    for key in keys {
        if key.ends_with(":state") {
            // By its fields: a mark that came and went may have changed how Redis packs them.
            let mut fields: Vec<Vec<u8>> = redis::cmd("HGETALL")
                .arg(&key)
                .query_async(&mut redis)
                .await
                .unwrap();
            fields.sort();
            all.push((key, fields.concat()));
            continue;
        }
        let dump = redis::cmd("DUMP")
            .arg(&key)
            .query_async(&mut redis)
            .await
            .unwrap();
        all.push((key, dump));
    }
    all
}

async fn every_script(shop: &Shop, id: &str) {
    let (sku, who) = (super::fixture::sku(), person(9));
    let what = lua::sale::Reserve {
        id: "r.new",
        person: &who,
        sku: &sku,
        quantity: 1,
        hold: HOLD,
        key: "k",
        body: "b",
        key_ttl: KEEP,
    };
    let _ = shop.sale.reserve(&what).await;
    let _ = shop.sale.confirm(id, None, "pay").await;
    let _ = shop.sale.cancel(id, None).await;
    let _ = shop.sale.refund(id).await;
}

#[tokio::test]
async fn a_key_of_a_wrong_type_stops_a_script_before_its_first_write() {
    type Pick = fn(&lua::keys::SaleKeys) -> String;
    let picks: [Pick; 5] = [
        |k| k.stock.clone(),
        |k| k.free.clone(),
        |k| k.slots.clone(),
        |k| k.reservations.clone(),
        |k| k.events.clone(),
    ];
    for pick in picks {
        let shop = Shop::with(5, 1).await;
        let (id, _) = shop.held(&person(1), 1).await;
        let key = pick(shop.sale.keys());
        let mut redis = shop.sale.store().fast();
        redis::cmd("SET")
            .arg(&key)
            .arg("foreign")
            .exec_async(&mut redis)
            .await
            .unwrap();
        // A confirm has no business with free units and slots and may go through.
        if key.ends_with("free") || key.ends_with("slots") {
            let before = everything(&shop).await;
            assert!(shop.sale.cancel(&id, None).await.is_err());
            assert_eq!(everything(&shop).await, before, "{key}");
            continue;
        }
        let before = everything(&shop).await;
        every_script(&shop, &id).await;
        assert_eq!(everything(&shop).await, before, "{key}");
    }
}

#[tokio::test]
async fn figures_and_records_that_are_no_figures_and_records_close_the_sale() {
    let shop = Shop::with(5, 1).await;
    let (id, _) = shop.held(&person(1), 1).await;
    let keys = shop.sale.keys().clone();
    let mut redis = shop.sale.store().fast();
    for (key, field, value) in [
        (&keys.stock, "unit:held", "x"),
        (&keys.stock, "unit:available", "five"),
        (&keys.reservations, id.as_str(), "held and nothing else"),
        (&keys.reservations, id.as_str(), ""),
        (&keys.state, "alive_at", "yesterday"),
        (&keys.state, "run_id", "another"),
    ] {
        let good: String = redis::cmd("HGET")
            .arg(key)
            .arg(field)
            .query_async(&mut redis)
            .await
            .unwrap();
        let set = |value: String| redis::cmd("HSET").arg(key).arg(field).arg(value).to_owned();
        set(value.to_owned()).exec_async(&mut redis).await.unwrap();
        let before = everything(&shop).await;
        let cancel = shop.sale.cancel(&id, None).await;
        assert!(cancel.is_err(), "{field}={value}: {cancel:?}");
        // The mark that closes the sale is the one write allowed.
        shop.redis(&["HDEL", &keys.state, "broken"]).await;
        assert_eq!(everything(&shop).await, before, "{field}={value}");
        set(good).exec_async(&mut redis).await.unwrap();
    }
    assert!(shop.sale.cancel(&id, None).await.is_ok());
}
