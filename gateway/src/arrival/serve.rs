//! Accepts connections and serves each until it ends, idles too long, or the gateway stops.
//!
//! The permit comes before the accept: at the limit, further visitors wait in the kernel's backlog
//! instead of taking a file that an admitted visitor's request to the shop needs. On `stop` the
//! listener closes first, so that a load balancer or a sibling takes over, then requests in flight
//! are finished within the drain limit, then what is left is dropped.

use std::{convert::Infallible, net::TcpListener, sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use http::Request;
use tokio::{net::TcpStream, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use super::{Serving, Slot};
use connection::Connections;

mod activity;
mod connection;

/// After a failed accept: long enough not to spin while files are short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop`; returns when nothing is in flight any more or the drain limit is over.
///
/// Runs on the current runtime. Tunnels that outlive their request (`WebSocket`) belong to
/// [`crate::upstream::Connections`] and are not waited for here.
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    serving: Serving,
    stop: CancellationToken,
) -> std::io::Result<()>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let permits = Arc::new(Semaphore::new(
        serving.max_connections.clamp(1, Semaphore::MAX_PERMITS),
    ));
    let tasks = TaskTracker::new();
    let drop_now = CancellationToken::new();
    let connections = Connections::new(&serving, tasks.clone(), stop.clone(), drop_now.clone());
    let mut failing = false;
    loop {
        let accepted = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accepted => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "connections cannot be accepted");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        failing = false;
        prepare(&stream, serving.idle);
        let Ok(permit) = permit else { break };
        let slot = Slot {
            _permit: Arc::new(permit),
        };
        tasks.spawn(
            connections
                .clone()
                .serve(stream, peer, slot, service.clone()),
        );
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(serving.drain, tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            open = tasks.len(),
            "the drain limit is over; dropping what is left"
        );
        drop_now.cancel();
        tasks.wait().await;
    }
    Ok(())
}

/// Small answers leave at once, and a visitor who vanished is noticed though we only write.
fn prepare(stream: &TcpStream, patience: Duration) {
    let socket = socket2::SockRef::from(stream);
    if let Err(error) = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_user_timeout(Some(patience)))
    {
        tracing::debug!(%error, "socket options");
    }
}

/// How many visitors' connections one of `instances` gateways in this process may hold: what was
/// asked for, but never more than the limit of open files carries when each needs a connection to
/// an upstream too.
pub fn connections_allowed(wanted: usize, instances: usize) -> usize {
    const OTHER_FILES: u64 = 128;
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let share = files.unwrap_or(u64::MAX).saturating_sub(OTHER_FILES) / 2 / instances.max(1) as u64;
    wanted
        .min(usize::try_from(share).unwrap_or(usize::MAX))
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visitors_never_take_the_files_that_their_requests_to_the_shop_need() {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let files = usize::try_from(files.unwrap_or(u64::MAX)).unwrap();
        assert!(connections_allowed(usize::MAX, 1) < files / 2);
        assert!(connections_allowed(usize::MAX, 4) < files / 8);
        assert_eq!(
            (connections_allowed(10, 1), connections_allowed(0, 1)),
            (10, 1)
        );
    }
}
