//! The provider's description of itself (OpenID Connect Discovery §3, RFC 8414): only what exists, and no unknown member.

use serde_json::{Value, json};

use super::claims;
use super::client_policy::AuthMethod;
use super::pkce;
use super::token_request::GRANT_TYPES;
use crate::services::keys::crypto::Algorithm;
use crate::types::locale::Locale;

/// Every scope the gateway knows.
pub const SCOPES: [&str; 7] = ["openid", "profile", "email", "groups", "roles", "establishment", "offline_access"];

/// Claims of the ID token itself.
const TOKEN_CLAIMS: [&str; 9] = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid"];

/// The metadata document of one issuer, which has no trailing slash.
pub fn metadata(issuer: &str) -> Value {
    let endpoint = |name: &str| format!("{issuer}/{name}");
    let claim_names: Vec<_> = TOKEN_CLAIMS.into_iter().chain(claims::STANDARD.map(|(name, _)| name)).collect();
    json!({
        "issuer": issuer,
        "authorization_endpoint": endpoint("authorize"),
        "token_endpoint": endpoint("token"),
        "userinfo_endpoint": endpoint("userinfo"),
        "jwks_uri": endpoint("jwks"),
        // RFC 7662. Only clients with a secret may ask.
        "introspection_endpoint": endpoint("introspect"),
        "introspection_endpoint_auth_methods_supported": [AuthMethod::ClientSecretBasic.name(), AuthMethod::ClientSecretPost.name()],
        "end_session_endpoint": endpoint("logout"),
        // Back-Channel Logout 1.0 §2.1.
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "scopes_supported": SCOPES,
        "claims_supported": claim_names,
        "claim_types_supported": ["normal"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": GRANT_TYPES,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": Algorithm::ALL.map(Algorithm::name),
        "token_endpoint_auth_methods_supported": AuthMethod::ALL.map(AuthMethod::name),
        "code_challenge_methods_supported": [pkce::METHOD],
        "ui_locales_supported": Locale::ALL.map(Locale::tag),
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        // Absent would mean true (Discovery §3).
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    })
}

/// Members a published key may have (RFC 7518 §6.2.1, §6.3.1): none of them private.
const PUBLIC_MEMBERS: [&str; 9] = ["kty", "use", "alg", "kid", "n", "e", "crv", "x", "y"];

/// The key set of an issuer (RFC 7517 §5), from the stored public keys. Only public members pass, whatever a record holds.
pub fn jwks<'a>(public_keys: impl IntoIterator<Item = &'a Value>) -> Value {
    let published = public_keys.into_iter().filter_map(Value::as_object).map(|key| {
        let members = key.iter().filter(|(name, _)| PUBLIC_MEMBERS.contains(&name.as_str()));
        Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())
    });
    json!({ "keys": published.collect::<Vec<_>>() })
}
