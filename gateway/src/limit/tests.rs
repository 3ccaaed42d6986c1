use std::time::Duration;

use entry_pass::VisitorId;
use governor::clock::FakeRelativeClock;

use super::*;

fn limits() -> Limits {
    Limits {
        per_address: Rate {
            per_second: 20,
            burst: 100,
        },
        ..Limits::default()
    }
}

fn told(limits: &Limits) -> (Limiter<FakeRelativeClock>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    (Limiter::with_clock(limits, clock.clone()), clock)
}

fn person(n: u8) -> Caller {
    Caller {
        visitor: Some(VisitorId::from_bytes([n; 16])),
        ..Caller::default()
    }
}

fn at(address: &str) -> Caller {
    Caller {
        address: address.parse().unwrap(),
        ..Caller::default()
    }
}

fn passed<C: Clock + Clone>(limiter: &Limiter<C>, caller: &Caller, class: Class) -> usize {
    (0..100_000)
        .take_while(|_| limiter.check(caller, class).is_ok())
        .count()
}

#[test]
fn a_person_has_a_burst_and_then_a_rate() {
    let (limiter, clock) = told(&limits());
    assert_eq!(passed(&limiter, &person(1), Class::Personal), 50);
    let refused = limiter.check(&person(1), Class::Personal).unwrap_err();
    assert_eq!(
        (refused.limit, refused.retry_after),
        (Limit::Personal, Duration::from_millis(100))
    );
    clock.advance(Duration::from_secs(1));
    assert_eq!(passed(&limiter, &person(1), Class::Personal), 10);
}

#[test]
fn the_api_the_shop_and_other_people_have_buckets_of_their_own() {
    let (limiter, _) = told(&limits());
    assert_eq!(passed(&limiter, &person(1), Class::Personal), 50);
    assert_eq!(passed(&limiter, &person(1), Class::Shop), 200);
    assert_eq!(passed(&limiter, &person(2), Class::Personal), 50);
    assert_eq!(
        limiter.check(&person(1), Class::Shop).unwrap_err().limit,
        Limit::Shop
    );
}

#[test]
fn public_documents_are_never_counted() {
    let (limiter, _) = told(&limits());
    for _ in 0..10_000 {
        assert_eq!(limiter.check(&at("1.2.3.4"), Class::Exempt), Ok(None));
    }
}

#[test]
fn without_a_cookie_a_household_is_one_caller_for_the_api_and_the_shop() {
    let (limiter, _) = told(&limits());
    assert_eq!(
        passed(&limiter, &at("2001:db8:1:2::1"), Class::Personal),
        100
    );
    assert_eq!(
        passed(&limiter, &at("2001:db8:1:2:ffff::9"), Class::Shop),
        0
    );
    assert_eq!(passed(&limiter, &at("2001:db8:1:3::1"), Class::Shop), 100);
    assert_eq!(passed(&limiter, &at("1.2.3.4"), Class::Shop), 100);
    assert_eq!(passed(&limiter, &at("::ffff:1.2.3.4"), Class::Shop), 0);
    assert_eq!(passed(&limiter, &at("1.2.3.5"), Class::Shop), 100);
}

#[test]
fn full_buckets_are_forgotten_and_running_ones_are_not() {
    let (limiter, clock) = told(&limits());
    for n in 0..200 {
        limiter.check(&person(n), Class::Personal).unwrap();
    }
    passed(&limiter, &person(250), Class::Personal);
    clock.advance(Duration::from_secs(1));
    limiter.tidy();
    assert_eq!(limiter.remembered(), 1);
    assert_eq!(passed(&limiter, &person(250), Class::Personal), 10);
    clock.advance(Duration::from_mins(1));
    limiter.tidy();
    assert_eq!(limiter.remembered(), 0);
}

#[test]
fn a_flood_of_newcomers_neither_grows_the_memory_nor_passes_uncounted() {
    let (limiter, _) = told(&Limits {
        remembered: 1000,
        ..limits()
    });
    assert_eq!(passed(&limiter, &at("1.2.3.4"), Class::Shop), 100);
    let allowed = (0..1_000_000_u32)
        .filter(|n| {
            let address = std::net::Ipv6Addr::from_bits(u128::from(*n) << 64 | 1 << 120);
            limiter
                .check(&at(&address.to_string()), Class::Shop)
                .is_ok()
        })
        .count();
    assert!(limiter.remembered() <= 1000);
    assert!(allowed <= 1000 + 4096 * 100, "{allowed}");
    assert!(limiter.check(&at("1.2.3.4"), Class::Shop).is_err());
}

#[test]
fn the_answer_says_which_limit_and_when_to_come_back() {
    let (limiter, _) = told(&limits());
    let mut headers = HeaderMap::new();
    limiter
        .check(&person(1), Class::Personal)
        .unwrap()
        .unwrap()
        .announce(&mut headers);
    assert_eq!(headers["ratelimit-policy"], "\"personal\";q=50;w=5");
    assert_eq!(headers["ratelimit"], "\"personal\";r=49");
    passed(&limiter, &person(1), Class::Personal);
    let problem = limiter
        .check(&person(1), Class::Personal)
        .unwrap_err()
        .problem();
    assert_eq!(problem.to_json()["limit"], "personal");
    let response = axum::response::IntoResponse::into_response(problem);
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.headers()["ratelimit"], "\"personal\";r=0;t=1");
}
