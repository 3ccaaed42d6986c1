//! Those who reserve at the same moment go together, and each is answered as if alone.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lua::sale::{Reserve, Reserved, SaleError};
use tokio::task::JoinSet;

use super::{
    fixture::{HOLD, KEEP, Shop, id_and_units, person, sku},
    server::Server,
};

/// A shop of so many units, all held by `pa`, of which everybody knows that nothing is left.
async fn sold_out(supplied: u32, limit: u32) -> (Arc<Shop>, String) {
    let shop = Shop::with(supplied, limit).await;
    let (id, _) = known(&shop, supplied).await;
    (Arc::new(shop), id)
}

async fn known(shop: &Shop, supplied: u32) -> (String, Vec<u64>) {
    let held = shop.held(&person("a"), supplied).await;
    let refused = shop.reserve(&person("b"), 1).await;
    let none = Reserved::SoldOut {
        held: u64::from(supplied),
    };
    assert_eq!(refused, none);
    held
}

async fn try_reserve(shop: &Shop, key: &str) -> Result<Reserved, SaleError> {
    let what = Reserve {
        id: &format!("r.{}", uuid::Uuid::now_v7().simple()),
        person: &person(key),
        sku: &sku(),
        quantity: 1,
        hold: HOLD,
        key,
        body: "body",
        key_ttl: KEEP,
    };
    shop.sale.reserve(&what).await
}

/// How many scripts the server has run.
async fn scripts_run(shop: &Shop) -> u64 {
    let stats = shop.redis(&["INFO", "commandstats"]).await;
    let stats: String = redis::from_redis_value(stats).unwrap();
    let line = stats.lines().find(|line| line.contains("stat_evalsha:"));
    let calls = line.and_then(|line| line.split(['=', ',']).nth(1));
    calls.map_or(0, |calls| calls.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_who_come_at_once_take_few_calls() {
    let server = Server::start();
    let shop = Arc::new(Shop::at(&server.url()).await);
    shop.seed(2, 2).await;
    known(&shop, 2).await;
    let before = scripts_run(&shop).await;
    let mut callers = JoinSet::new();
    for n in 0..1_000 {
        let shop = Arc::clone(&shop);
        callers.spawn(async move { shop.reserve(&person(n), 1).await });
    }
    for answer in callers.join_all().await {
        assert_eq!(answer, Reserved::SoldOut { held: 2 });
    }
    let calls = scripts_run(&shop).await - before;
    assert!(calls < 500, "{calls} calls for 1000 who could go together");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_fit_into_one_call_are_all_answered() {
    let shop = Arc::new(Shop::with(2_000, 10).await);
    let mut callers = JoinSet::new();
    for n in 0..300 {
        let shop = Arc::clone(&shop);
        callers.spawn(async move { shop.reserve(&person(n), 10).await });
    }
    let (mut units, mut sold_out) = (BTreeSet::new(), 0);
    for answer in callers.join_all().await {
        match answer {
            Reserved::New(answer) => units.extend(id_and_units(&answer).1),
            Reserved::SoldOut { held: 2_000 } => sold_out += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((units.len(), sold_out), (2_000, 100));
    shop.expect(0, 2_000, 0).await;
}

#[tokio::test]
async fn who_gave_up_before_the_call_left_reserves_nothing() {
    let shop = Shop::with(3, 1).await;
    let (gone, stays) = (person(1), person(2));
    let mut asking = Box::pin(shop.reserve(&gone, 1));
    assert!(futures::poll!(&mut asking).is_pending());
    drop(asking);
    shop.held(&stays, 1).await;
    shop.expect(2, 1, 0).await;
}

#[tokio::test]
async fn whoever_goes_with_others_is_answered_as_if_alone() {
    let shop = Shop::with(4, 2).await;
    let first = shop.reserve_as(&person(1), 2, "r.1", "key", "body").await;
    let Reserved::New(answer) = first else {
        panic!("{first:?}")
    };
    shop.held(&person(2), 2).await;
    let none = Reserved::SoldOut { held: 4 };
    assert_eq!(shop.reserve(&person(3), 1).await, none);
    // All at once, so that they go together.
    let (one, two, three, four) = (person(1), person(2), person(3), person(4));
    let (again, reused, limit, greedy, plain, also) = tokio::join!(
        shop.reserve_as(&one, 2, "r.2", "key", "body"),
        shop.reserve_as(&one, 2, "r.3", "key", "other"),
        shop.reserve_as(&two, 1, "r.4", "new", "body"),
        shop.reserve_as(&three, 3, "r.5", "new", "body"),
        shop.reserve_as(&three, 2, "r.6", "newer", "body"),
        shop.reserve_as(&four, 1, "r.7", "key", "body"),
    );
    let over = |taken| Reserved::LimitReached { limit: 2, taken };
    assert_eq!(again, Reserved::Again(answer));
    assert_eq!(reused, Reserved::KeyReused);
    assert_eq!((limit, greedy), (over(2), over(0)));
    assert_eq!((plain, also), (none.clone(), none));
}

/// Calls are under way all the time, by people who want more than will ever be left. Whatever they
/// were told, a unit that is back is back for the next one who asks, and one that is gone is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_back_before_the_asking_is_there_for_the_one_who_asks() {
    let (shop, mut id) = sold_out(1, 2).await;
    let over = Arc::new(AtomicBool::new(false));
    let mut others = JoinSet::new();
    for n in 0..20 {
        let (shop, over) = (Arc::clone(&shop), Arc::clone(&over));
        others.spawn(async move {
            while !over.load(Ordering::Relaxed) {
                match shop.reserve(&person(n), 2).await {
                    Reserved::SoldOut { held: 1 } | Reserved::NotEnough { available: 1 } => {}
                    other => panic!("{other:?}"),
                }
            }
        });
    }
    for round in 0..300 {
        shop.cancel(&id, &person("a")).await;
        let back = shop.reserve(&person("a"), 1).await;
        let Reserved::New(answer) = back else {
            panic!("round {round}: a unit that came back is {back:?}")
        };
        id = id_and_units(&answer).0;
        let gone = shop.reserve(&person("b"), 1).await;
        assert_eq!(gone, Reserved::SoldOut { held: 1 }, "round {round}");
    }
    over.store(true, Ordering::Relaxed);
    others.join_all().await;
    shop.expect(0, 1, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gives_up_takes_nobody_along() {
    let (shop, _) = sold_out(1, 1).await;
    for round in 0..50 {
        let (mut gone, mut patient) = (JoinSet::new(), JoinSet::new());
        for n in 0..40 {
            let shop = Arc::clone(&shop);
            let to = if n % 2 == 0 { &mut gone } else { &mut patient };
            to.spawn(async move { shop.reserve(&person(n), 1).await });
        }
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        }
        gone.abort_all();
        let told = tokio::time::timeout(Duration::from_secs(20), patient.join_all());
        for answer in told.await.expect("they are told") {
            assert_eq!(answer, Reserved::SoldOut { held: 1 });
        }
    }
}

#[tokio::test]
async fn a_sale_that_is_shut_is_never_sold_out() {
    let (shop, _) = sold_out(1, 1).await;
    let keys = shop.sale.keys().clone();
    let at_once = async || {
        let (one, two) = tokio::join!(try_reserve(&shop, "1"), try_reserve(&shop, "2"));
        [one, two]
    };
    let run_id = shop.run_id().await;
    shop.redis(&["HSET", &keys.state, "run_id", "another"])
        .await;
    for answer in at_once().await {
        assert!(matches!(answer, Err(SaleError::Restarted)), "{answer:?}");
    }
    shop.redis(&["HSET", &keys.state, "run_id", &run_id]).await;
    shop.redis(&["HSET", &keys.stock, "unit:sold", "many"])
        .await;
    for answer in at_once().await {
        assert!(matches!(answer, Err(SaleError::Closed)), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_dies_under_a_call_is_said_to_be_away_and_comes_back() {
    let mut server = Server::start();
    let shop = Arc::new(Shop::at(&server.url()).await);
    shop.seed(1, 1).await;
    known(&shop, 1).await;
    server.kill_9();
    let mut callers = JoinSet::new();
    for n in 0..20 {
        let shop = Arc::clone(&shop);
        callers.spawn(async move { try_reserve(&shop, &n.to_string()).await });
    }
    for answer in callers.join_all().await {
        assert!(matches!(answer, Err(SaleError::Script(_))), "{answer:?}");
    }
    server.start_again();
    // A connection that just failed is not tried again at once.
    let mut answer = try_reserve(&shop, "1").await;
    for _ in 0..200 {
        if !matches!(answer, Err(SaleError::Script(_))) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer = try_reserve(&shop, "1").await;
    }
    assert!(matches!(answer, Err(SaleError::Restarted)), "{answer:?}");
}
