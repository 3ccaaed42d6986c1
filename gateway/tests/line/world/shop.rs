//! The shop behind the gateways.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, body::Body, response::IntoResponse};
use http::Request;
use tokio::net::TcpListener;

/// A shop that counts who comes, and who comes without a pass.
#[derive(Clone, Default)]
pub(crate) struct Shop {
    pub(crate) hits: Arc<AtomicUsize>,
    pub(crate) without_pass: Arc<AtomicUsize>,
}

impl Shop {
    pub(super) async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shop = self.clone();
        let app = Router::new().fallback(async move |request: Request<Body>| {
            shop.hits.fetch_add(1, Ordering::SeqCst);
            if !request.headers().contains_key("x-entry-pass") {
                shop.without_pass.fetch_add(1, Ordering::SeqCst);
            }
            let command = request
                .uri()
                .path()
                .strip_prefix("/command/")
                .map(str::to_owned);
            let mut response = "the shop".into_response();
            let headers = response.headers_mut();
            headers.insert("x-demo-shop", "1".parse().unwrap());
            if let Some(command) = command {
                headers.insert("wr-command", command.parse().unwrap());
            }
            response
        });
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    pub(crate) fn without_pass(&self) -> usize {
        self.without_pass.load(Ordering::SeqCst)
    }
}
