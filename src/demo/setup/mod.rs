//! Furnishes the demo's gateway by the same services as everyone: operator, establishments, sources, roles, clients, a token. Done again on
//! stores that are furnished already, it finds what is there and gives out new secrets.

mod client;
mod establishment;
mod feed;
mod password;
mod planned;
mod roles;

use std::sync::Arc;

use anyhow::Context as _;
use futures::future::try_join_all;

use super::sample::Place;
use crate::services::context::{Actor, Gateway, PlatformContext};
use crate::services::error::Error;
use crate::services::establishments as registry;
use crate::services::tokens::{self, NewToken};
use crate::services::users::{self, NewUser};
use crate::store::establishment::api_token::{Filter, TokenKind};
use crate::types::page::{LIMIT_MAX, PageRequest};
use crate::types::secret::Secret;
use crate::types::time::Timestamp;

pub use feed::Feed;
pub use planned::{Planned, from_file, generated};

/// The operator's user name.
const OPERATOR: &str = "operateur";
/// The name of the demo's API token.
const TOKEN_NAME: &str = "demo";

/// A user name and its password: those of the demo are shown on purpose.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name to sign in with.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// How the demo's parts find one another.
#[derive(Debug)]
pub struct Surroundings {
    /// The directory's address.
    pub directory_url: String,
    /// The sample application's address.
    pub sample_url: String,
    /// Further redirect URIs of every client.
    pub redirect_uris: Vec<String>,
}

/// One establishment that is ready.
#[derive(Debug)]
pub struct Furnished {
    /// As the sample application knows it.
    pub place: Place,
    /// Someone who administers it.
    pub admin: Credentials,
    /// Someone of its directory, when the demo knows a password.
    pub person: Option<Credentials>,
    /// The client's redirect URIs.
    pub redirect_uris: Vec<String>,
    /// The source's bind name.
    pub bind_dn: String,
    /// The source's bind password.
    pub bind_password: Secret,
    /// What can be pushed into it.
    pub feed: Feed,
}

/// The whole platform, ready.
#[derive(Debug)]
pub struct Platform {
    /// The operator.
    pub operator: Credentials,
    /// A token that may do everything in the admin API.
    pub api_token: Secret,
    /// The establishments.
    pub establishments: Vec<Furnished>,
}

/// Furnishes everything.
///
/// # Errors
/// When a step is refused; the text says which and what to do.
pub async fn furnish(gateway: &Arc<Gateway>, planned: &[Planned], around: &Surroundings, now: Timestamp) -> anyhow::Result<Platform> {
    let platform = PlatformContext::open(gateway, Actor::System, now).await?;
    // Slugs and numbers are given one after the other; all the rest goes side by side.
    for plan in planned {
        establishment::ensure(&platform, plan).await.with_context(|| format!("making the establishment «{}»", plan.name))?;
    }
    let each = planned.iter().map(async |plan| {
        let ctx = platform.enter(&plan.slug).await?;
        let done = establishment::furnish(&ctx, plan, around).await;
        done.with_context(|| format!("furnishing the establishment «{}»", plan.name))
    });
    let (establishments, operator, api_token) = tokio::try_join!(try_join_all(each), operator(&platform), api_token(&platform))?;
    Ok(Platform { operator, api_token, establishments })
}

async fn operator(platform: &PlatformContext) -> anyhow::Result<Credentials> {
    let ctx = platform.context();
    let link = match users::resolve(ctx, OPERATOR).await {
        Ok(known) => users::reset(ctx, known.id).await?,
        Err(Error::NotFound(_)) => {
            let new = NewUser { username: OPERATOR.to_owned(), display_name: Some("Webmestre".to_owned()), ..NewUser::default() };
            registry::create_operator(platform, &new).await?.1
        }
        Err(other) => return Err(other.into()),
    };
    let password = password::choose(ctx, &link).await.context("choosing the operator's password")?;
    Ok(Credentials { username: OPERATOR.to_owned(), password })
}

/// A new token; the one of the demo before is revoked, for its secret is forgotten.
async fn api_token(platform: &PlatformContext) -> anyhow::Result<Secret> {
    let ctx = platform.context();
    let filter = Filter { name: Some(TOKEN_NAME.to_owned()), ..Filter::default() };
    for old in tokens::list(ctx, &PageRequest::first(LIMIT_MAX), &filter).await?.items {
        tokens::revoke(ctx, old.id).await?;
    }
    let new = NewToken {
        name: TOKEN_NAME.to_owned(),
        kind: TokenKind::Api,
        source: None,
        scope: "operator".to_owned(),
        within: None,
        expires_at: None,
    };
    Ok(tokens::create(ctx, &new).await.context("making the API token")?.1)
}
