//! One gateway without rooms, one shop that tells what it received, one raw client.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, response::IntoResponse};
use gateway::{
    Config,
    arrival::{self, NormaliseTarget, Serving, TargetError},
    identify::{IdentifyVisitor, VisitorKey},
    limit::{Class, LimitVisitor, Limited, Limiter},
    upstream::{Connections, Upstream, UpstreamError},
};
use http::{Request, Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{Service, ServiceBuilder, ServiceExt};

/// Long enough for a slow machine, short enough to fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) enum Refusal {
    Target(TargetError),
    Limited(Limited),
    Upstream(UpstreamError),
}

impl From<TargetError> for Refusal {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl From<Limited> for Refusal {
    fn from(error: Limited) -> Self {
        Self::Limited(error)
    }
}

impl From<UpstreamError> for Refusal {
    fn from(error: UpstreamError) -> Self {
        Self::Upstream(error)
    }
}

/// Turns refusals into answers, as the gateway's own rescue does.
#[derive(Clone)]
struct Rescue<S>(S);

impl<S> Service<Request<Body>> for Rescue<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Refusal> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = futures::future::BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let inner = self.0.clone();
        Box::pin(async move {
            Ok(inner.oneshot(request).await.unwrap_or_else(|refusal| {
                match refusal {
                    Refusal::Target(error) => error.problem(),
                    Refusal::Limited(error) => error.problem(),
                    Refusal::Upstream(error) => error.problem(),
                }
                .into_response()
            }))
        })
    }
}

/// What a stack without rooms does with every request.
pub(crate) struct Edge {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) served: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// Settings with small limits of time.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.timeouts.header_read = Duration::from_millis(400);
    config.timeouts.upstream_connect = Duration::from_millis(500);
    config.timeouts.upstream_answer = Duration::from_millis(800);
    config
}

/// A gateway in front of `shop`.
pub(crate) fn edge(config: &Config, behind: SocketAddr) -> Edge {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let connections = Connections::new(config, tasks.clone(), stop.clone());
    let upstream = Upstream::new(connections, &format!("http://{behind}").parse().unwrap());
    let limiter = Arc::new(Limiter::new(&config.limits));
    let stack = ServiceBuilder::new()
        .layer_fn(Rescue)
        .layer(NormaliseTarget::new(config))
        .layer(IdentifyVisitor::new(config, VisitorKey::derive(&[7; 32])))
        .layer(LimitVisitor::new(limiter, |_: &Request<Body>| {
            Class::Personal
        }))
        .service(upstream.map_err(Refusal::from as fn(UpstreamError) -> Refusal));
    let listener = arrival::bind("127.0.0.1:0".parse().unwrap(), 1)
        .unwrap()
        .remove(0);
    let address = listener.local_addr().unwrap();
    let served = tasks.spawn(arrival::serve(
        listener,
        stack,
        Serving::from(config),
        stop.clone(),
    ));
    Edge {
        address,
        stop,
        tasks,
        served,
    }
}

/// A gateway with the usual test settings in front of `shop`.
pub(crate) fn usual(shop: SocketAddr) -> Edge {
    edge(&config(), shop)
}

/// A shop that answers by `answer` and keeps the heads of the requests it got.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<http::request::Parts>>>);

impl Seen {
    pub(crate) fn all(&self) -> Vec<http::request::Parts> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> http::request::Parts {
        self.all().pop().expect("the shop was asked")
    }
}

/// Runs the shop: a real hyper server, HTTP/1.1.
pub(crate) async fn shop<F, A>(answer: F) -> (SocketAddr, Seen)
where
    F: Fn(Request<Body>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    let seen = Seen::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let log = seen.clone();
    let app = axum::Router::new().fallback(move |request: Request<Body>| {
        let (parts, body) = request.into_parts();
        let mut kept = parts.clone();
        kept.extensions.clear();
        log.0.lock().unwrap().push(kept);
        answer(Request::from_parts(parts, body))
    });
    TaskTracker::new().spawn(async move { axum::serve(listener, app).await });
    (address, seen)
}

/// A shop that answers `ok` to everything.
pub(crate) async fn plain_shop() -> (SocketAddr, Seen) {
    shop(|_| async { Response::new(Body::from("ok")) }).await
}

/// Sends bytes and reads until the other side closes or nothing has come for a second.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The other side may refuse before all is sent.
    let _ = stream.write_all(bytes).await;
    read_all(&mut stream).await
}

/// Everything that comes until the other side closes or is silent for a second.
pub(crate) async fn read_all(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut buffer = vec![0; 65536];
    while let Ok(Ok(read @ 1..)) =
        tokio::time::timeout(Duration::from_secs(1), stream.read(&mut buffer)).await
    {
        all.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// Reads until `end` has come.
pub(crate) async fn read_to(stream: &mut TcpStream, end: &str) -> String {
    let mut all = Vec::new();
    let mut buffer = vec![0; 65536];
    tokio::time::timeout(PATIENCE, async {
        loop {
            if String::from_utf8_lossy(&all).contains(end) {
                return String::from_utf8_lossy(&all).into_owned();
            }
            match stream.read(&mut buffer).await.unwrap() {
                0 => panic!("closed after {:?}", String::from_utf8_lossy(&all)),
                read => all.extend_from_slice(&buffer[..read]),
            }
        }
    })
    .await
    .expect("in time")
}

/// The status of the first answer in `text`.
pub(crate) fn status(text: &str) -> u16 {
    text.split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}
