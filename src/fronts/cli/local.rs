//! The local stores a command works on. Whoever may run commands on the machine acts as the system itself.

use std::sync::Arc;

use anyhow::Context as _;

use super::args::Global;
use crate::app;
use crate::config::Config;
use crate::services::context::{Actor, Context, Gateway, PlatformContext};
use crate::store::Stores;
use crate::types::time::Timestamp;

/// Open stores.
pub struct Local {
    /// What services share.
    pub gateway: Arc<Gateway>,
}

/// The configuration that the options name.
pub fn configuration(global: &Global) -> anyhow::Result<Config> {
    Ok(Config::load(global.config.as_deref(), super::settings_environment(), global.data.as_deref())?)
}

impl Local {
    /// Opens the stores that the options name. Only what begins an installation makes new ones: a mistyped folder is told.
    pub async fn open(global: &Global, begins: bool) -> anyhow::Result<Self> {
        let config = configuration(global)?;
        anyhow::ensure!(
            begins || Stores::exist(&app::store_url(&config.store.url)?).await?,
            "there are no stores in {}: name their folder with --data or --config, or begin with `passerelle operator create NAME`",
            config.store.label()
        );
        let gateway = app::open(&config).await.with_context(|| format!("opening the stores in {}", config.store.label()))?;
        Ok(Self { gateway })
    }

    /// A context on the platform.
    pub async fn platform(&self) -> anyhow::Result<PlatformContext> {
        Ok(PlatformContext::open(&self.gateway, Actor::System, Timestamp::now()).await?)
    }

    /// A context in an establishment.
    pub async fn establishment(&self, slug: &str) -> anyhow::Result<Context> {
        Ok(Context::open(&self.gateway, slug, Actor::System, Timestamp::now()).await?)
    }
}
