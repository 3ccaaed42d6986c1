//! The audit: finds what is wrong, whatever it is, repairs it, and never cries over what is right.

mod corruption;
mod stall;

use std::collections::BTreeMap;

use lua::sale::{Reservation, State};
use purchase::audit::{self, Kind, Remedy};
use rand::{Rng, SeedableRng, rngs::StdRng};

use corruption::Corruption;
use stall::Stall;

/// What everybody has, without the bookkeeping.
type Truth = BTreeMap<String, (State, String, String, Vec<u32>, Vec<u32>, Option<String>)>;

fn truth(reservations: impl Iterator<Item = (String, Reservation)>) -> Truth {
    reservations
        .map(|(id, r)| {
            let facts = (
                r.state,
                r.person.to_string(),
                r.sku.to_string(),
                r.units,
                r.slots,
                r.payment_ref,
            );
            (id, facts)
        })
        .collect()
}

async fn by_ledger(stall: &Stall) -> Truth {
    let look = audit::look(stall.purchase.ledger(), &stall.desk).await;
    let reservations = look.unwrap().books.reservations.into_iter();
    truth(reservations.map(|(id, booked)| (id, booked.record)))
}

async fn by_stock(stall: &Stall) -> Truth {
    let picture = stall.desk.stock.picture().await.unwrap();
    let reservations = picture.reservations.into_iter();
    truth(reservations.map(|(id, text)| (id, Reservation::unpack(&text).unwrap())))
}

/// Sold and held never exceed what is supplied, and no unit and no slot is taken twice.
fn nothing_oversold(truth: &Truth, supplied: usize) {
    let mut units = std::collections::BTreeSet::new();
    let mut slots = std::collections::BTreeSet::new();
    for (id, (state, person, sku, own, own_slots, _)) in truth {
        if !matches!(state, State::Held | State::Sold) {
            continue;
        }
        for unit in own {
            assert!(units.insert((sku, unit)), "{id}: unit {unit} twice");
        }
        for slot in own_slots {
            assert!(slots.insert((sku, person, slot)), "{id}: slot {slot} twice");
        }
    }
    assert!(units.len() <= supplied, "oversold");
}

/// Does it, looks, repairs, and looks again.
async fn one(stall: &Stall, corruption: &Corruption, rng: &mut StdRng, before: &mut Truth) -> bool {
    let Some(done) = corruption.apply(stall, rng).await else {
        return false;
    };
    let name = format!("{} ({done})", corruption.name);
    let audited = audit::audit(&stall.purchase, &stall.desk, true)
        .await
        .unwrap();
    let kinds: Vec<Kind> = audited.differences.iter().map(|found| found.kind).collect();
    assert!(
        corruption.kinds.iter().any(|kind| kinds.contains(kind)),
        "{name}: found {:#?}",
        audited.differences
    );
    let left = audited.left.as_ref().unwrap();
    assert!(
        left.is_empty(),
        "{name}: left {left:#?}\nof {:#?}",
        audited.differences
    );
    let (ledger, stock) = (by_ledger(stall).await, by_stock(stall).await);
    assert_eq!(ledger, stock, "{name}: both agree");
    nothing_oversold(&stock, stall::SUPPLIED as usize);
    if corruption.invents {
        for (id, facts) in &*before {
            let kept = stock.get(id) == Some(facts) || facts.0 == State::Held;
            assert!(kept, "{name}: {id} is {:?}", stock.get(id));
        }
    } else {
        assert_eq!(&stock, before, "{name}: everybody has what they had");
    }
    let refunds = audited.refunds.iter();
    for refund in refunds {
        let order = refund.reservation.as_ref().unwrap();
        assert!(!before.contains_key(order), "{name}: {refund:?}");
    }
    *before = stock;
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_seeded_corruption_is_found_and_repaired_without_oversell() {
    let mut stalls = tokio::task::JoinSet::new();
    for seed in 0..4_u64 {
        stalls.spawn(async move {
            let mut rng = StdRng::seed_from_u64(seed);
            let stall = Stall::open(&mut rng).await;
            let clean = audit::audit(&stall.purchase, &stall.desk, false)
                .await
                .unwrap();
            assert!(clean.clean(), "seed {seed}: {:#?}", clean.differences);
            let (mut done, mut before) = (0, by_ledger(&stall).await);
            for corruption in corruption::all() {
                done += u32::from(one(&stall, corruption, &mut rng, &mut before).await);
            }
            done
        });
    }
    let mut done = 0;
    while let Some(some) = stalls.join_next().await {
        done += some.unwrap();
    }
    assert!(done >= 200, "only {done} corruptions");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_corruptions_of_both_sides_at_once_never_oversell_nor_lose_a_payment() {
    let mut stalls = tokio::task::JoinSet::new();
    for seed in 100..103_u64 {
        stalls.spawn(async move {
            let mut rng = StdRng::seed_from_u64(seed);
            let stall = Stall::open(&mut rng).await;
            for round in 0..4 {
                let before = by_ledger(&stall).await;
                let mut names = Vec::new();
                for _ in 0..3 {
                    let all = corruption::all();
                    let at = rng.random_range(0..all.len());
                    if all[at].apply(&stall, &mut rng).await.is_some() {
                        names.push(all[at].name);
                    }
                }
                let name = format!("seed {seed} round {round}: {names:?}");
                let audited = audit::audit(&stall.purchase, &stall.desk, true)
                    .await
                    .unwrap();
                assert!(!audited.differences.is_empty(), "{name}");
                let (ledger, stock) = (by_ledger(&stall).await, by_stock(&stall).await);
                nothing_oversold(&stock, stall::SUPPLIED as usize);
                for (id, facts) in &before {
                    let kept = stock.get(id).is_some_and(|now| now.0 == State::Sold)
                        && ledger.get(id).is_some_and(|now| now.0 == State::Sold);
                    let told = audited
                        .differences
                        .iter()
                        .chain(audited.left.iter().flatten());
                    let refunded = told
                        .filter(|found| found.remedy != Remedy::Repair)
                        .any(|found| found.reservation.as_ref() == Some(id));
                    assert!(
                        facts.0 != State::Sold || kept || refunded,
                        "{name}: {id} was paid for: {audited:#?}"
                    );
                }
            }
        });
    }
    while let Some(stall) = stalls.join_next().await {
        stall.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_clean_sale_reports_nothing_while_a_crowd_is_buying() {
    let stall = std::sync::Arc::new(Stall::open(&mut StdRng::seed_from_u64(7)).await);
    let stop = tokio_util::sync::CancellationToken::new();
    let mut crowd = tokio::task::JoinSet::new();
    crowd.spawn(purchase::recorder::run(
        stall.purchase.clone(),
        stop.clone(),
    ));
    for task in 0..8_u64 {
        let (stall, stop) = (std::sync::Arc::clone(&stall), stop.clone());
        crowd.spawn(async move {
            let mut rng = StdRng::seed_from_u64(task);
            while !stop.is_cancelled() {
                stall.turn_over(&mut rng).await;
                tokio::time::sleep(std::time::Duration::from_millis(25)).await;
                let _ = purchase::sweeper::step(&stall.desk).await;
            }
        });
    }
    let (mut moved, mut round) = (0, 0);
    while round < 5 || (moved == 0 && round < 60) {
        round += 1;
        let audited = audit::audit(&stall.purchase, &stall.desk, false)
            .await
            .unwrap();
        assert!(audited.clean(), "round {round}: {audited}");
        moved += audited.moved;
    }
    assert!(moved > 0, "the crowd was there");
    stop.cancel();
    while crowd.join_next().await.is_some() {}
    let audited = audit::audit(&stall.purchase, &stall.desk, false)
        .await
        .unwrap();
    assert!(audited.clean(), "{audited}");
}
