//! Where a request goes: which room protects it, which of our own routes it is for, which shop.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use axum::{Router, body::Body, response::Response};
use futures::{FutureExt, future::BoxFuture};
use http::Request;
use tower::{Layer, Service};

use crate::{
    api,
    arrival::{Rooms, Target},
    gate::Protected,
    limit::Class,
    purchase_route::on_host,
    rescue::Refusal,
    room::Room,
    upstream::Upstream,
};

/// Everything of ours lies under this prefix.
const OWN: &str = "/_wr/";

/// What kind of request it is, for the limits.
pub(crate) fn classify(
    purchase_prefix: Option<Arc<str>>,
) -> impl Fn(&Request<Body>) -> Class + Clone {
    move |request| {
        let path = request.uri().path();
        if api::is_public(request.method(), path) {
            Class::Exempt
        } else if is_own(path)
            || purchase_prefix
                .as_ref()
                .is_some_and(|prefix| path.starts_with(&**prefix))
        {
            Class::Personal
        } else {
            Class::Shop
        }
    }
}

fn is_own(path: &str) -> bool {
    path.starts_with(OWN) || path == "/_wr"
}

/// Which of our rooms a request is about; a request extension. Without [`Protected`] beside it, the
/// target lies in no room's routes and passes through to that room's shop.
#[derive(Clone)]
struct Shop(usize);

/// Marks each request with the room that protects its target.
#[derive(Clone)]
pub(crate) struct FindRoom {
    routes: Arc<Rooms>,
    rooms: Arc<[Arc<Room>]>,
}

impl FindRoom {
    pub(crate) fn new(routes: Rooms, rooms: &[Arc<Room>]) -> Self {
        Self {
            routes: Arc::new(routes),
            rooms: rooms.into(),
        }
    }
}

impl<S> Layer<S> for FindRoom {
    type Service = RoomFound<S>;

    fn layer(&self, inner: S) -> RoomFound<S> {
        RoomFound {
            find: self.clone(),
            inner,
        }
    }
}

/// The service of [`FindRoom`].
#[derive(Clone)]
pub(crate) struct RoomFound<S> {
    find: FindRoom,
    inner: S,
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for RoomFound<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> S::Future {
        let FindRoom { routes, rooms } = &self.find;
        let found = request.extensions().get::<Target>().map(|target| {
            let protecting = routes.find(target);
            let shop =
                protecting.or_else(|| rooms.iter().position(|room| on_host(room, &target.host)));
            (protecting, shop)
        });
        if let Some((protecting, shop)) = found {
            if let Some(room) = protecting {
                request
                    .extensions_mut()
                    .insert(Protected(Arc::clone(&rooms[room])));
            }
            if let Some(shop) = shop {
                request.extensions_mut().insert(Shop(shop));
            }
        }
        self.inner.call(request)
    }
}

/// Answers our own paths from the API's router.
#[derive(Clone)]
pub(crate) struct ServeWaitingRoom {
    router: Router,
}

impl ServeWaitingRoom {
    pub(crate) fn new(router: Router) -> Self {
        Self { router }
    }
}

impl<S> Layer<S> for ServeWaitingRoom {
    type Service = WaitingRoomRoute<S>;

    fn layer(&self, inner: S) -> WaitingRoomRoute<S> {
        WaitingRoomRoute {
            router: self.router.clone(),
            inner,
        }
    }
}

/// The service of [`ServeWaitingRoom`].
#[derive(Clone)]
pub(crate) struct WaitingRoomRoute<S> {
    router: Router,
    inner: S,
}

impl<S> Service<Request<Body>> for WaitingRoomRoute<S>
where
    S: Service<Request<Body>, Response = Response, Error = Refusal>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Response, Refusal>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if !is_own(request.uri().path()) {
            return Box::pin(self.inner.call(request));
        }
        let answer = self.router.call(request);
        Box::pin(answer.map(|answer| Ok(answer.unwrap_or_else(|never| match never {}))))
    }
}

/// The shop of the room, or of the host for what no room protects.
#[derive(Clone)]
pub(crate) struct ProxyToShop {
    shops: Arc<[Upstream]>,
}

impl ProxyToShop {
    /// In the order of the rooms.
    pub(crate) fn new(shops: Vec<Upstream>) -> Self {
        Self {
            shops: shops.into(),
        }
    }
}

impl Service<Request<Body>> for ProxyToShop {
    type Response = Response;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Response, Refusal>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shop = request
            .extensions()
            .get::<Shop>()
            .and_then(|shop| self.shops.get(shop.0));
        let Some(mut shop) = shop.cloned() else {
            return Box::pin(std::future::ready(Err(Refusal::UnknownHost)));
        };
        Box::pin(async move { Ok(shop.call(request).await?) })
    }
}
