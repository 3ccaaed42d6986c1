//! Who asks: second step of a request, before any limit is counted.
//!
//! Reads the scheme and the address as the visitor sees them, the visitor's signed cookie, and the
//! ticket or pass that came along, and hands them on as a [`Caller`]. Forwarded headers count only
//! from trusted proxies, cookies only under the names of the visitor's scheme. Whatever is missing,
//! doubled or malformed is as if absent: nobody is turned away here. Tickets and passes are told
//! apart and not verified; whoever uses one does that.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use axum::body::Body;
use entry_pass::VisitorId;
use http::Request;
use tower::{Layer, Service};

mod address;
mod caller;
mod cookie;
mod credential;
mod visitor_key;

pub(crate) use address::is_trusted;
pub use caller::{Caller, Scheme};
pub use cookie::{VISITOR_MAX_AGE, WrCookie, is_ours};
pub use credential::{Credential, TICKET_TYP, credential};
pub(crate) use credential::{ENTRY_PASS, bearer};
pub use visitor_key::VisitorKey;

use crate::{
    arrival::{Peer, Target},
    config::Config,
};

type RecogniseTicket = Arc<dyn Fn(&str) -> Option<VisitorId> + Send + Sync>;

/// Puts an `Arc` of a [`Caller`] into every request's extensions: many steps read it.
///
/// Needs [`Target`] and [`Peer`] there: it stands inside `NormaliseTarget`.
#[derive(Clone)]
pub struct IdentifyVisitor {
    rules: Arc<Rules>,
}

struct Rules {
    trusted: Arc<[ipnet::IpNet]>,
    public: Option<Scheme>,
    key: VisitorKey,
    recognise_ticket: Option<RecogniseTicket>,
    warned: AtomicBool,
}

impl IdentifyVisitor {
    /// By the configuration's public URL and trusted proxies; visitor cookies are checked by `key`.
    pub fn new(config: &Config, key: VisitorKey) -> Self {
        let public = config.public_url.as_ref().map(|url| match url.scheme() {
            "https" => Scheme::Https,
            _ => Scheme::Http,
        });
        let trusted = config.trusted_proxies.as_slice().into();
        Self {
            rules: Arc::new(Rules {
                trusted,
                public,
                key,
                recognise_ticket: None,
                warned: AtomicBool::new(false),
            }),
        }
    }

    /// How a bearer ticket names its visitor, once verified, for apps that keep no cookies: such a
    /// caller is a person and not an address.
    #[must_use]
    pub fn recognising_tickets(
        self,
        recognise: impl Fn(&str) -> Option<VisitorId> + Send + Sync + 'static,
    ) -> Self {
        let rules = Rules {
            trusted: Arc::clone(&self.rules.trusted),
            public: self.rules.public,
            key: self.rules.key.clone(),
            recognise_ticket: Some(Arc::new(recognise)),
            warned: AtomicBool::new(false),
        };
        Self {
            rules: Arc::new(rules),
        }
    }

    /// Who sent this request. Without [`Peer`] and [`Target`] the address is unspecified and the
    /// host empty.
    pub fn identify<B>(&self, request: &Request<B>) -> Caller {
        let rules = &*self.rules;
        let headers = request.headers();
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
        let (address, trusted) = address::client(peer, headers, &rules.trusted);
        let scheme = rules
            .public
            .unwrap_or_else(|| address::scheme(headers, trusted));
        if scheme == Scheme::Http && !rules.warned.swap(true, Relaxed) {
            tracing::warn!(
                "a visitor came over plain http: cookies lack Secure and __Host-; set public_url or \
                 trusted_proxies when TLS ends in front"
            );
        }
        let target = request.extensions().get::<Target>();
        let mut caller = Caller {
            visitor: None,
            address,
            behind_proxy: trusted,
            scheme,
            host: target
                .map(|target| target.authority.clone())
                .unwrap_or_default(),
            ..Caller::default()
        };
        let mut visitor = cookie::read(headers, scheme, &mut caller);
        caller.visitor = visitor.take().and_then(|value| rules.key.verify(&value));
        credential::read(headers, &mut caller);
        if caller.visitor.is_none()
            && let (Some(token), Some(recognise)) = (&caller.ticket_token, &rules.recognise_ticket)
        {
            caller.visitor = recognise(token);
        }
        caller
    }
}

impl<S> Layer<S> for IdentifyVisitor {
    type Service = Identified<S>;

    fn layer(&self, inner: S) -> Identified<S> {
        Identified {
            layer: self.clone(),
            inner,
        }
    }
}

/// The service of [`IdentifyVisitor`].
#[derive(Clone)]
pub struct Identified<S> {
    layer: IdentifyVisitor,
    inner: S,
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for Identified<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> S::Future {
        let caller = self.layer.identify(&request);
        request.extensions_mut().insert(Arc::new(caller));
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests;
