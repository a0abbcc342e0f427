//! What is asked for, cut to what the client may have.

use super::{AuthorizationErrorCode, Parameters, Refusal};
use crate::services::oidc::client_policy::ClientPolicy;
use crate::types::oauth_scope::OauthScope;

/// Without a scope the client gets what it is registered for, but for long-lived access, which is asked for by name (RFC 6749 §3.3 lets a
/// server have a default; some applications send no scope at all). Names the gateway or the client does not have are left out
/// (Core §3.1.2.1: they should be ignored).
pub(super) fn check(parameters: &Parameters, client: &ClientPolicy) -> Result<OauthScope, Refusal> {
    let asked = match parameters.get("scope") {
        Some(raw) => OauthScope::parse(raw),
        None => client.scopes.names().filter(|name| *name != "offline_access").collect(),
    };
    let allowed = asked.intersection(&client.scopes);
    if allowed.is_empty() {
        return Err(Refusal::new(
            AuthorizationErrorCode::InvalidScope,
            format!("this client may ask for none of these scopes; it may ask for: {}", client.scopes),
        ));
    }
    Ok(allowed)
}
