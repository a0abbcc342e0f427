//! `passerelle serve`: the gateway, until it is asked to stop.

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::args::Global;
use super::local::configuration;
use super::output::Output;
use crate::app;
use crate::services::context::{Actor, PlatformContext};
use crate::services::{sync, users};
use crate::store::establishment::user::Filter;
use crate::types::page::PageRequest;
use crate::types::time::Timestamp;

/// Serves until it is asked to stop.
pub async fn run(global: &Global, output: Output) -> anyhow::Result<()> {
    let mut stop = Stop::listen()?;
    let config = configuration(global)?;
    crate::telemetry::start(&config.log)?;
    let address = config.listen.address;
    let taken = || format!("{address} is not free: change listen.address, or stop what listens there");
    let listener = TcpListener::bind(address).await.with_context(taken)?;
    let gateway = app::open(&config).await.with_context(|| format!("opening the stores in {}", config.store.label()))?;
    sync::recover(&gateway, Timestamp::now()).await?;
    let platform = PlatformContext::open(&gateway, Actor::System, Timestamp::now()).await?;
    let operators = users::list(platform.context(), &PageRequest::first(1), &Filter::default()).await?;
    tracing::info!(address = %listener.local_addr()?, public_url = config.public_url, "gateway answers");
    if operators.items.is_empty() {
        // A notice for whoever starts it, not a result: scripts read standard output.
        eprintln!("{}", output.text("cli-first-operator", &[("command", first_operator(global).into())]));
    }
    app::serve(gateway, listener, async move { stop.asked().await }).await
}

/// The command that makes the first operator, for the same stores.
fn first_operator(global: &Global) -> String {
    let mut words = vec!["passerelle operator create NAME".to_owned()];
    for (option, path) in [("--config", &global.config), ("--data", &global.data)] {
        words.extend(path.as_ref().map(|path| format!("{option} {}", path.display())));
    }
    words.join(" ")
}

/// What asks the program to end: Ctrl-C, or the system. Heard from the moment it is made.
#[derive(Debug)]
pub struct Stop {
    interrupted: Signal,
    terminated: Signal,
}

impl Stop {
    /// Begins to listen, so that the program is never ended in the middle.
    ///
    /// # Errors
    /// When the system lets no signal be heard.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupted: signal(SignalKind::interrupt())?, terminated: signal(SignalKind::terminate())? })
    }

    /// Ends when the program is asked to.
    pub async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupted.recv() => {}
            _ = self.terminated.recv() => {}
        }
    }
}
