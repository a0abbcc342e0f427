//! Starts the demo's parts in their order, and stops them in the other: directory, stores, sample application, mail tray, gateway.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::directory::{Directory, Entry, Limits, ldif};
use super::folder::Folder;
use super::mail::Tray;
use super::people;
use super::sample::{Sample, Settings};
use super::setup::{self, Planned, Platform, Surroundings};
use crate::app;
use crate::config::{Config, Mail, Security};
use crate::services::context::Gateway;
use crate::services::leases::HOLD_S;
use crate::services::oidc::redirect_uri::registrable_redirect_uri;
use crate::services::sync;
use crate::types::time::Timestamp;

/// What the demo is asked for.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// Where the gateway listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where its stores are; a temporary folder when left out.
    pub data: Option<PathBuf>,
    /// How many people are generated.
    pub people: usize,
    /// A directory of one's own instead.
    pub ldif: Option<PathBuf>,
    /// Further redirect URIs of every client.
    pub redirect_uris: Vec<String>,
}

impl Default for Wishes {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        Self { listen, data: None, people: people::COUNT_DEFAULT, ldif: None, redirect_uris: Vec::new() }
    }
}

/// The running demo. Dropping it stops everything at once; [`Demo::stop`] lets requests under way end.
#[derive(Debug)]
pub struct Demo {
    /// Where the gateway is.
    pub public_url: String,
    /// Where the sample application is.
    pub sample_url: String,
    /// Where the letters are that the gateway sent.
    pub mail_tray: String,
    /// The letters themselves.
    pub letters: Tray,
    /// The directory.
    pub directory: Arc<Directory>,
    /// How many people the directory has.
    pub people_count: usize,
    /// Who may do what, where.
    pub platform: Platform,
    /// The gateway itself.
    pub gateway: Arc<Gateway>,
    serving: JoinHandle<anyhow::Result<()>>,
    sample: JoinHandle<std::io::Result<()>>,
    mail: JoinHandle<std::io::Result<()>>,
    stop: CancellationToken,
    // Dropped last: the stores are in it.
    folder: Folder,
}

impl Demo {
    /// Starts everything, and comes back once everything answers.
    ///
    /// # Errors
    /// A port that is taken, a file that does not read, a folder that is another program's: the text says what to do.
    pub async fn start(config: Config, wishes: &Wishes) -> anyhow::Result<Self> {
        for uri in &wishes.redirect_uris {
            registrable_redirect_uri(uri).map_err(|wrong| anyhow::anyhow!("--redirect-uri {wrong}"))?;
        }
        let (listener, sample_listener) = listen(wishes.listen).await?;
        let (public_url, sample_url) = (url(&listener)?, url(&sample_listener)?);
        let mail_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("the mail tray finds no free port")?;
        let folder = Folder::open(wishes.data.as_deref())?;
        let config = Config {
            mail: mail_to(mail_listener.local_addr()?),
            public_url: public_url.clone(),
            store: crate::config::Store { url: format!("sqlite:{}", folder.path().display()), ..crate::config::Store::default() },
            ..config
        };
        let (entries, planned) = content(wishes).await?;
        let people_count = entries.iter().filter(|entry| entry.first("uid").is_some()).count();
        let directory = Arc::new(directory(entries, &planned).await?);
        let gateway = app::open(&config).await.with_context(|| format!("opening the stores in {}", folder.path().display()))?;
        // A demo that was killed may have left a run unfinished in its folder, and nobody else works there: its hold need not run out.
        sync::recover(&gateway, Timestamp::now().plus_s(HOLD_S)).await?;
        let around =
            Surroundings { directory_url: directory.url(), sample_url: sample_url.clone(), redirect_uris: wishes.redirect_uris.clone() };
        let platform = Box::pin(setup::furnish(&gateway, &planned, &around, Timestamp::now())).await?;
        let letters = Tray::default();
        let sample = Sample::new(Settings {
            url: sample_url.clone(),
            gateway_url: public_url.clone(),
            api_token: platform.api_token.clone(),
            places: platform.establishments.iter().map(|furnished| furnished.place.clone()).collect(),
            directory: directory.clone(),
            letters: letters.clone(),
        })?;
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        Ok(Self {
            mail_tray: format!("{sample_url}/mail"),
            public_url,
            sample_url,
            directory,
            people_count,
            platform,
            serving: tokio::spawn(app::serve(gateway.clone(), listener, stopped)),
            gateway,
            sample: tokio::spawn(sample.serve(sample_listener, stop.clone())),
            mail: tokio::spawn(letters.clone().serve(mail_listener, stop.clone())),
            letters,
            stop,
            folder,
        })
    }

    /// The folder of its stores.
    pub const fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Stops, and lets requests under way end.
    ///
    /// # Errors
    /// When a part had failed before.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        (&mut self.sample).await.context("stopping the sample application")??;
        (&mut self.mail).await.context("stopping the mail tray")??;
        (&mut self.serving).await.context("stopping the gateway")?
    }

    /// Waits for a part to end by itself, which only a failure makes it do.
    ///
    /// # Errors
    /// The failure.
    pub async fn failed(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            ended = &mut self.serving => ended.context("the gateway ended")?,
            ended = &mut self.sample => Ok(ended.context("the sample application ended")??),
            ended = &mut self.mail => Ok(ended.context("the mail tray ended")??),
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.stop.cancel();
        self.serving.abort();
        self.sample.abort();
        self.mail.abort();
    }
}

/// The gateway's socket, and the sample application's on the next port or any free one.
async fn listen(address: SocketAddr) -> anyhow::Result<(TcpListener, TcpListener)> {
    let ours = address.ip().is_loopback() || address.ip().is_unspecified();
    anyhow::ensure!(ours, "the demo speaks plain HTTP and shows its passwords: let it listen on 127.0.0.1, not on {address}");
    let taken = |error: std::io::Error| {
        let port = address.port().saturating_add(10);
        let hint =
            format!("choose another with --listen {}:{port}, or let the system choose with --listen {}:0", address.ip(), address.ip());
        anyhow::anyhow!("{address} is not free ({error}): {hint}")
    };
    let gateway = TcpListener::bind(address).await.map_err(taken)?;
    let next = address.port().checked_add(1).filter(|_| address.port() != 0).unwrap_or(0);
    let sample = match TcpListener::bind((address.ip(), next)).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind((address.ip(), 0)).await.context("the sample application finds no free port")?,
    };
    Ok((gateway, sample))
}

/// The demo's own tray takes the letters, whatever the configuration says: nothing of a demo goes out into the world.
fn mail_to(tray: SocketAddr) -> Mail {
    Mail {
        host: tray.ip().to_string(),
        port: tray.port(),
        security: Security::None,
        from: "Passerelle <passerelle@demo.invalid>".to_owned(),
        ..Mail::default()
    }
}

/// The address people open. What listens everywhere is opened on this machine.
fn url(listener: &TcpListener) -> anyhow::Result<String> {
    let address = listener.local_addr()?;
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
        other => other,
    };
    Ok(format!("http://{}", SocketAddr::new(ip, address.port())))
}

async fn content(wishes: &Wishes) -> anyhow::Result<(Vec<Entry>, Vec<Planned>)> {
    let Some(path) = wishes.ldif.clone() else { return Ok((people::generate(wishes.people)?, setup::generated()?)) };
    let shown = path.display().to_string();
    let read = move || -> anyhow::Result<Vec<Entry>> { Ok(ldif::read(std::io::BufReader::new(std::fs::File::open(path)?))?) };
    let entries = tokio::task::spawn_blocking(read).await?.with_context(|| format!("reading {shown}"))?;
    let planned = setup::from_file(&entries).with_context(|| format!("reading {shown}"))?;
    Ok((entries, planned))
}

async fn directory(entries: Vec<Entry>, planned: &[Planned]) -> anyhow::Result<Directory> {
    let accounts = planned.iter().map(|plan| plan.account.clone()).collect();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("the directory finds no free port")?;
    Ok(Directory::start(listener, entries, accounts, Limits::default())?)
}
