//! A plain TCP balancer: each connection goes to the next node in turn, and past those that do not take it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Asked of a node before a connection is given to it, by a balancer that asks.
const PROBE: &[u8] = b"GET /readyz HTTP/1.1\r\nHost: balancer\r\nConnection: close\r\n\r\n";

/// Where connections go.
#[derive(Debug, Default)]
struct Route {
    nodes: Mutex<Vec<SocketAddr>>,
    next: AtomicUsize,
    aim: Mutex<Option<usize>>,
    asks: AtomicBool,
}

/// A running balancer; dropping it stops it.
#[derive(Debug)]
pub struct Balancer {
    pub origin: String,
    route: Arc<Route>,
    running: JoinHandle<()>,
}

impl Balancer {
    /// One that has no node yet.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let route = Arc::new(Route::default());
        let shared = route.clone();
        let running = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(carry(client, shared.clone()));
            }
        });
        Self { origin, route, running }
    }

    /// Sends connections to these nodes from now on.
    pub fn set(&self, nodes: Vec<SocketAddr>) {
        *self.route.nodes.lock().unwrap() = nodes;
    }

    /// Sends every new connection to one node, or to each in turn again.
    pub fn aim(&self, node: Option<usize>) {
        *self.route.aim.lock().unwrap() = node;
    }

    /// Asks each node whether it is ready before a connection is given to it.
    pub fn ask_before(&self) {
        self.route.asks.store(true, Ordering::Relaxed);
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn carry(mut client: TcpStream, route: Arc<Route>) {
    if let Some(mut node) = route.connect().await {
        client.set_nodelay(true).unwrap();
        node.set_nodelay(true).unwrap();
        // Either side may end it in any way; the other then sees the end.
        copy_bidirectional(&mut client, &mut node).await.ok();
    }
}

impl Route {
    async fn connect(&self) -> Option<TcpStream> {
        let nodes = self.nodes.lock().unwrap().clone();
        for _ in &nodes {
            let aim = *self.aim.lock().unwrap();
            let address = nodes[aim.unwrap_or_else(|| self.next.fetch_add(1, Ordering::Relaxed)) % nodes.len()];
            if self.asks.load(Ordering::Relaxed) && !is_ready(address).await {
                continue;
            }
            if let Ok(stream) = TcpStream::connect(address).await {
                return Some(stream);
            }
        }
        None
    }
}

async fn is_ready(node: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(node).await else { return false };
    let mut said = Vec::new();
    let asked = async {
        stream.write_all(PROBE).await?;
        stream.read_to_end(&mut said).await
    };
    asked.await.is_ok() && said.starts_with(b"HTTP/1.1 200")
}
