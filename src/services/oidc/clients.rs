//! Clients as the provider sees them: their policy, and the check of their secret.

use std::net::IpAddr;

use subtle::ConstantTimeEq;

use super::client_auth::{self, ClientCredentials};
use super::client_policy::{AuthMethod, ClientPolicy, ConsentRule, PkceRule};
use super::error::OAuthError;
use super::failure::Failure;
use super::parameters::Parameters;
use crate::services::context::Context;
use crate::services::login::throttle;
use crate::store::establishment::client::{self, Client, ConsentPolicy, Pkce};
use crate::types::secret::Secret;

impl From<client::AuthMethod> for AuthMethod {
    fn from(stored: client::AuthMethod) -> Self {
        match stored {
            client::AuthMethod::ClientSecretBasic => Self::ClientSecretBasic,
            client::AuthMethod::ClientSecretPost => Self::ClientSecretPost,
            client::AuthMethod::None => Self::None,
        }
    }
}

impl From<&Client> for ClientPolicy {
    fn from(client: &Client) -> Self {
        Self {
            client_id: client.client_id.clone(),
            redirect_uris: client.redirect_uris.clone(),
            auth_method: client.token_endpoint_auth_method.into(),
            pkce: match client.pkce {
                Pkce::Required => PkceRule::Required,
                Pkce::Optional => PkceRule::Optional,
            },
            consent: match client.consent {
                ConsentPolicy::Ask => ConsentRule::Ask,
                ConsentPolicy::Skip => ConsentRule::Skip,
            },
            scopes: client.scopes.iter().cloned().collect(),
            require_role: client.require_role,
            enabled: client.enabled,
        }
    }
}

/// The client that a request to the token endpoint proves to come from (RFC 6749 §2.3). Unknown, disabled and wrong are one answer.
///
/// # Errors
/// `InvalidClient`, `InvalidRequest`, or `SlowDown` for an address that was refused too often.
pub async fn authenticate(ctx: &Context, authorization: Option<&str>, form: &Parameters, address: IpAddr) -> Result<Client, Failure> {
    let presented = client_auth::read(authorization, form)?;
    let mut tx = ctx.store.read().await?;
    let found = client::find(&mut tx, &presented.client_id).await?;
    drop(tx);
    match found {
        Some(client) if client.enabled && proves(&client, &presented) => Ok(client),
        found => Err(refuse(ctx, found.map(|client| client.client_id).as_deref(), address).await?),
    }
}

fn proves(client: &Client, presented: &ClientCredentials) -> bool {
    if !AuthMethod::from(client.token_endpoint_auth_method).allows(presented.method) {
        return false;
    }
    match (&client.secret_hash, &presented.secret) {
        // A public client has no secret, and one without a stored secret can prove nothing by sending one.
        (None, None) => presented.method == AuthMethod::None,
        (Some(kept), Some(sent)) => kept_is(kept, sent),
        _ => false,
    }
}

fn kept_is(kept: &[u8], sent: &Secret) -> bool {
    kept.ct_eq(sent.hash().as_bytes()).into()
}

async fn refuse(ctx: &Context, known: Option<&str>, address: IpAddr) -> Result<Failure, Failure> {
    tracing::info!(establishment = ctx.slug(), request.id = %ctx.request_id, %address, "client refused");
    throttle::count_client_refusal(ctx, known, address).await?;
    Ok(OAuthError::InvalidClient("the client is unknown or disabled, or its secret is wrong".into()).into())
}
