//! The composition root: configuration in, a running gateway out.

use std::sync::Arc;

use crate::config::Config;
use crate::services::context::{Actor, Gateway, PlatformContext};
use crate::services::directories::Directories;
use crate::services::establishments;
use crate::services::passwords::PasswordPool;
use crate::services::vault::Vault;
use crate::store::{StoreUrl, Stores};
use crate::types::time::Timestamp;

/// Opens stores and keys: all that commands and servers share.
///
/// # Errors
/// When the master key or a store cannot be opened; the text says which and what to do.
pub async fn open(config: &Config) -> anyhow::Result<Arc<Gateway>> {
    let url = StoreUrl::Sqlite(config.folder());
    let open_max = u64::try_from(config.limits.open_establishments_max).unwrap_or(u64::MAX);
    let stores = Stores::open(&url, open_max).await?;
    let gateway = Arc::new(Gateway {
        stores,
        vault: Vault::open(&config.master_key())?,
        passwords: PasswordPool::new(config.limits.password_hash_concurrency, config.limits.password_length_max)?,
        directories: Directories::default(),
        limits: config.limits.clone(),
        public_url: config.public_url.clone(),
    });
    let platform = PlatformContext::open(&gateway, Actor::System, Timestamp::now()).await?;
    establishments::prepare(platform.context()).await?;
    Ok(gateway)
}
