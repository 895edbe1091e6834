//! The accept loop. `axum::serve` has no time-out for request headers, so a silent peer would hold its connection for ever;
//! hyper's own HTTP/1 connection has one.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::swipes::{self, SwipesState};
use crate::lifecycle::Lifecycle;

/// How long a peer may take to send a request's headers, and how long an idle connection is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How many connections there may be at once: screens, bridges, webhook readers and people.
const CONNECTIONS: usize = 4_096;

/// How many of them may come from one address; a reverse proxy is one address, so this is generous.
const CONNECTIONS_PER_ADDRESS: usize = 2_048;

/// What answers requests.
pub struct Routes {
    /// Takes swipes. It is asked before the router, because swipes come by the thousand and everything else now and then.
    pub swipes: Arc<SwipesState>,
    /// Everything else.
    pub others: Router,
}

impl Routes {
    async fn answer(self: Arc<Self>, peer: SocketAddr, mut request: Request<Incoming>) -> Result<Response, Infallible> {
        if request.uri().path() == swipes::PATH {
            // Nothing of the head is kept until the commit: the next request is then read into the same memory.
            let (Parts { method, headers, .. }, body) = request.into_parts();
            return Ok(match method {
                Method::POST => swipes::answer(&self.swipes, headers, body).await,
                _ => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response(),
            });
        }
        request.extensions_mut().insert(ConnectInfo(peer));
        // Boxed, so that a swipe does not move what only the others need.
        Box::pin(self.others.clone().oneshot(request.map(Body::new))).await
    }
}

/// Serves `routes` on `listener` until the daemon stops, then lets what is under way come to its end.
pub async fn serve(routes: Routes, listener: TcpListener, lifecycle: Lifecycle) -> anyhow::Result<()> {
    let (routes, places) = (Arc::new(routes), Arc::new(Places::default()));
    loop {
        let accepted = tokio::select! {
            () = lifecycle.soft.cancelled() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Some(place) = places.take(peer.ip()) {
                    drop(lifecycle.tasks.spawn(connection(
                        Arc::clone(&routes),
                        stream,
                        peer,
                        place,
                        lifecycle.clone(),
                    )));
                } else {
                    tracing::warn!(event = "http.connection_refused", peer = %peer, "too many connections");
                }
            }
            Err(error) => {
                // Out of file descriptors: accepting at once again would spin.
                tracing::error!(event = "http.accept_failed", error = %error);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

async fn connection(routes: Arc<Routes>, stream: TcpStream, peer: SocketAddr, place: Place, lifecycle: Lifecycle) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(event = "http.nodelay_failed", error = %error);
    }
    let service = service_fn(move |request| Arc::clone(&routes).answer(peer, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        // Answers are short: one buffer and one plain write cost less than naming pieces of them.
        .writev(false)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = lifecycle.soft.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(event = "http.connection_ended", peer = %peer, error = %error);
    }
    drop(place);
}

/// Who holds how many connections.
#[derive(Debug, Default)]
struct Places(Mutex<HashMap<IpAddr, usize>>);

/// One connection's place; given back when it is dropped.
#[derive(Debug)]
struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = held.values().sum();
        let own = held.get(&address).copied().unwrap_or(0);
        if total >= CONNECTIONS || own >= CONNECTIONS_PER_ADDRESS {
            return None;
        }
        held.insert(address, own + 1);
        Some(Place {
            places: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = held.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                held.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_back_when_its_connection_ends() {
        let places = Arc::new(Places::default());
        let address = IpAddr::from([127, 0, 0, 1]);
        let held: Vec<_> = std::iter::from_fn(|| places.take(address)).collect();
        assert_eq!(held.len(), CONNECTIONS_PER_ADDRESS);
        drop(held);
        assert!(places.take(address).is_some());
        assert!(
            places.0.lock().expect("not poisoned").is_empty(),
            "a place that is dropped at once leaves nothing behind"
        );
    }
}
