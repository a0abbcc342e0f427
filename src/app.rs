//! The composition root: configuration in, a running gateway out.

pub mod connections;
pub mod hearing;
mod unread;
pub mod worker;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use connections::Bounds;

use crate::config::{self, Config};
use crate::services::archives;
use crate::services::context::{Actor, Gateway, PlatformContext};
use crate::services::directories::Directories;
use crate::services::egress::Egress;
use crate::services::establishments;
use crate::services::housekeeping;
use crate::services::installation;
use crate::services::keys::Keys;
use crate::services::mailer::Mailer;
use crate::services::node::Node;
use crate::services::passwords::PasswordPool;
use crate::services::recent_establishments::RecentEstablishments;
use crate::services::scim_services::ScimServices;
use crate::services::upgrades;
use crate::services::vault::Vault;
use crate::store::{self, StoreUrl, Stores};
use crate::types::secret::Secret;
use crate::types::time::Timestamp;

/// How long the stores may take to be closed.
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);
/// How often expired rows are removed.
const SWEEP_INTERVAL: Duration = Duration::from_mins(5);
/// Pause between two batches of stores brought to this program's version: requests come first.
const UPGRADE_PAUSE: Duration = Duration::from_secs(2);

/// Opens stores and keys: all that commands and servers share.
///
/// # Errors
/// When the master key or a store cannot be opened; the text says which and what to do.
pub async fn open(config: &Config) -> anyhow::Result<Arc<Gateway>> {
    let url = store_url(&config.store.url)?;
    let open_max = u64::try_from(config.limits.open_establishments_max).unwrap_or(u64::MAX);
    // Before the stores are made: whether they were there tells whether a key may be.
    let vault = Vault::open(&config.master_key(), !Stores::exist(&url).await?)?;
    let more = config.store.placements().map(|(name, url)| Ok((name.to_owned(), store_url(url)?)));
    let more = more.collect::<anyhow::Result<Vec<_>>>()?;
    let bounds = store::Bounds { open_max, connections_max: config.store.connections_max };
    let stores = Stores::open(&url, &more, bounds).await?;
    installation::prove_key(&stores, &vault).await?;
    let gateway = Arc::new(Gateway {
        stores,
        folder: config.folder(),
        vault,
        mailer: Mailer::open(&config.mail, &config.public_url)?,
        passwords: PasswordPool::new(config.limits.password_hash_concurrency, config.limits.password_length_max)?,
        directories: Directories::default(),
        scim_services: ScimServices::default(),
        egress: Egress::new(config.egress.private_hosts_allowed.clone(), config.is_of_this_machine()),
        keys: Keys::new(open_max),
        establishments: RecentEstablishments::default(),
        node: Node::default(),
        limits: config.limits.clone(),
        archives: config.archives.clone(),
        public_url: config.public_url.clone(),
        trusted_proxies: config.listen.trusted_proxies.clone(),
    });
    let platform = PlatformContext::open(&gateway, Actor::System, Timestamp::now()).await?;
    establishments::prepare(platform.context()).await?;
    Ok(gateway)
}

/// Where stores lie, from a URL that the configuration has checked.
///
/// # Errors
/// When it is longer than any address.
pub fn store_url(url: &str) -> anyhow::Result<StoreUrl> {
    match config::Store::folder_of(url) {
        Some(folder) => Ok(StoreUrl::Sqlite(folder)),
        None => Ok(StoreUrl::Postgres(Secret::parse("store.url", url.to_owned())?)),
    }
}

/// Answers on a socket until `shutdown` ends, and for `limits.drain_s` after; then takes no new request, lets those under way end, and closes the stores.
///
/// # Errors
/// When metrics cannot be recorded.
pub async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let metrics = crate::telemetry::metrics()?;
    gateway.stores.keep_warm().await;
    gateway.node.serve();
    let mut beside = tokio::task::JoinSet::new();
    beside.spawn(crate::telemetry::keep_metrics(metrics));
    beside.spawn(sweep_for_ever(gateway.clone()));
    beside.spawn(bring_up(gateway.clone()));
    beside.spawn(hearing::listen(gateway.clone()));
    if let Err(error) = archives::plan(&gateway, Timestamp::now()).await {
        tracing::error!(%error, "rounds of archives could not be planned: they begin with the next start");
    }
    let working = tokio::spawn(worker::work(gateway.clone()));
    let bounds = Bounds::new(gateway.limits.connections_max);
    let node = gateway.clone();
    let shutdown = async move {
        shutdown.await;
        node.node.stop();
        // Readiness says no from now on: balancers have time to look elsewhere.
        tokio::time::sleep(Duration::from_secs(u64::from(node.limits.drain_s))).await;
    };
    connections::answer(listener, crate::fronts::router(gateway.clone()), bounds, shutdown).await;
    // One that panicked has been logged by the runtime, and what it held runs out.
    working.await.ok();
    beside.shutdown().await;
    if tokio::time::timeout(CLOSE_DEADLINE, gateway.stores.close()).await.is_err() {
        tracing::warn!("a database does not answer: connections to it are cut");
    }
    Ok(())
}

async fn sweep_for_ever(gateway: Arc<Gateway>) {
    let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        ticks.tick().await;
        housekeeping::sweep(&gateway, Timestamp::now()).await;
        gateway.stores.keep_warm().await;
    }
}

/// Brings the stores that an older program left to this one's version, and ends.
async fn bring_up(gateway: Arc<Gateway>) {
    let (mut after, mut brought_up, mut failed) = (None, 0, 0);
    loop {
        match upgrades::bring_some_up(&gateway, after, Timestamp::now()).await {
            Ok(batch) => {
                brought_up += batch.brought_up;
                failed += batch.failed;
                if batch.last.is_none() {
                    break;
                }
                after = batch.last;
            }
            Err(error) => tracing::warn!(%error, "stores of an older version are looked for again in a moment"),
        }
        tokio::time::sleep(UPGRADE_PAUSE).await;
    }
    if brought_up + failed > 0 {
        tracing::info!(brought_up, failed, "stores of an older version were brought up");
    }
}
