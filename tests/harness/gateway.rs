//! A gateway over stores of the test's own.

use std::sync::Arc;

use passerelle::config::Config;
use passerelle::services::context::{Actor, Context, Gateway, PlatformContext};
use passerelle::services::establishments::{self, Created, NewEstablishment};
use passerelle::types::secret::Secret;
use passerelle::types::time::Timestamp;

use super::store::{Engine, TestStore};

/// A password that meets the rules.
pub const PASSWORD: &str = "cheval pile agrafe correct";

/// A gateway with stores that go with it.
pub struct TestGateway {
    pub gateway: Arc<Gateway>,
    // Goes with the gateway.
    store: TestStore,
}

impl TestGateway {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        Self::over(TestStore::new(), adjust).await
    }

    /// On this engine, whatever the run's is.
    pub async fn start_on(engine: Engine) -> Self {
        Self::over(TestStore::on(engine), |_| {}).await
    }

    async fn over(mut store: TestStore, adjust: impl FnOnce(&mut Config)) -> Self {
        adjust(&mut store.config);
        let gateway = passerelle::app::open(&store.config).await.unwrap();
        Self { gateway, store }
    }

    /// What another gateway over the same stores is opened with.
    pub fn config(&self) -> &Config {
        &self.store.config
    }

    pub async fn platform(&self) -> PlatformContext {
        PlatformContext::open(&self.gateway, Actor::System, Timestamp::now()).await.unwrap()
    }

    pub async fn context(&self, slug: &str) -> Context {
        Context::open(&self.gateway, slug, Actor::System, Timestamp::now()).await.unwrap()
    }

    /// An establishment of this name, and a context in it.
    pub async fn establishment(&self, name: &str) -> (Created, Context) {
        let new = NewEstablishment { name: name.to_owned(), ..NewEstablishment::default() };
        let created = establishments::create(&self.platform().await, &new).await.unwrap();
        let context = self.context(&created.establishment.slug).await;
        (created, context)
    }
}

/// A secret from a text.
pub fn secret(raw: &str) -> Secret {
    Secret::parse("secret", raw.to_owned()).unwrap()
}
