use std::net::SocketAddr;

use axum::{Json, body::Body, http::Request};
use entry_pass::{Issuer, KeyRing, NewPass, TicketNumber};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::clock;

/// A purchase service that knows one visitor's wishes by heart, on a real socket.
async fn purchases(tasks: &TaskTracker) -> SocketAddr {
    let router = Router::new()
        .route(
            "/v1/reservations",
            post(|headers: HeaderMap, Json(body): Json<Value>| async move {
                assert!(headers.contains_key("x-entry-pass"));
                assert_eq!(body, json!({ "sku": "demo-unit", "quantity": 1 }));
                if headers["idempotency-key"] == "late" {
                    let problem = json!({ "title": "Sold out", "detail": "Nothing <left>." });
                    return (StatusCode::CONFLICT, Json(problem));
                }
                (StatusCode::CREATED, Json(json!({ "id": "r1" })))
            }),
        )
        .route(
            "/v1/reservations/r1/confirm",
            post(|Json(body): Json<Value>| async move {
                assert_eq!(body["payment_ref"], "demo-r1");
                Json(json!({ "order": { "id": "o1" } }))
            }),
        )
        .route(
            "/v1/orders/o1",
            get(|| async {
                Json(
                    json!({ "order": { "id": "o1", "sku": "demo-unit", "quantity": 1,
                    "units": [7], "payment_ref": "demo-r1" } }),
                )
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn(async move { axum::serve(listener, router).await });
    address
}

struct Visit {
    shop: Arc<Shop>,
    pass: String,
}

impl Visit {
    async fn new() -> Self {
        let ring =
            Arc::new(KeyRing::from_pems([KeyRing::generate_pem().unwrap().as_str()]).unwrap());
        let issuer = Issuer::new(Arc::clone(&ring), "http://shop.test");
        let now = clock::now_ms() / 1000;
        let room: RoomId = "demo".parse().unwrap();
        let (pass, _) = issuer
            .issue(NewPass {
                room: room.clone(),
                sale: None,
                person: "ann".parse().unwrap(),
                number: TicketNumber(1),
                jti: "j".to_owned(),
                issued_at: now,
                expires_at: now + 60,
            })
            .unwrap();
        let tasks = TaskTracker::new();
        let purchase = format!("http://{}", purchases(&tasks).await)
            .parse()
            .unwrap();
        let nowhere = "http://127.0.0.1:9".parse().unwrap();
        let shop = Arc::new(Shop {
            verifier: Verifier::new(ring.public(), "http://shop.test", 10),
            purchases: Purchases::new(&purchase, &nowhere, &room),
            room,
            sku: "demo-unit".parse().unwrap(),
            counters: Arc::default(),
            tasks,
        });
        Self { shop, pass }
    }

    async fn ask(&self, request: http::request::Builder, body: &str) -> Response<Body> {
        let request: Request<Body> = request.body(body.to_owned().into()).unwrap();
        router(Arc::clone(&self.shop))
            .oneshot(request)
            .await
            .unwrap()
    }

    async fn buy(&self, key: &str) -> Response<Body> {
        let request = Request::post("/buy")
            .header("x-entry-pass", &self.pass)
            .header("content-type", "application/x-www-form-urlencoded");
        self.ask(request, &format!("key={key}")).await
    }
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}

#[tokio::test]
async fn a_visitor_buys_with_a_form_and_sees_the_order() {
    let visit = Visit::new().await;
    let page = visit
        .ask(Request::get("/").header("x-entry-pass", &visit.pass), "")
        .await;
    assert!(
        text(page)
            .await
            .contains("<form id=\"buy\" method=\"post\" action=\"/buy\">")
    );
    let bought = visit.buy("k1").await;
    assert_eq!(
        (bought.status(), &bought.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/order/o1".parse().unwrap())
    );
    let thanks = visit
        .ask(
            Request::get("/order/o1").header("x-entry-pass", &visit.pass),
            "",
        )
        .await;
    assert_eq!(thanks.headers()["wr-command"], "complete");
    assert!(text(thanks).await.contains("<dd id=\"order\">o1</dd>"));
}

#[tokio::test]
async fn a_refusal_is_shown_in_words_and_cannot_inject_any() {
    let visit = Visit::new().await;
    let refused = visit.buy("late").await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let page = text(refused).await;
    assert!(
        page.contains("Sold out") && page.contains("Nothing &#60;left&#62;."),
        "{page}"
    );
}

#[tokio::test]
async fn every_answer_is_marked_and_what_came_without_a_good_pass_is_counted() {
    let visit = Visit::new().await;
    for (at, pass) in ["", "forged", &visit.pass].into_iter().enumerate() {
        let answer = visit
            .ask(Request::get("/nowhere").header("x-entry-pass", pass), "")
            .await;
        assert_eq!(
            (answer.status(), &answer.headers()["x-demo-shop"]),
            (StatusCode::NOT_FOUND, &"1".parse().unwrap())
        );
        assert_eq!(visit.shop.counters.requests(), at as u64 + 1);
    }
    assert_eq!(visit.shop.counters.without_pass(), 2);
}

#[tokio::test]
async fn what_is_uploaded_comes_back_and_downloads_have_their_length() {
    let visit = Visit::new().await;
    assert_eq!(
        text(visit.ask(Request::post("/echo"), "hello").await).await,
        "hello"
    );
    let big = visit.ask(Request::get("/big?bytes=100000"), "").await;
    assert_eq!(big.headers()["content-length"], "100000");
    assert_eq!(text(big).await.len(), 100_000);
}
