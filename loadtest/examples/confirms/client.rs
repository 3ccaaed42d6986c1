//! Many connections, each asking again as soon as it is answered.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

use super::{
    EACH,
    service::{Service, TOKEN},
};

/// One connection.
pub(crate) struct Client {
    to: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::task::spawn(connection);
        Self { to, sender }
    }

    pub(crate) async fn read(&mut self, path: &str) -> String {
        let (_, bytes) = self.send("GET", path, &[], String::new()).await;
        String::from_utf8(bytes.into()).unwrap()
    }

    async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> (StatusCode, Bytes) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.to.to_string())
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body)).unwrap();
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        let status = response.status();
        (
            status,
            response.into_body().collect().await.unwrap().to_bytes(),
        )
    }
}

/// What is left to do, taken by whoever has a hand free.
type Left<T> = Arc<Mutex<Vec<T>>>;

fn take<T>(left: &Left<T>) -> Option<T> {
    left.lock().unwrap().pop()
}

/// Reserves so many units, one each time, and says the reservations.
pub(crate) async fn reserve(service: &Service, units: usize, at_once: usize) -> Vec<String> {
    let passes: Vec<String> = (0..units.div_ceil(EACH))
        .map(|n| service.pass(&format!("person{n}")))
        .collect();
    let left: Vec<(usize, String)> = (0..units).map(|n| (n, passes[n / EACH].clone())).collect();
    let (left, mut hands) = (Arc::new(Mutex::new(left)), JoinSet::new());
    for _ in 0..at_once {
        let (left, to) = (Arc::clone(&left), service.visitors);
        hands.spawn(async move {
            let (mut client, mut held) = (Client::connect(to).await, Vec::new());
            while let Some((n, pass)) = take(&left) {
                let key = format!("key-{n}");
                let headers = [("x-entry-pass", pass.as_str()), ("idempotency-key", &key)];
                let body = r#"{"sku":"unit","quantity":1}"#.to_owned();
                let (status, bytes) = client
                    .send("POST", "/v1/reservations", &headers, body)
                    .await;
                assert_eq!(status, 201, "{bytes:?}");
                let answer: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                held.push(answer["id"].as_str().unwrap().to_owned());
            }
            held
        });
    }
    hands.join_all().await.concat()
}

/// Confirms them all: how long each took, and how many were answered 202.
pub(crate) async fn confirm(
    service: &Service,
    held: Vec<String>,
    at_once: usize,
) -> (Vec<Duration>, usize) {
    let (left, mut hands) = (Arc::new(Mutex::new(held)), JoinSet::new());
    for _ in 0..at_once {
        let (left, to) = (Arc::clone(&left), service.operators);
        hands.spawn(async move {
            let (mut client, mut times, mut later) = (Client::connect(to).await, Vec::new(), 0);
            while let Some(id) = take(&left) {
                let path = format!("/v1/reservations/{id}/confirm");
                let body = format!(r#"{{"payment_ref":"pay-{id}"}}"#);
                let began = Instant::now();
                let (status, bytes) = client.send("POST", &path, &[], body).await;
                times.push(began.elapsed());
                match status.as_u16() {
                    200 => {}
                    202 => later += 1,
                    _ => panic!("{status}: {bytes:?}"),
                }
            }
            (times, later)
        });
    }
    let (times, later): (Vec<_>, Vec<_>) = hands.join_all().await.into_iter().unzip();
    (times.concat(), later.into_iter().sum())
}
