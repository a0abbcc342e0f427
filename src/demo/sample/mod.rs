//! The demo's sample application: a relying party like any other, which shows what it learns and why. Knows the gateway by HTTP alone.

mod admin;
mod directory;
mod mail;
mod outside;
mod pages;
mod provider;
mod shown;
mod sign_in;
mod visits;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::directory::Directory;
use super::mail::Tray;
use crate::types::secret::Secret;
use outside::Outside;
use visits::Visits;

/// What someone does in an establishment, as far as the demo suggests whom to sign in as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Teaches.
    Teacher,
    /// Keeps the computers going, and administers the gateway there.
    Administrator,
    /// Learns.
    Pupil,
    /// Someone of a directory that was brought along.
    Anyone,
}

/// Someone to sign in as.
#[derive(Clone, Debug)]
pub struct Suggestion {
    /// What the person does.
    pub function: Function,
    /// The person's name.
    pub name: String,
    /// The name to sign in with.
    pub username: String,
    /// The password: that of a fictitious person, shown on purpose.
    pub password: String,
}

/// One establishment, as its client knows it.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its town.
    pub locality: Option<String>,
    /// Its issuer (OpenID Connect Core §2).
    pub issuer: String,
    /// The sample application's identifier there.
    pub client_id: String,
    /// The sample application's secret there.
    pub client_secret: Secret,
    /// The application whose roles are read.
    pub application: String,
    /// What people call it.
    pub application_title: String,
    /// The name of its source.
    pub source: String,
    /// The top of its part of the directory.
    pub base_dn: String,
    /// Whom to sign in as.
    pub suggestions: Vec<Suggestion>,
    /// A teacher to move, and the groups to move from and to.
    pub moving: Option<Moving>,
}

/// A change in the directory that every application notices.
#[derive(Clone, Debug)]
pub struct Moving {
    /// The teacher's entry.
    pub person_dn: String,
    /// The group to leave.
    pub from_dn: String,
    /// The group to join.
    pub to_dn: String,
}

/// What the sample application is told when it starts.
#[derive(Debug)]
pub struct Settings {
    /// Where people find it.
    pub url: String,
    /// Where the gateway is.
    pub gateway_url: String,
    /// A token for the admin API, for the pages that explain.
    pub api_token: Secret,
    /// The establishments.
    pub places: Vec<Place>,
    /// The demo's directory.
    pub directory: Arc<Directory>,
    /// The letters that the gateway sent.
    pub letters: Tray,
}

/// The running application.
#[derive(Debug)]
pub struct Sample {
    settings: Settings,
    visits: Visits,
    outside: Outside,
}

/// Where the application is answered after a sign-in (OpenID Connect Core §3.1.2.1): one address an establishment, so that an answer of
/// one provider is never taken for another's (RFC 9700 §4.4.2.2).
pub fn redirect_uri(url: &str, slug: &str) -> String {
    format!("{url}/callback/{slug}")
}

/// Where people come back to after signing out.
pub fn post_logout_redirect_uri(url: &str) -> String {
    format!("{url}/signed-out")
}

impl Sample {
    /// An application of these settings.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(settings: Settings) -> anyhow::Result<Arc<Self>> {
        let outside = Outside::new()?;
        Ok(Arc::new(Self { settings, visits: Visits::default(), outside }))
    }

    fn place(&self, slug: &str) -> Option<&Place> {
        self.settings.places.iter().find(|place| place.slug == slug)
    }

    /// Every address of the application.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/", get(sign_in::index))
            .route("/login/{slug}", get(sign_in::begin))
            .route("/callback/{slug}", get(sign_in::finish))
            .route("/me", get(sign_in::me))
            .route("/refresh", post(sign_in::refresh))
            .route("/logout", post(sign_in::sign_out))
            .route("/signed-out", get(sign_in::signed_out))
            .route("/directory", get(directory::show))
            .route("/directory/move", post(directory::move_person))
            .route("/directory/sync", post(directory::sync))
            .route("/mail", get(mail::show))
            .route("/assets/sample.css", get(pages::stylesheet))
            .route("/assets/sample.svg", get(pages::icon))
            .fallback(sign_in::missing)
            .with_state(self.clone())
    }

    /// Answers until told to stop.
    ///
    /// # Errors
    /// When the socket fails.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
        let router = self.router();
        axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await }).await
    }
}
