//! Supply.

use lua::sale::{Reserved, SaleError, SetSupply, Supplied};

use super::fixture::{Shop, person, sku};

#[tokio::test]
async fn a_restart_goes_on_with_the_stock_there_is() {
    let shop = Shop::with(5, 1).await;
    shop.held(&person(1), 1).await;
    shop.seed(5, 1).await;
    shop.seed(50, 9).await;
    shop.expect(4, 1, 0).await;
}

#[tokio::test]
async fn supply_never_falls_below_what_is_held_and_sold() {
    let shop = Shop::with(5, 1).await;
    shop.held(&person(1), 1).await;
    let (id, _) = shop.held(&person(2), 1).await;
    shop.confirm(&id, &person(2)).await;
    let set = |supplied| SetSupply {
        supplied,
        limit: 1,
        seed: false,
        sku: Box::leak(Box::new(sku())),
    };
    assert_eq!(
        shop.sale.supply(&set(1)).await.unwrap(),
        Supplied::Below { committed: 2 }
    );
    assert!(matches!(
        shop.sale.supply(&set(2)).await.unwrap(),
        Supplied::Done { available: 0, .. }
    ));
    assert_eq!(
        shop.reserve(&person(3), 1).await,
        Reserved::SoldOut { held: 1 }
    );
    let Supplied::Done {
        event,
        changed: true,
        ..
    } = shop.sale.supply(&set(9)).await.unwrap()
    else {
        panic!()
    };
    let again = shop.sale.supply(&set(9)).await.unwrap();
    assert!(matches!(again, Supplied::Done { event: e, changed: false, .. } if e == event));
    shop.expect(7, 1, 1).await;
}

#[tokio::test]
async fn an_operator_cannot_make_a_sale_that_was_lost() {
    let shop = Shop::empty().await;
    let set = SetSupply {
        sku: &sku(),
        supplied: 5,
        limit: 1,
        seed: false,
    };
    assert!(matches!(
        shop.sale.supply(&set).await,
        Err(SaleError::Closed)
    ));
}
