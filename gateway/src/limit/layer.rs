//! Refuses requests beyond their limit before they cost anything.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{body::Body, response::Response};
use futures::future::Either;
use governor::clock::{Clock, DefaultClock};
use http::Request;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::{Allowed, Class, Limited, Limiter};
use crate::identify::Caller;

/// Counts every request against its caller's bucket and refuses what is beyond. Personal answers
/// carry the state of the bucket.
///
/// Needs [`Caller`] among the request's extensions; without one, the unspecified address is
/// counted. `classify` tells the class and sees the request as normalised.
pub struct LimitVisitor<F, C: Clock = DefaultClock> {
    limiter: Arc<Limiter<C>>,
    classify: F,
}

impl<F, C> LimitVisitor<F, C>
where
    F: Fn(&Request<Body>) -> Class,
    C: Clock,
{
    /// A layer over one gateway's buckets.
    pub fn new(limiter: Arc<Limiter<C>>, classify: F) -> Self {
        Self { limiter, classify }
    }
}

impl<F: Clone, C: Clock> Clone for LimitVisitor<F, C> {
    fn clone(&self) -> Self {
        Self {
            limiter: Arc::clone(&self.limiter),
            classify: self.classify.clone(),
        }
    }
}

impl<S, F: Clone, C: Clock> Layer<S> for LimitVisitor<F, C> {
    type Service = LimitedService<S, F, C>;

    fn layer(&self, inner: S) -> Self::Service {
        LimitedService {
            layer: self.clone(),
            inner,
        }
    }
}

/// The service of [`LimitVisitor`].
pub struct LimitedService<S, F, C: Clock = DefaultClock> {
    layer: LimitVisitor<F, C>,
    inner: S,
}

impl<S: Clone, F: Clone, C: Clock> Clone for LimitedService<S, F, C> {
    fn clone(&self) -> Self {
        Self {
            layer: self.layer.clone(),
            inner: self.inner.clone(),
        }
    }
}

impl<S, F, C> Service<Request<Body>> for LimitedService<S, F, C>
where
    S: Service<Request<Body>, Response = Response>,
    S::Error: From<Limited>,
    F: Fn(&Request<Body>) -> Class,
    C: Clock + Clone,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<Announcing<S::Future>, std::future::Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let class = (self.layer.classify)(&request);
        let counted = match request.extensions().get::<Arc<Caller>>() {
            Some(caller) => self.layer.limiter.check(caller, class),
            None => self.layer.limiter.check(&Caller::default(), class),
        };
        match counted {
            Ok(allowed) => {
                let allowed = allowed.filter(|_| class == Class::Personal);
                Either::Left(Announcing {
                    inner: self.inner.call(request),
                    allowed,
                })
            }
            Err(limited) => Either::Right(std::future::ready(Err(limited.into()))),
        }
    }
}

pin_project! {
    /// Adds the bucket's state to the answer.
    pub struct Announcing<T> {
        #[pin]
        inner: T,
        allowed: Option<Allowed>,
    }
}

impl<T, E> Future for Announcing<T>
where
    T: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answer = ready!(this.inner.poll(cx));
        if let (Ok(response), Some(allowed)) = (&mut answer, this.allowed.take()) {
            allowed.announce(response.headers_mut());
        }
        Poll::Ready(answer)
    }
}
