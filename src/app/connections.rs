//! The connections: how many there are, how long one may keep the gateway waiting, and how they end when it stops. What is answered on them
//! is the router's.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use futures::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::unread::UnreadDeadline;

/// How long a connection may take to send a request's head, from its start or from the answer before.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// How long an answer may stand unread.
const UNREAD_DEADLINE: Duration = Duration::from_secs(30);
/// How long requests under way may take to end once the gateway is asked to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Largest head of a request, which is also what one connection may hold back in memory; a larger one is answered 431.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Pause after a connection could not be taken, for want of file handles mostly: time for others to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections there may be, and their deadlines.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections held at once; further ones wait in the system's queue.
    pub connections_max: usize,
    /// Time for a request's head.
    pub head: Duration,
    /// Time an answer may stand unread.
    pub unread: Duration,
    /// Time for requests under way to end at the stop.
    pub grace: Duration,
}

impl Bounds {
    /// The deadlines of the product, with so many connections.
    pub fn new(connections_max: usize) -> Self {
        Self { connections_max, head: HEAD_DEADLINE, unread: UNREAD_DEADLINE, grace: GRACE }
    }
}

/// Answers on a socket until `shutdown` ends; then takes no new connection, lets requests under way end within the grace, and cuts the rest.
/// Dropping it cuts every connection at once.
pub async fn answer(listener: TcpListener, router: Router, bounds: Bounds, shutdown: impl Future<Output = ()>) {
    // Routes are made ready here, once, and not for every request.
    let router: Router = router.with_state(());
    let stop = CancellationToken::new();
    let mut door = Door { listener, failing: false };
    let mut crowd = Crowd::default();
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        crowd.note(open.len(), bounds.connections_max);
        tokio::select! {
            () = &mut shutdown => break,
            // One that panicked has been logged by the runtime, and ended alone.
            Some(_) = open.join_next() => {}
            (stream, peer) = door.accept(), if open.len() < bounds.connections_max => {
                open.spawn(attend(stream, peer, router.clone(), bounds, stop.clone()));
            }
        }
    }
    // Those who came before the door closes have their answer too.
    while open.len() < bounds.connections_max
        && let Some((stream, peer)) = door.accept().now_or_never()
    {
        open.spawn(attend(stream, peer, router.clone(), bounds, stop.clone()));
    }
    tracing::info!(connections = open.len(), "stopping");
    drop(door);
    stop.cancel();
    let ended = timeout(bounds.grace, async { while open.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!(grace_s = bounds.grace.as_secs(), connections = open.len(), "requests under way were cut off");
        open.shutdown().await;
    }
}

/// Answers one connection's requests until it ends, or until it is asked to and the request under way has its answer.
async fn attend(stream: TcpStream, peer: SocketAddr, router: Router, bounds: Bounds, stop: CancellationToken) {
    // Answers are small and go out at once (Nagle's algorithm would hold them back for a delayed acknowledgement).
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY not set");
    }
    let answers = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        answers.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(bounds.head).max_buf_size(HEAD_BYTES_MAX);
    let stream = TokioIo::new(UnreadDeadline::new(stream, bounds.unread));
    let mut connection = pin!(http.serve_connection(stream, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

/// Where connections come in.
struct Door {
    listener: TcpListener,
    /// Whether the last attempt failed: a lasting failure is logged once and not ten times a second.
    failing: bool,
}

impl Door {
    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok(accepted) => {
                    self.failing = false;
                    return accepted;
                }
                Err(error) if gone(&error) => {}
                Err(error) => {
                    if !self.failing {
                        tracing::error!(%error, "connections cannot be taken: is the system's bound on open files large enough?");
                    }
                    self.failing = true;
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Whether it is the other side that went away before it was taken: nothing is wrong here.
fn gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

/// Measures how many there are, and says when there is no place left.
#[derive(Default)]
struct Crowd {
    full: bool,
}

impl Crowd {
    fn note(&mut self, open: usize, connections_max: usize) {
        metrics::gauge!("passerelle_connections").set(u32::try_from(open).unwrap_or(u32::MAX));
        if open >= connections_max && !self.full {
            self.full = true;
            tracing::warn!(connections_max, "every connection is taken: further ones wait (limits.connections_max)");
        } else if open <= connections_max / 2 {
            // Only then: at the bound itself connections come and go, and each would be a line.
            self.full = false;
        }
    }
}
