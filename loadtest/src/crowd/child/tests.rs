//! The client's own behaviour, against fixed answers: coming back as told, cookies, the log, the
//! way home. What a room does is tested with the real one.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicU32, Ordering},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

use super::*;
use crate::{
    observation::{Ask, Observations, State},
    plan::Shares,
};

/// Says "later" to the first join, then gives a place in a room that has just sold out. The ticket
/// is only known to whoever shows the cookie.
struct Fixed {
    joins: AtomicU32,
}

impl Fixed {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let known = request
            .headers()
            .get("cookie")
            .is_some_and(|cookie| cookie == "wr-visitor=v1");
        let respond = |status: u16, headers: &[(&str, &str)], body: &'static str| {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(*name, *value);
            }
            response.body(Full::from(body)).unwrap()
        };
        match (request.method().as_str(), request.uri().path()) {
            ("GET", "/_wr/status/demo") => respond(
                200,
                &[],
                r#"{"phase":"open","available":true,"serving":1,"gone":[],
                    "poll_steps":[[1000,2000]],"personal_within":10}"#,
            ),
            ("POST", "/_wr/ticket/demo") if !known => respond(400, &[], "{}"),
            ("POST", "/_wr/ticket/demo") if self.joins.fetch_add(1, Ordering::Relaxed) == 0 => {
                let problem = r#"{"type":"/_wr/problems/store-away"}"#;
                respond(503, &[("retry-after", "1")], problem)
            }
            ("POST", "/_wr/ticket/demo") => respond(
                201,
                &[],
                r#"{"state":"waiting","ticket":{"number":7,"token":"t"},"position":6,
                    "estimated_wait_s":{"p50":4,"p90":9},"poll_after_ms":100,"phase":"sold_out"}"#,
            ),
            ("GET", "/") => {
                let page = [
                    ("content-type", "text/html"),
                    ("set-cookie", "wr-visitor=v1; Path=/"),
                ];
                respond(503, &page, "<p>the queue page</p>")
            }
            _ => respond(404, &[], "{}"),
        }
    }
}

async fn serve(fixed: Fixed) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let fixed = Arc::new(fixed);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let fixed = fixed.clone();
            connections.spawn(async move {
                let service = service_fn(|request| {
                    let response = fixed.answer(&request);
                    async { Ok::<_, Infallible>(response) }
                });
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    (base_url, tasks)
}

fn one_buyer(base_url: &str, dir: &Path) -> ChildPlan {
    let mut plan = Plan::demo(1, 1, base_url, dir.to_owned());
    plan.shares = Shares {
        leaver: 0.0,
        refresher: 0.0,
        retrier: 0.0,
        non_payer: 0.0,
        browser: 0.0,
        cheat: 0.0,
        absent: 0.0,
        ..Shares::default()
    };
    plan.arrive_within = Duration::ZERO;
    plan.start_at_ms = clock::now_ms();
    ChildPlan {
        plan,
        child: 0,
        children: 1,
        log: dir.join("crowd.jsonl"),
    }
}

async fn played(told: ChildPlan, stop: CancellationToken) -> (Observations, Vec<u8>) {
    let (log, mut out) = (told.log.clone(), Vec::new());
    play(told, stop, &mut out).await.unwrap();
    let mut seen = Observations::default();
    seen.add_log(&log).unwrap();
    seen.sort();
    (seen, out)
}

#[tokio::test]
async fn a_visitor_put_off_comes_back_as_told_and_goes_home_when_all_is_sold() {
    let dir = tempfile::tempdir().unwrap();
    let (base_url, _server) = serve(Fixed {
        joins: AtomicU32::new(0),
    })
    .await;
    let (seen, out) = played(one_buyer(&base_url, dir.path()), CancellationToken::new()).await;
    let asked: Vec<(Ask, u16)> = seen
        .answers
        .iter()
        .map(|told| (told.ask, told.status))
        .collect();
    let expected = [
        (Ask::Page, 503),
        (Ask::Status, 200),
        (Ask::Join, 503),
        (Ask::Join, 201),
    ];
    assert_eq!(asked, expected);
    let [.., put_off, joined] = seen.answers.as_slice() else {
        panic!("{seen:?}")
    };
    assert!(put_off.retry_after && put_off.problem.as_deref() == Some("store-away"));
    assert!(
        joined.asked >= put_off.answered + 1000,
        "came back before it was told to"
    );
    assert_eq!(
        (joined.number, joined.state),
        (Some(7), Some(State::Waiting))
    );
    assert_eq!((joined.position, joined.wait_p50_s), (Some(6), Some(4)));
    assert_eq!(seen.ends[0].outcome, Outcome::SoldOut);
    let last = out
        .split(|byte| *byte == b'\n')
        .rfind(|line| !line.is_empty())
        .unwrap();
    let progress: crate::Progress = serde_json::from_slice(last).unwrap();
    assert_eq!(
        (progress.arrived, progress.waiting, progress.ended),
        (1, 0, 1)
    );
    assert_eq!((progress.joins, progress.put_off), (2, 2));
}

#[tokio::test]
async fn everybody_goes_home_when_told_and_is_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut told = one_buyer("http://127.0.0.1:1", dir.path());
    told.plan.visitors = 5;
    told.plan.start_at_ms += 3_600_000;
    let stop = CancellationToken::new();
    stop.cancel();
    let (seen, _) = played(told, stop).await;
    assert!(seen.answers.is_empty());
    let sent: Vec<_> = seen
        .ends
        .iter()
        .filter(|end| end.outcome == Outcome::SentHome)
        .collect();
    assert_eq!(sent.len(), 5);
}

#[test]
fn a_plan_that_is_none_is_refused_in_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plan.json");
    let missing = child(&path).unwrap_err().to_string();
    std::fs::write(&path, "{}").unwrap();
    let broken = child(&path).unwrap_err().to_string();
    assert!(
        missing.contains("plan.json") && broken.contains("plan.json"),
        "{missing} {broken}"
    );
}

#[test]
fn too_many_connections_for_this_machine_are_refused_before_anybody_sets_out() {
    let refused = allow_files(u64::MAX).unwrap_err().to_string();
    assert!(refused.contains("ulimit -n"), "{refused}");
}
