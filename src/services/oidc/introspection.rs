//! Token introspection (RFC 7662): what an access token stands for now, told to the application it was given to. Nothing is kept of earlier
//! answers, so that a role that changed shows in the next one.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::clients;
use super::error::OAuthError;
use super::facts;
use super::failure::Failure;
use super::parameters::Parameters;
use super::protected::holder_in;
use crate::services::context::Context;
use crate::store::establishment::client::{AuthMethod, Client};
use crate::types::oauth_scope::OauthScope;

/// The scope that releases roles.
const ROLES: &str = "roles";
/// The scope that releases names.
const PROFILE: &str = "profile";

/// The answer about a token (§2.2). One that is unknown, has ended, or is another application's is not active, and nothing more is said.
///
/// # Errors
/// `InvalidClient` for a client that proves nothing, `InvalidRequest` without a token.
pub async fn answer(ctx: &Context, authorization: Option<&str>, form: &Parameters, address: IpAddr) -> Result<Map<String, Value>, Failure> {
    let caller = clients::authenticate(ctx, authorization, form, address).await?;
    if let Some(name) = form.repeated() {
        return Err(OAuthError::InvalidRequest(format!("{name} was sent more than once")).into());
    }
    let token = form.get("token").ok_or_else(|| OAuthError::InvalidRequest("token is missing".into()))?;
    if caller.token_endpoint_auth_method == AuthMethod::None {
        return Err(OAuthError::InvalidClient("a client without a secret may not ask about tokens".into()).into());
    }
    let mut tx = ctx.store.read().await?;
    let mut told = Map::new();
    let known = holder_in(&mut tx, ctx, token).await?.filter(|holder| may_know(&caller, &holder.client));
    told.insert("active".to_owned(), known.is_some().into());
    let Some(holder) = known else { return Ok(told) };
    let person = &holder.token.user;
    for (name, value) in [
        ("scope", json!(holder.scope.to_string())),
        ("client_id", json!(holder.client.client_id)),
        ("token_type", json!("Bearer")),
        ("exp", json!(holder.token.token_expires_at.seconds())),
        ("sub", json!(facts::subject(person))),
        ("iss", json!(ctx.issuer())),
    ] {
        told.insert(name.to_owned(), value);
    }
    // Optional (§2.2), and the person's name: told where it is released.
    if holder.scope.contains(PROFILE) {
        told.insert("username".to_owned(), json!(person.username));
    }
    if holder.scope.contains(ROLES) {
        // As the application's claim shape has them.
        let roles = OauthScope::parse(ROLES);
        for (name, value) in facts::released_in(&mut tx, ctx, person, &holder.client, &roles).await? {
            told.entry(name).or_insert(value);
        }
    }
    Ok(told)
}

/// A client knows its own tokens, and those given to another client of its application: its parts pass them on to each other.
fn may_know(caller: &Client, holder: &Client) -> bool {
    caller.client_id == holder.client_id || (caller.application_id.is_some() && caller.application_id == holder.application_id)
}
