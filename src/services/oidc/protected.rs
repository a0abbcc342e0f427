//! Access tokens brought back (RFC 6750): UserInfo (OpenID Connect Core §5.3), and whom a token lets use the admin API.

use serde_json::{Map, Value};

use super::error::OAuthError;
use super::facts;
use super::failure::Failure;
use crate::services::context::{Actor, Context};
use crate::services::error::Error;
use crate::services::roles;
use crate::store::Tx;
use crate::store::establishment::access_token::{self, LiveToken};
use crate::store::establishment::client::{self, Client};
use crate::store::establishment::user::{User, UserStatus};
use crate::types::id::ApplicationId;
use crate::types::oauth_scope::OauthScope;
use crate::types::secret::TokenHash;

/// The scope that lets an access token use the admin API, as the person it stands for.
pub const ADMIN_SCOPE: &str = "passerelle:admin";

/// Everything a token stands for, as it is now.
pub(super) struct Holder {
    /// The token with its person.
    pub(super) token: LiveToken,
    /// The client it was given to.
    pub(super) client: Client,
    /// What was granted, less what was taken from the client since.
    pub(super) scope: OauthScope,
}

/// The holder of a token, while token, grant, person, client and establishment are all in order (SECURITY 26, 27).
pub(super) async fn holder_in(tx: &mut Tx, ctx: &Context, token: &str) -> Result<Option<Holder>, Error> {
    if !ctx.is_open() {
        return Ok(None);
    }
    let Some(token) = access_token::find_live(tx, TokenHash::of(token), ctx.now).await? else { return Ok(None) };
    if token.user.status != UserStatus::Active {
        return Ok(None);
    }
    let client = client::find(tx, &token.client_id).await?.filter(|client| client.enabled);
    Ok(client.map(|client| {
        let scope = OauthScope::parse(&token.scope).intersection(&client.scopes.iter().collect());
        Holder { token, client, scope }
    }))
}

/// The UserInfo answer (Core §5.3.2).
///
/// # Errors
/// `InvalidToken`, or `InsufficientScope` for a token without `openid`.
pub async fn user_info(ctx: &Context, token: &str) -> Result<Map<String, Value>, Failure> {
    if !ctx.is_open() {
        return Err(OAuthError::InvalidToken("the establishment is blocked: its tokens have ended".into()).into());
    }
    let mut tx = ctx.store.read().await?;
    let holder = holder_in(&mut tx, ctx, token).await?;
    let holder = holder.ok_or_else(|| OAuthError::InvalidToken("the access token is unknown, expired or revoked".into()))?;
    if !holder.scope.contains("openid") {
        return Err(OAuthError::InsufficientScope("this needs the scope openid".into()).into());
    }
    let mut claims = facts::released_in(&mut tx, ctx, &holder.token.user, &holder.client, &holder.scope).await?;
    claims.insert("sub".to_owned(), facts::subject(&holder.token.user).into());
    Ok(claims)
}

/// The person whom an access token stands for, and what they let its client know.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The person, as they are now.
    pub person: User,
    /// The client's application, whose roles it may know.
    pub application: Option<ApplicationId>,
    /// What was granted, less what was taken from the client since.
    pub scope: OauthScope,
}

/// Whom an access token stands for; nobody when it is not in order.
pub async fn bearer_in(tx: &mut Tx, ctx: &Context, token: &str) -> Result<Option<Bearer>, Error> {
    let holder = holder_in(tx, ctx, token).await?;
    Ok(holder.map(|holder| Bearer { person: holder.token.user, application: holder.client.application_id, scope: holder.scope }))
}

/// Whom an access token lets use the admin API; none when it is not in order, or has not the scope `passerelle:admin`.
pub async fn actor(ctx: &Context, token: &str) -> Result<Option<Actor>, Error> {
    let mut tx = ctx.store.read().await?;
    let Some(holder) = holder_in(&mut tx, ctx, token).await? else { return Ok(None) };
    if !holder.scope.contains(ADMIN_SCOPE) {
        return Ok(None);
    }
    let roles = roles::gateway_roles_in(&mut tx, ctx, &holder.token.user).await?;
    Ok(Some(Actor::User { id: holder.token.user.id, roles }))
}
