//! Connections that keep the gateway waiting, that are too many, or that are open when it stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use passerelle::app::connections::{Bounds, answer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A deadline that is reached.
const SOON: Duration = Duration::from_millis(100);
/// A deadline that never is.
const LATE: Duration = Duration::from_mins(1);
const HELLO: &[u8] = b"GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const SLOW: &[u8] = b"GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// Connections answered on a socket, by routes that the test can hold back.
struct Answering {
    address: SocketAddr,
    /// A request for `/slow` goes on for each permit.
    gate: Arc<Semaphore>,
    /// Told of each request for `/slow`, with how many there are at that moment.
    entered: mpsc::UnboundedReceiver<usize>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Answering {
    async fn start(adjust: impl FnOnce(&mut Bounds)) -> Self {
        let mut bounds = Bounds { connections_max: 100, head: LATE, unread: LATE, grace: LATE };
        adjust(&mut bounds);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Arc::new(Semaphore::new(0));
        let (telling, entered) = mpsc::unbounded_channel();
        let router = routes(gate.clone(), telling);
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(answer(listener, router, bounds, async { drop(stopped.await) }));
        Self { address, gate, entered, stop, ended }
    }

    /// A connection on which something was sent.
    async fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    }
}

fn routes(gate: Arc<Semaphore>, telling: mpsc::UnboundedSender<usize>) -> Router {
    let inside = Arc::new(AtomicUsize::new(0));
    let slow = move || async move {
        telling.send(inside.fetch_add(1, Ordering::SeqCst) + 1).unwrap();
        gate.acquire().await.unwrap().forget();
        inside.fetch_sub(1, Ordering::SeqCst);
        "done"
    };
    Router::new()
        .route("/slow", get(slow))
        .route("/peer", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }))
        .route("/large", get(|| async { vec![b'x'; 64 * 1024 * 1024] }))
}

/// What comes until the other side closes, or resets the connection.
async fn rest_of(mut stream: TcpStream) -> String {
    let mut read = Vec::new();
    let reading = timeout(Duration::from_secs(20), stream.read_to_end(&mut read)).await;
    drop(reading.expect("the connection is closed in the end"));
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn half_a_head_and_silence_are_closed_after_the_deadline() {
    let answering = Answering::start(|bounds| bounds.head = SOON).await;
    for half in ["", "GET /peer HTT", "GET /peer HTTP/1.1\r\nHost: a\r\n"] {
        let began = Instant::now();
        let stream = answering.send(half.as_bytes()).await;
        assert!(!rest_of(stream).await.contains("200 OK"));
        assert!(began.elapsed() >= SOON, "{half:?} had its time");
    }
    let after = answering.send(b"GET /peer HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(rest_of(after).await.starts_with("HTTP/1.1 200"), "an answer, and closed when no other request came");
}

#[tokio::test]
async fn whoever_never_reads_an_answer_loses_the_connection() {
    let answering = Answering::start(|bounds| (bounds.connections_max, bounds.unread) = (1, SOON)).await;
    let unread = answering.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let next = answering.send(HELLO).await;
    assert!(rest_of(next).await.starts_with("HTTP/1.1 200"), "its place is free again");
    drop(unread);
}

#[tokio::test]
async fn connections_past_the_bound_wait_and_are_served_later() {
    let mut answering = Answering::start(|bounds| bounds.connections_max = 2).await;
    let mut streams = Vec::new();
    for _ in 0..6 {
        streams.push(answering.send(SLOW).await);
    }
    assert_eq!((answering.entered.recv().await, answering.entered.recv().await), (Some(1), Some(2)));
    timeout(SOON, answering.entered.recv()).await.expect_err("the others wait");
    answering.gate.add_permits(6);
    for stream in streams {
        assert!(rest_of(stream).await.ends_with("done"));
    }
    for _ in 0..4 {
        assert!(answering.entered.recv().await.unwrap() <= 2);
    }
}

#[tokio::test]
async fn a_stop_lets_a_request_under_way_end_and_takes_no_other() {
    let mut answering = Answering::start(|_| {}).await;
    let idle = answering.send(b"GET /peer HTTP/1.1\r\nHost: a\r\n\r\n").await;
    idle.readable().await.unwrap();
    let under_way = answering.send(SLOW).await;
    answering.entered.recv().await.unwrap();
    answering.stop.send(()).unwrap();
    assert!(rest_of(idle).await.starts_with("HTTP/1.1 200"), "what is idle is closed at once");
    TcpStream::connect(answering.address).await.expect_err("nobody listens any more");
    answering.gate.add_permits(1);
    assert!(rest_of(under_way).await.ends_with("done"));
    answering.ended.await.unwrap();
}

#[tokio::test]
async fn a_request_that_outlives_the_grace_is_cut() {
    let mut answering = Answering::start(|bounds| bounds.grace = SOON).await;
    let under_way = answering.send(SLOW).await;
    answering.entered.recv().await.unwrap();
    answering.stop.send(()).unwrap();
    answering.ended.await.unwrap();
    assert_eq!(rest_of(under_way).await, "");
}

#[tokio::test]
async fn routes_learn_who_the_peer_is() {
    let answering = Answering::start(|_| {}).await;
    let stream = answering.send(HELLO).await;
    let own = stream.local_addr().unwrap().to_string();
    assert!(rest_of(stream).await.ends_with(&own));
}

#[tokio::test]
async fn heads_have_a_largest_size() {
    let answering = Answering::start(|_| {}).await;
    let head = |bytes: usize| format!("GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Long: {}\r\n\r\n", "x".repeat(bytes));
    assert!(rest_of(answering.send(head(40_000).as_bytes()).await).await.starts_with("HTTP/1.1 200"));
    // The answer comes while the rest is still being sent, which may then fail.
    let mut stream = TcpStream::connect(answering.address).await.unwrap();
    drop(stream.write_all(&head(65 * 1024).as_bytes()[..64 * 1024 + 10]).await);
    assert!(rest_of(stream).await.starts_with("HTTP/1.1 431"));
}
