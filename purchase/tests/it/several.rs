//! Several skus in a sale, several sales in a service.

use purchase::config::SkuConfig;
use serde_json::json;

use super::{
    fixture::{Choice, House, Place},
    server::shared,
};

/// A service that sells two skus through room `main` and a third through room `second`; the third's
/// sale and sku.
async fn two_sales() -> (House, String, String, String) {
    let place = Place::at(shared());
    let mut config = place.config(&Choice {
        limit: 3,
        ..Choice::default()
    });
    let sku = |supplied| SkuConfig {
        supplied,
        limit_per_person: None,
    };
    let (other, foreign) = (format!("{}-2", place.sku()), format!("{}-3", place.sku()));
    let first = config.sales.get_mut(&place.sale).unwrap();
    let mut second = first.clone();
    first.skus.insert(other.parse().unwrap(), sku(2));
    second.room = "second".parse().unwrap();
    second.skus = [(foreign.parse().unwrap(), sku(4))].into();
    let sale: String = uuid::Uuid::now_v7().simple().to_string();
    config.sales.insert(sale.parse().unwrap(), second);
    let house = place.start_as(config).await;
    house.until_open().await;
    super::fixture::until("the second sale is open", || async {
        let path = format!("/v1/sales/{sale}");
        let answer = house.operator(http::Method::GET, &path, None).await;
        answer.json()["skus"][&foreign].is_object()
    })
    .await;
    (house, other, sale, foreign)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skus_of_a_sale_have_their_own_stock_and_their_own_limit() {
    let (house, other, ..) = two_sales().await;
    let ask = |person: &'static str, sku: &str, quantity: u32| {
        let body = json!({ "sku": sku, "quantity": quantity });
        let (house, key) = (&house, uuid::Uuid::now_v7().to_string());
        async move { house.reserve_with(person, &key, body).await }
    };
    let two = ask("ann", &other, 2).await;
    assert_eq!(
        (&two.json()["sku"], &two.json()["units"]),
        (&json!(other), &json!([1, 2]))
    );
    assert_eq!(ask("bob", &other, 1).await.problem(), "sold-out");
    let three = ask("ann", &house.sku, 3).await;
    assert_eq!(
        three.json()["units"],
        json!([1, 2, 3]),
        "neither stock nor limit is shared"
    );
    let refused = ask("bob", &house.sku, 3).await;
    assert_eq!(
        (
            refused.status.as_u16(),
            refused.problem().as_str(),
            &refused.json()["available"]
        ),
        (409, "not-enough", &json!(2))
    );
    assert_eq!(house.counts().await, (2, 3, 0), "all or none");
    assert_eq!(ask("bob", &house.sku, 2).await.status, 201);

    let id = two.json()["id"].as_str().unwrap().to_owned();
    let order = house.confirm(&id, "ann", "pay").await.json()["order"].clone();
    assert_eq!(
        (&order["sku"], &order["quantity"]),
        (&json!(other), &json!(2))
    );
    assert_eq!(house.refund(&id).await.status, 200);
    assert_eq!(ask("bob", &other, 2).await.json()["units"], json!([1, 2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sku_is_sold_to_its_own_room_and_a_key_belongs_to_its_sale() {
    let (house, _, sale, foreign) = two_sales().await;
    let second = house.pass_of("second", "ann", 3_600);
    let body = json!({ "sku": foreign, "quantity": 1 });
    let refused = house.reserve_with("ann", "k", body.clone()).await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem().as_str()),
        (403, "other-pass")
    );
    let there = house.reserve_by(&second, "k", body.clone()).await;
    assert_eq!(there.status, 201);
    let id = there.json()["id"].as_str().unwrap().to_owned();
    assert!(
        id.starts_with(&format!("r.{sale}.")),
        "an id names its sale: {id}"
    );

    let here = json!({ "sku": house.sku, "quantity": 1 });
    let answer = house.reserve_with("ann", "k", here.clone()).await;
    assert_eq!(answer.status, 201, "the key of another sale is another key");
    assert_ne!(answer.bytes, there.bytes);
    assert_eq!(
        house.reserve_by(&second, "k", body).await.bytes,
        there.bytes
    );
    assert_eq!(
        house.reserve_with("ann", "k", here).await.bytes,
        answer.bytes
    );
    // The rest takes the person, whichever room the pass is of.
    assert_eq!(house.confirm(&id, "ann", "pay").await.status, 200);
    assert_eq!(
        house.counts().await,
        (4, 1, 0),
        "the sale beside it is untouched"
    );
}
