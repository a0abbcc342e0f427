//! Three processes of the product on one PostgreSQL, behind a balancer, and the test's own gateway over the same stores.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use passerelle::config::Config;
use passerelle::services::context::{Actor, Context, Gateway, PlatformContext};
use passerelle::services::establishments::{self, NewEstablishment};
use passerelle::types::time::Timestamp;
use tokio::time::timeout;

use super::balancer::Balancer;
use crate::harness::daemon::Daemon;
use crate::harness::postgres::{Database, Server};
use crate::harness::server::Place;

/// How many nodes there are.
const NODES: usize = 3;
/// Connections of one node to the stores: few, so that requests also wait for one another.
const CONNECTIONS: &str = "8";
/// Longest wait for what must come, on a machine whose cores are all busy.
const DEADLINE: Duration = Duration::from_mins(2);

/// One process.
#[derive(Debug)]
pub struct Node {
    daemon: Daemon,
    pub address: SocketAddr,
}

/// The nodes and what they share. Dropped in this order.
pub struct Cluster {
    pub nodes: Vec<Option<Node>>,
    pub balancer: Balancer,
    /// The test's own, for what is prepared and looked at beside the nodes.
    pub gateway: Arc<Gateway>,
    pub database: Database,
    pub server: Server,
    // Holds the master key that all share.
    _folder: tempfile::TempDir,
}

impl Cluster {
    /// Starts everything; nodes go on answering for so many seconds once they are asked to stop.
    pub async fn start(drain_s: u32) -> Self {
        let (server, folder) = (Server::start_own(), tempfile::tempdir().unwrap());
        let database = server.database();
        let balancer = Balancer::start().await;
        let beside = folder.path().to_str().unwrap().to_owned();
        let shared = [
            ("PASSERELLE__STORE__URL", database.url().to_owned()),
            ("PASSERELLE__STORE__FOLDER", beside),
            ("PASSERELLE__STORE__CONNECTIONS_MAX", CONNECTIONS.to_owned()),
            ("PASSERELLE__PUBLIC_URL", balancer.origin.clone()),
            ("PASSERELLE__LIMITS__DRAIN_S", drain_s.to_string()),
        ];
        let settings = shared.clone().into_iter().map(|(name, value)| (name.to_owned(), value));
        // It makes the master key and the registry before any node starts.
        let gateway = passerelle::app::open(&Config::load(None, settings, None).unwrap()).await.unwrap();
        let nodes: Vec<Option<Node>> = (0..NODES).map(|_| Some(Node::start(&shared))).collect();
        balancer.set(nodes.iter().flatten().map(|node| node.address).collect());
        Self { nodes, balancer, gateway, database, server, _folder: folder }
    }

    /// Ends a node as `kill -9` does.
    pub fn kill(&mut self, node: usize) {
        drop(self.nodes[node].take());
    }

    /// Where a node that runs listens.
    pub fn address(&self, node: usize) -> String {
        format!("http://{}", self.nodes[node].as_ref().unwrap().address)
    }

    /// A new establishment with one person who may sign in.
    pub async fn establishment(&self, name: &str) -> Place {
        let now = Timestamp::now();
        let platform = PlatformContext::open(&self.gateway, Actor::System, now).await.unwrap();
        let new = NewEstablishment { name: name.to_owned(), ..NewEstablishment::default() };
        let slug = establishments::create(&platform, &new).await.unwrap().establishment.slug;
        let place = Place { ctx: Context::open(&self.gateway, &slug, Actor::System, now).await.unwrap() };
        place.other_user("elodie").await;
        place
    }
}

impl Node {
    fn start(settings: &[(&str, String)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
        command.arg("serve").envs(settings.iter().map(|(name, value)| (*name, value.as_str())));
        command.env("PASSERELLE__LISTEN__ADDRESS", "127.0.0.1:0").env("PASSERELLE__LOG__FORMAT", "json");
        let (daemon, address) = Daemon::start(command, "", address_in).unwrap_or_else(|said| panic!("{said}"));
        Self { daemon, address }
    }

    /// Asks it to end, as the system does.
    pub fn terminate(&self) {
        let asked = Command::new("kill").args(["-TERM", &self.daemon.child.id().to_string()]).status().unwrap();
        assert!(asked.success(), "the signal was not sent");
    }

    /// Waits for it to end by itself, and tells whether it ended well.
    pub fn wait(mut self) -> bool {
        self.daemon.child.wait().unwrap().success()
    }
}

/// Where a node listens, in the line in which it says that it answers.
fn address_in(line: &str) -> Option<SocketAddr> {
    let said: serde_json::Value = serde_json::from_str(line).ok()?;
    (said["message"] == "gateway answers").then(|| said["address"].as_str().unwrap().parse().unwrap())
}

/// Asks again and again until it is so, and fails when that does not come.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, asking).await.unwrap_or_else(|_| panic!("never came: {what}"));
}
