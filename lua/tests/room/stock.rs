//! The line knows the stock: no more people who may still want a unit than units that can be sold.

use lua::room::{End, Rules, StockMark};

use crate::line::{Line, admitted, door_open, name, person, rules, waiting};

fn selling() -> Rules {
    Rules {
        sells: true,
        ..rules()
    }
}

async fn apply(line: &Line, from: &str, to: &str, sellable: u64, marks: &[StockMark]) -> String {
    line.waitlist
        .apply_stock(from, to, sellable, marks)
        .await
        .unwrap()
}

fn reserved(n: u32) -> StockMark {
    StockMark::Reserved(person(n))
}

fn freed(n: u32) -> StockMark {
    StockMark::Freed(person(n))
}

#[tokio::test]
async fn nobody_is_let_in_before_the_stock_is_known() {
    let line = Line::open().await;
    let rules = Rules {
        newcomers_straight_in: true,
        ..selling()
    };
    assert_eq!(line.join(&rules, &[1]).await, [waiting(1, true)]);
    line.at(1000);
    assert_eq!(line.release(&rules).await, Some((0, 0)));
    assert_eq!(line.snapshot().await.sellable, None);
    assert_eq!(apply(&line, "0-0", "5-0", 1, &[]).await, "5-0");
    line.at(2000);
    assert_eq!(line.release(&rules).await, Some((1, 0)));
}

#[tokio::test]
async fn never_more_undecided_persons_inside_than_can_still_buy() {
    let line = Line::open().await;
    let rules = selling();
    line.join(&rules, &(1..=20).collect::<Vec<_>>()).await;
    apply(&line, "0-0", "1-0", 4, &[]).await;
    line.at(1000);
    assert_eq!(line.release(&rules).await, Some((4, 0)));
    for n in 1..=4 {
        line.claim(&rules, n, &format!("j{n}")).await;
    }
    line.at(2000);
    assert_eq!(line.release(&rules).await, Some((0, 0)));
    // Two reserve: two units left, and two inside who may want them.
    apply(&line, "1-0", "2-0", 2, &[reserved(1), reserved(2)]).await;
    line.at(3000);
    assert_eq!(line.release(&rules).await, Some((0, 0)));
    // One of them cancels: three units, three who may want one.
    apply(&line, "2-0", "3-0", 3, &[freed(1)]).await;
    line.at(4000);
    assert_eq!(line.release(&rules).await, Some((0, 0)));
    // One leaves without buying: the unit is the next one's chance.
    line.waitlist
        .leave(&[(person(3), End::Leave)])
        .await
        .unwrap();
    line.at(5000);
    assert_eq!(line.release(&rules).await, Some((1, 0)));
    // One who bought leaves: that changes nothing for the others.
    line.waitlist
        .leave(&[(person(2), End::Complete)])
        .await
        .unwrap();
    line.at(6000);
    assert_eq!(line.release(&rules).await, Some((0, 0)));
}

#[tokio::test]
async fn newcomers_come_straight_in_only_while_they_could_buy() {
    let line = Line::open().await;
    let rules = Rules {
        newcomers_straight_in: true,
        ..selling()
    };
    apply(&line, "0-0", "1-0", 2, &[]).await;
    let answers = line.join(&rules, &[1, 2, 3]).await;
    let inside: Vec<bool> = answers.iter().map(admitted).collect();
    assert_eq!(inside, [true, true, false]);
    // Where nothing is sold, stock does not matter.
    let line = Line::open().await;
    apply(&line, "0-0", "1-0", 0, &[]).await;
    assert!(admitted(&line.join(&door_open(), &[1]).await[0]));
}

#[tokio::test]
async fn a_missed_offer_is_nobody_inside_any_more() {
    let line = Line::open().await;
    let rules = selling();
    line.join(&rules, &[1, 2]).await;
    apply(&line, "0-0", "1-0", 1, &[]).await;
    line.at(1000);
    assert_eq!(line.release(&rules).await, Some((1, 0)));
    // Bought through another door meanwhile, then let the offer run out.
    apply(&line, "1-0", "2-0", 1, &[reserved(1)]).await;
    line.at(61_000);
    assert_eq!(line.release(&rules).await, Some((1, 0)));
    assert_eq!(line.ask::<u64>(&["SCARD", &line.keys.reserved]).await, 0);
}

#[tokio::test]
async fn a_mark_of_someone_not_inside_does_not_make_room() {
    let line = Line::open().await;
    let rules = selling();
    line.join(&rules, &[1, 2, 3, 4]).await;
    apply(&line, "0-0", "1-0", 2, &[]).await;
    line.at(1000);
    assert_eq!(line.release(&rules).await, Some((2, 0)));
    apply(
        &line,
        "1-0",
        "2-0",
        2,
        &[reserved(3), reserved(99), freed(98)],
    )
    .await;
    line.at(2000);
    assert_eq!(line.release(&rules).await, Some((0, 0)));
    assert_eq!(line.ask::<u64>(&["SCARD", &line.keys.reserved]).await, 0);
}

#[tokio::test]
async fn marks_with_a_stale_cursor_are_refused() {
    let line = Line::open().await;
    line.join(&rules(), &[1]).await;
    line.at(1000);
    line.release(&rules()).await;
    apply(&line, "0-0", "7-0", 5, &[]).await;
    let before = line.digest().await;
    assert_eq!(apply(&line, "0-0", "6-0", 9, &[reserved(1)]).await, "7-0");
    assert_eq!(line.digest().await, before);
}

#[tokio::test]
async fn two_gateways_applying_the_same_stretch_count_it_once() {
    let line = Line::open().await;
    let other = line.another_gateway().await;
    line.join(&rules(), &[1, 2]).await;
    line.at(1000);
    line.release(&rules()).await;
    apply(&line, "0-0", "1-0", 4, &[reserved(1)]).await;
    // A slower one brings the same stretch after the next was applied.
    apply(&line, "1-0", "2-0", 5, &[freed(1)]).await;
    assert_eq!(apply(&other, "0-0", "1-0", 4, &[reserved(1)]).await, "2-0");
    let seen = line.snapshot().await;
    assert_eq!(
        (seen.sellable, seen.stock_cursor.as_str()),
        (Some(5), "2-0")
    );
    assert!(
        !line
            .ask::<bool>(&["SISMEMBER", &line.keys.reserved, &name(1)])
            .await
    );
}

#[tokio::test]
async fn marks_count_in_the_order_of_the_stream() {
    let line = Line::open().await;
    line.join(&rules(), &[1, 2]).await;
    line.at(1000);
    line.release(&rules()).await;
    let marks = [reserved(1), freed(1), reserved(2), freed(2), reserved(2)];
    apply(&line, "0-0", "1-0", 1, &marks).await;
    let inside: Vec<String> = line.ask(&["SMEMBERS", &line.keys.reserved]).await;
    assert_eq!(inside, [name(2)]);
}
