//! The token endpoint's work (RFC 6749 §4.1.3 and §6): codes and refresh tokens against tokens, each redeemed once.

use std::net::IpAddr;

pub use super::protected::actor;

use super::clients;
use super::error::OAuthError;
use super::facts;
use super::failure::Failure;
use super::id_token::{self, IdTokenFacts};
use super::jws::{self, TokenType};
use super::parameters::Parameters;
use super::pkce::CodeChallenge;
use super::token_request::{self, TokenRequest};
use super::token_response::TokenResponse;
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::keys::crypto::Algorithm;
use crate::store::Tx;
use crate::store::establishment::client::Client;
use crate::store::establishment::grant::{self, Grant};
use crate::store::establishment::refresh_token::{self, RefreshToken};
use crate::store::establishment::user::{self, User, UserStatus};
use crate::store::establishment::{access_token, application_use, authorization_code};
use crate::types::id::UserId;
use crate::types::oauth_scope::OauthScope;
use crate::types::secret::Secret;
use crate::types::time::Timestamp;

/// What one redemption gives, before the ID token is signed.
struct Redeemed {
    grant: Grant,
    person: User,
    scope: OauthScope,
    access_token: Secret,
    refresh_token: Option<Secret>,
    nonce: Option<String>,
}

/// Answers a token request.
///
/// # Errors
/// `Refused` with what RFC 6749 §5.2 names.
pub async fn answer(ctx: &Context, authorization: Option<&str>, form: &Parameters, address: IpAddr) -> Result<TokenResponse, Failure> {
    let client = clients::authenticate(ctx, authorization, form, address).await?;
    let request = TokenRequest::read(form)?;
    if !ctx.is_open() {
        return Err(refused("the establishment is blocked: nothing is issued").into());
    }
    let redeemed = match request {
        TokenRequest::AuthorizationCode { code, redirect_uri, code_verifier } => {
            redeem_code(ctx, &client, &code, redirect_uri.as_deref(), code_verifier.as_ref()).await?
        }
        TokenRequest::RefreshToken { refresh_token, scope } => redeem_refresh_token(ctx, &client, &refresh_token, scope).await?,
    };
    let id_token = if redeemed.scope.contains("openid") { Some(sign_id_token(ctx, &client, &redeemed).await?) } else { None };
    Ok(TokenResponse {
        access_token: redeemed.access_token,
        expires_in_s: i64::from(ctx.gateway.limits.access_token_lifetime_s),
        refresh_token: redeemed.refresh_token,
        id_token,
        scope: redeemed.scope,
    })
}

fn refused(why: &str) -> OAuthError {
    OAuthError::InvalidGrant(why.to_owned())
}

async fn redeem_code(
    ctx: &Context,
    client: &Client,
    code: &Secret,
    redirect_uri: Option<&str>,
    verifier: Option<&Secret>,
) -> Result<Redeemed, Failure> {
    let unknown = || refused("the code is unknown, expired, or was given to another client");
    let hash = code.hash();
    let mut tx = ctx.store.begin().await?;
    let kept = authorization_code::find(&mut tx, hash).await?.filter(|kept| kept.grant.client_id == client.client_id);
    let kept = kept.ok_or_else(unknown)?;
    let given = kept.grant;
    if kept.spent_at.is_some() {
        return Err(revoke(tx, ctx, &given, "the code was used before: what came of it is revoked").await?);
    }
    if kept.code_expires_at <= ctx.now {
        return Err(unknown().into());
    }
    if redirect_uri != Some(kept.redirect_uri.as_str()) {
        return Err(refused("redirect_uri is not the one of the authorization request").into());
    }
    let challenge = kept.code_challenge.as_deref().map(read_challenge).transpose()?;
    token_request::check_verifier(challenge.as_ref(), verifier)?;
    let person = living_in(&mut tx, ctx, client, &given).await?;
    if !authorization_code::spend(&mut tx, hash, ctx.now).await? {
        return Err(revoke(tx, ctx, &given, "the code was used before: what came of it is revoked").await?);
    }
    let scope = OauthScope::parse(&given.scope);
    let expires_at = ctx.now.plus_s(i64::from(ctx.gateway.limits.refresh_token_lifetime_s));
    let refresh_token = if scope.contains("offline_access") { Some(renew(&mut tx, &given, expires_at).await?) } else { None };
    let access_token = give_access(&mut tx, ctx, &given, &scope).await?;
    note_use_in(&mut tx, ctx, client, person.id).await?;
    tx.commit().await?;
    Ok(Redeemed { nonce: given.nonce.clone(), grant: given, person, scope, access_token, refresh_token })
}

fn read_challenge(stored: &str) -> Result<CodeChallenge, Error> {
    CodeChallenge::stored(stored).ok_or_else(|| Error::Internal("a stored challenge is none, though it was checked before".into()))
}

async fn redeem_refresh_token(ctx: &Context, client: &Client, token: &Secret, narrower: Option<OauthScope>) -> Result<Redeemed, Failure> {
    let unknown = || refused("the refresh token is unknown, expired, or was given to another client");
    let hash = token.hash();
    let mut tx = ctx.store.begin().await?;
    // Another client's token is refused before anything else, so that a mix-up does not burn that client's family (OIDC.md 42).
    let kept = refresh_token::find(&mut tx, hash).await?.filter(|kept| kept.grant.client_id == client.client_id);
    let kept = kept.ok_or_else(unknown)?;
    let given = kept.grant;
    if kept.rotated_at.is_some() {
        // RFC 9700 §4.14.2: reuse of a rotated token revokes the family.
        return Err(revoke(tx, ctx, &given, "the refresh token was used before: its family is revoked").await?);
    }
    if kept.token_expires_at <= ctx.now {
        return Err(unknown().into());
    }
    let granted = OauthScope::parse(&given.scope);
    let wanted = narrower.unwrap_or_else(|| granted.clone());
    if !wanted.is_subset(&granted) {
        return Err(OAuthError::InvalidScope("scope passes what was granted".into()).into());
    }
    // What was taken from the client since is taken from its tokens.
    let scope = wanted.intersection(&client.scopes.iter().collect());
    if scope.is_empty() {
        return Err(OAuthError::InvalidScope("nothing of the scope is left to this client".into()).into());
    }
    let person = living_in(&mut tx, ctx, client, &given).await?;
    if !refresh_token::rotate(&mut tx, hash, ctx.now).await? {
        return Err(revoke(tx, ctx, &given, "the refresh token was used before: its family is revoked").await?);
    }
    // The family lives as long as its first token would have: rotation never prolongs it.
    let refresh_token = Some(renew(&mut tx, &given, kept.token_expires_at).await?);
    let access_token = give_access(&mut tx, ctx, &given, &scope).await?;
    note_use_in(&mut tx, ctx, client, person.id).await?;
    tx.commit().await?;
    Ok(Redeemed { grant: given, person, scope, access_token, refresh_token, nonce: None })
}

/// The person of a grant that still holds: not revoked, the person active, with a role where the client wants one (SECURITY 26).
async fn living_in(tx: &mut Tx, ctx: &Context, client: &Client, given: &Grant) -> Result<User, Failure> {
    if given.revoked_at.is_some() {
        return Err(refused("the grant was revoked").into());
    }
    let person = user::find(tx, given.user_id).await?.filter(|person| person.status == UserStatus::Active);
    let person = person.ok_or_else(|| refused("the person may not sign in any more"))?;
    if client.require_role && facts::roles_in(tx, ctx, &person, client.application_id).await?.is_empty() {
        return Err(refused("the person has no role in this application any more").into());
    }
    Ok(person)
}

/// Notes that the person uses the application, once a day.
async fn note_use_in(tx: &mut Tx, ctx: &Context, client: &Client, person: UserId) -> Result<(), Error> {
    if let Some(application) = client.application_id {
        application_use::note(tx, person, application, ctx.now).await?;
    }
    Ok(())
}

async fn renew(tx: &mut Tx, given: &Grant, expires_at: Timestamp) -> Result<Secret, Error> {
    let next = Secret::random("");
    refresh_token::insert(tx, next.hash(), &RefreshToken { grant_id: given.id, expires_at, rotated_at: None }).await?;
    Ok(next)
}

async fn give_access(tx: &mut Tx, ctx: &Context, given: &Grant, scope: &OauthScope) -> Result<Secret, Error> {
    let token = Secret::random("");
    let expires_at = ctx.now.plus_s(i64::from(ctx.gateway.limits.access_token_lifetime_s));
    access_token::insert(tx, token.hash(), given.id, &scope.to_string(), expires_at).await?;
    Ok(token)
}

/// Revokes a grant because something of it was used twice: one of the two users stole it.
async fn revoke(mut tx: Tx, ctx: &Context, given: &Grant, why: &str) -> Result<Failure, Failure> {
    grant::revoke(&mut tx, given.id, ctx.now).await?;
    tx.commit().await?;
    tracing::warn!(establishment = ctx.slug(), client.id = given.client_id, grant.id = %given.id, "reuse: grant revoked");
    Ok(refused(why).into())
}

async fn sign_id_token(ctx: &Context, client: &Client, redeemed: &Redeemed) -> Result<String, Failure> {
    let released = if client.claims_in_id_token {
        let mut tx = ctx.store.read().await?;
        facts::released_in(&mut tx, ctx, &redeemed.person, client, &redeemed.scope).await?
    } else {
        serde_json::Map::new()
    };
    let issuer = ctx.issuer();
    let claims = id_token::claims(
        &IdTokenFacts {
            issuer: &issuer,
            subject: &facts::subject(&redeemed.person),
            client_id: &client.client_id,
            issued_at: ctx.now,
            lifetime_s: i64::from(ctx.gateway.limits.id_token_lifetime_s),
            auth_time: redeemed.grant.auth_time,
            nonce: redeemed.nonce.as_deref(),
            session_id: Some(&redeemed.grant.sid.to_string()),
            // Exposed to be hashed into at_hash.
            access_token: Some(redeemed.access_token.expose()),
        },
        released,
    );
    let algorithm = Algorithm::from(client.id_token_signed_response_alg);
    let key = ctx.ring().await?.signer(algorithm)?;
    let signed = match algorithm {
        Algorithm::Es256 => jws::sign(&key, TokenType::IdToken, &claims),
        Algorithm::Rs256 => ctx.gateway.keys.run_rsa(move || jws::sign(&key, TokenType::IdToken, &claims)).await?,
    };
    Ok(signed.map_err(|e| Error::Internal(e.to_string()))?)
}
