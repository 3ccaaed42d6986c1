//! The gate: lets a request through only with a valid entry pass.
//!
//! Everyone else is answered by the waiting room and the shop never learns they came: that is what
//! keeps it standing. Checking is local (one signature, or none for a pass seen before; no store),
//! so the gate costs the same at ten visitors and at a million, and admitted visitors keep shopping
//! while a store is away. Every method is judged, on the same normalised bytes that are forwarded.
//! When nobody waits and there is room, a newcomer's first request goes straight through.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, response::Response};
use entry_pass::{Claims, PassError};
use futures::future::BoxFuture;
use http::{HeaderValue, Request};
use lua::room::End;
use tower::{Layer, Service};

use crate::{
    Clock, SystemClock, cookies,
    desk::{Desk, DeskError, Stand, Standing, belongs_to_another},
    identify::Caller,
    moment::Phase,
    pages,
    rescue::{Refusal, answer_to},
    room::Room,
    upstream::{Command, TunnelUntil, VerifiedPass},
};
use waiting_room_ui::ReturnTo;

/// The room that protects the request's target; a request extension. Without it the target is in
/// no room and needs no pass.
#[derive(Clone)]
pub(crate) struct Protected(pub Arc<Room>);

/// Asks for a pass on every protected target.
#[derive(Clone)]
pub(crate) struct RequirePass {
    desk: Arc<Desk>,
}

impl RequirePass {
    /// By the desk that signs and checks passes.
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }

    /// The claims of the caller's running pass for this room; `None` where there is none.
    fn pass(&self, room: &Room, caller: &Caller) -> Result<Option<Arc<Claims>>, Refusal> {
        let Some(token) = caller.pass(room.id()) else {
            return Ok(None);
        };
        let claims = match self.desk.passes.running(room, token, SystemClock.now_ms()) {
            Ok(claims) => claims,
            Err(PassError::OtherRoom) => return Err(Refusal::OtherPass),
            Err(_) => return Ok(None),
        };
        // A pass together with another visitor's cookie or ticket was handed around.
        if belongs_to_another(&claims, caller.visitor.as_ref()) {
            return Err(Refusal::OtherPass);
        }
        if let Some(ticket) = self.desk.ticket(room, caller)?
            && belongs_to_another(&claims, Some(&ticket.visitor))
        {
            return Err(Refusal::OtherPass);
        }
        Ok(Some(claims))
    }

    /// Someone without a pass: straight in when nobody waits and there is room, else where they
    /// stand.
    async fn without_pass(&self, room: &Room, caller: &Caller) -> Result<Option<Stand>, Refusal> {
        let stand = match self.desk.look(room, caller).await {
            Ok(stand) => match stand.standing {
                Standing::Left | Standing::Expired | Standing::Ended => None,
                _ => return Ok(Some(stand)),
            },
            Err(DeskError::NoTicket) => None,
            Err(other) => return Err(other.into()),
        };
        if !quiet(room) {
            return Ok(stand);
        }
        match self.desk.join(room, caller).await {
            Ok(stand) => Ok(Some(stand)),
            Err(DeskError::NotTaking(_)) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    /// What the shop asks of the session.
    async fn obey(&self, room: &Room, claims: &Claims, command: Command) {
        let how = match command {
            // Every request slides the session on already.
            Command::Extend => return room.touches().session(&claims.sub, &claims.jti),
            Command::Complete => End::Complete,
            Command::Leave => End::Leave,
            Command::Revoke => End::Revoke,
        };
        self.desk.forget_pass(room, claims, how);
        if let Err(error) = self.desk.end(room, claims.sub.clone(), how).await {
            tracing::warn!(%error, "the session could not be ended; it ends by its deadline");
        }
    }
}

/// Whether a newcomer may be let straight in as far as this moment knows; the store decides.
fn quiet(room: &Room) -> bool {
    let moment = room.moment();
    let sellable = moment
        .stock
        .as_ref()
        .is_none_or(|stock| stock.available > 0);
    moment.outage.is_none()
        && room.phase(&moment) == Phase::Open
        && !room.policy.queue_all
        && moment.waiting == 0
        && moment.inside < room.policy.capacity
        && sellable
}

impl<S> Layer<S> for RequirePass {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate {
            gate: self.clone(),
            inner,
        }
    }
}

/// The service of [`RequirePass`].
#[derive(Clone)]
pub(crate) struct Gate<S> {
    gate: RequirePass,
    inner: S,
}

impl<S> Service<Request<Body>> for Gate<S>
where
    S: Service<Request<Body>, Response = Response, Error = Refusal> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Response, Refusal>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(Protected(room)) = request.extensions().get::<Protected>().cloned() else {
            return Box::pin(self.inner.call(request));
        };
        let caller = request
            .extensions()
            .get::<Arc<Caller>>()
            .cloned()
            .unwrap_or_default();
        let gate = self.gate.clone();
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        Box::pin(async move {
            if let Some(claims) = gate.pass(&room, &caller)? {
                room.touches().session(&claims.sub, &claims.jti);
                let token = caller.pass(room.id()).unwrap_or_default();
                admit(&mut request, token, &claims);
                let mut response = inner.call(request).await?;
                if let Some(pass) = gate.desk.passes.renewed(&room, &claims) {
                    cookies::put_pass(&mut response, &room, &caller, &pass);
                }
                if let Some(command) = response.extensions_mut().remove::<Command>() {
                    gate.obey(&room, &claims, command).await;
                }
                return Ok(response);
            }
            let stand = gate.without_pass(&room, &caller).await?;
            let navigates = pages::navigates(&request);
            let answered = match &stand {
                Some(Stand {
                    standing: Standing::Admitted { .. },
                    pass: Some(pass),
                    ..
                }) => {
                    admit(&mut request, &pass.token, &pass.claims);
                    let mut answered = inner.call(request).await;
                    if let Ok(response) = &mut answered
                        && let Some(command) = response.extensions_mut().remove::<Command>()
                    {
                        gate.obey(&room, &pass.claims, command).await;
                    }
                    answered
                }
                stand => not_admitted(&room, stand.as_ref(), &request),
            };
            // A refusal, or a shop that is away, takes nobody's place: without the cookies of this
            // answer the next visit would take another one.
            let mut response = answered.unwrap_or_else(|refusal| answer_to(refusal, navigates));
            if let Some(stand) = &stand {
                cookies::put(&mut response, &gate.desk, &room, &caller, stand);
            }
            Ok(response)
        })
    }
}

/// Marks the request as admitted: the shop is told by a pass that was verified, and a tunnel ends
/// with the session it was opened in.
fn admit(request: &mut Request<Body>, token: &str, claims: &Claims) {
    let left = Duration::from_secs(claims.exp.saturating_sub(SystemClock.now_s()));
    request
        .extensions_mut()
        .insert(TunnelUntil(tokio::time::Instant::now() + left));
    if let Ok(value) = HeaderValue::try_from(token) {
        request.extensions_mut().insert(VerifiedPass(value));
    }
}

fn not_admitted(
    room: &Room,
    stand: Option<&Stand>,
    request: &Request<Body>,
) -> Result<Response, Refusal> {
    if !pages::navigates(request) || request.method() == http::Method::POST {
        let wait = stand.map_or(2_000, |stand| stand.poll_after_ms);
        return Err(Refusal::NotAdmitted {
            room: room.id().clone(),
            retry_after: Duration::from_millis(wait),
        });
    }
    let asked = request
        .uri()
        .path_and_query()
        .map(http::uri::PathAndQuery::as_str);
    let return_to = ReturnTo::or(asked, &pages::home(room));
    Ok(pages::queue_page(room, stand, &return_to))
}
