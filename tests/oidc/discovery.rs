//! The provider's description of itself, read by another's types.

use openidconnect::core::{CoreProviderMetadata, CoreResponseType};
use passerelle::services::oidc::discovery::{jwks, metadata};

#[test]
fn a_relying_partys_library_reads_it() {
    let document = metadata("https://id.example.fr/e/x");
    let read: CoreProviderMetadata = serde_json::from_value(document.clone()).unwrap();
    assert_eq!(read.issuer().as_str(), "https://id.example.fr/e/x");
    assert_eq!(read.token_endpoint().unwrap().as_str(), "https://id.example.fr/e/x/token");
    assert!(read.response_types_supported().iter().any(|types| **types == [CoreResponseType::Code]));
}

#[test]
fn it_says_what_is_expected_and_nothing_unknown() {
    // The members registered for provider metadata (OpenID Connect Discovery §3, RP-Initiated Logout §2.1, Back-Channel
    // Logout §2.1, RFC 8414 §2, RFC 9207 §3).
    const KNOWN: [&str; 25] = [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "introspection_endpoint",
        "introspection_endpoint_auth_methods_supported",
        "end_session_endpoint",
        "backchannel_logout_supported",
        "backchannel_logout_session_supported",
        "scopes_supported",
        "claims_supported",
        "claim_types_supported",
        "response_types_supported",
        "response_modes_supported",
        "grant_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "token_endpoint_auth_methods_supported",
        "code_challenge_methods_supported",
        "ui_locales_supported",
        "claims_parameter_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "authorization_response_iss_parameter_supported",
    ];
    let document = metadata("https://id.example.fr");
    let members = document.as_object().unwrap();
    assert!(members.keys().all(|name| KNOWN.contains(&name.as_str())), "{members:?}");
    assert_eq!(members["request_uri_parameter_supported"], false);
    for told in ["authorization_response_iss_parameter_supported", "backchannel_logout_supported", "backchannel_logout_session_supported"] {
        assert_eq!(members[told], true, "{told}");
    }
    let listed = |name: &str, value: &str| members[name].as_array().unwrap().iter().any(|v| v == value);
    assert!(listed("id_token_signing_alg_values_supported", "RS256") && listed("scopes_supported", "openid"));
    assert!(!listed("id_token_signing_alg_values_supported", "none") && !listed("code_challenge_methods_supported", "plain"));
    for (_, value) in members.iter().filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri") {
        assert!(value.as_str().unwrap().starts_with("https://id.example.fr/"));
    }
}

#[test]
fn key_sets_hold_public_members_only() {
    let record = serde_json::json!({ "kty": "EC", "use": "sig", "alg": "ES256", "kid": "k", "crv": "P-256", "x": "A", "y": "B", "d": "secret", "k": "s" });
    let published = jwks([&record]);
    assert_eq!(published["keys"][0].as_object().unwrap().len(), 7);
    assert!(!published.to_string().contains("secret"));
}
