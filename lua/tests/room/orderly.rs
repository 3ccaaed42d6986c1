//! An orderly stop: the store comes back and nothing is missing.

use lua::room::Opened;

use crate::{
    line::{Line, rules, waiting},
    restart::{opening, reopening},
    server::Server,
};

#[tokio::test]
async fn after_an_orderly_stop_the_room_goes_on_as_if_nothing_had_been() {
    let mut server = Server::logging();
    let line = Line::on(&server, 1).await;
    line.waitlist.open(&opening()).await.unwrap();
    line.join(&rules(), &[1, 2]).await;
    line.waitlist.close().await.unwrap();
    line.waitlist.close().await.unwrap();
    server.kill();
    server.start_again();
    let line = Line::on(&server, 1).await;
    assert_eq!(
        line.waitlist.open(&reopening()).await.unwrap(),
        Opened::Resumed
    );
    let seen = line.snapshot().await;
    assert_eq!((seen.epoch, seen.issued, seen.hold_until), (1, 2, 0));
    assert_eq!(
        line.join(&rules(), &[2, 3]).await,
        [waiting(2, false), waiting(3, true)]
    );

    // That stop is used up: the next restart was not announced.
    server.kill();
    server.start_again();
    let line = Line::on(&server, 1).await;
    assert_eq!(
        line.waitlist.open(&reopening()).await.unwrap(),
        Opened::Again
    );
}

#[tokio::test]
async fn a_stop_of_one_gateway_is_not_the_stop_of_the_others() {
    let mut server = Server::logging();
    let line = Line::on(&server, 1).await;
    line.waitlist.open(&opening()).await.unwrap();
    line.waitlist.close().await.unwrap();
    // Another gateway goes on: a crash after this may lose what it did.
    line.join(&rules(), &[1]).await;
    server.kill();
    server.start_again();
    let line = Line::on(&server, 1).await;
    assert_eq!(
        line.waitlist.open(&reopening()).await.unwrap(),
        Opened::Again
    );
}
