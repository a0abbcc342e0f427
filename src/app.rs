//! The composition root: configuration in, a running gateway out.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::Config;
use crate::services::context::{Actor, Gateway, PlatformContext};
use crate::services::directories::Directories;
use crate::services::establishments;
use crate::services::housekeeping;
use crate::services::keys::Keys;
use crate::services::passwords::PasswordPool;
use crate::services::recent_establishments::RecentEstablishments;
use crate::services::vault::Vault;
use crate::store::{StoreUrl, Stores};
use crate::types::time::Timestamp;

/// How long requests under way may take to end once the gateway is asked to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How often expired rows are removed.
const SWEEP_INTERVAL: Duration = Duration::from_mins(5);

/// Opens stores and keys: all that commands and servers share.
///
/// # Errors
/// When the master key or a store cannot be opened; the text says which and what to do.
pub async fn open(config: &Config) -> anyhow::Result<Arc<Gateway>> {
    let url = StoreUrl::Sqlite(config.folder());
    let open_max = u64::try_from(config.limits.open_establishments_max).unwrap_or(u64::MAX);
    // Before the stores are made: whether they were there tells whether a key may be.
    let vault = Vault::open(&config.master_key(), !Stores::exist(&url))?;
    let stores = Stores::open(&url, open_max).await?;
    let gateway = Arc::new(Gateway {
        stores,
        vault,
        passwords: PasswordPool::new(config.limits.password_hash_concurrency, config.limits.password_length_max)?,
        directories: Directories::default(),
        keys: Keys::new(open_max),
        establishments: RecentEstablishments::default(),
        limits: config.limits.clone(),
        public_url: config.public_url.clone(),
        trusted_proxies: config.listen.trusted_proxies.clone(),
    });
    let platform = PlatformContext::open(&gateway, Actor::System, Timestamp::now()).await?;
    establishments::prepare(platform.context()).await?;
    Ok(gateway)
}

/// Answers on a socket until `shutdown` ends; then takes no new request, lets those under way end, and closes the stores.
///
/// # Errors
/// When the socket fails, or metrics cannot be recorded.
pub async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let metrics = crate::telemetry::metrics()?;
    let mut beside = tokio::task::JoinSet::new();
    beside.spawn(crate::telemetry::keep_metrics(metrics));
    beside.spawn(sweep_for_ever(gateway.clone()));
    let (stop, mut stopped) = watch::channel(false);
    let asked = async move {
        shutdown.await;
        tracing::info!("stopping");
        // Nobody listens any more only when serving has ended already.
        let _ = stop.send(true);
    };
    // Answers are small and go out at once (Nagle's algorithm would hold them back for a delayed acknowledgement).
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY not set");
        }
    });
    let service = crate::fronts::router(gateway.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(asked);
    let overdue = async move {
        // An error means that serving ended without being asked to stop; then nothing is overdue.
        if stopped.wait_for(|stopping| *stopping).await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = serving.into_future() => ended.context("serving failed")?,
        () = overdue => tracing::warn!(grace_s = GRACE.as_secs(), "requests under way were cut off"),
    }
    beside.shutdown().await;
    gateway.stores.close().await;
    Ok(())
}

async fn sweep_for_ever(gateway: Arc<Gateway>) {
    let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        ticks.tick().await;
        housekeeping::sweep(&gateway, Timestamp::now()).await;
    }
}
