//! Authorization requests: what is accepted, and how the rest is refused.

use passerelle::services::oidc::authorize::{self, AuthorizationError, AuthorizationRequest, PageError, Prompt, StoredRequest, response};
use passerelle::services::oidc::client_policy::{AuthMethod, ClientPolicy, ConsentRule, PkceRule};
use passerelle::services::oidc::parameters::Parameters;
use passerelle::types::oauth_scope::OauthScope;
use proptest::prelude::*;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A confidential client that needs PKCE.
pub fn client() -> ClientPolicy {
    ClientPolicy {
        client_id: "scodoc".into(),
        redirect_uris: vec!["https://app.example.fr/cb".into(), "https://app.example.fr/other?x=1".into()],
        auth_method: AuthMethod::ClientSecretBasic,
        pkce: PkceRule::Required,
        consent: ConsentRule::Ask,
        scopes: OauthScope::parse("openid profile email roles offline_access"),
        require_role: false,
        enabled: true,
    }
}

fn base() -> Vec<(String, String)> {
    [
        ("client_id", "scodoc"),
        ("redirect_uri", "https://app.example.fr/cb"),
        ("response_type", "code"),
        ("scope", "openid profile"),
        ("state", "s t&é"),
        ("nonce", "n1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
    .map(|(n, v)| (n.to_owned(), v.to_owned()))
    .to_vec()
}

/// The base request with one parameter set, or taken away by an empty value.
fn with(changes: &[(&str, &str)]) -> Parameters {
    let mut pairs = base();
    for (name, value) in changes {
        pairs.retain(|(n, _)| n != name);
        pairs.push(((*name).to_owned(), (*value).to_owned()));
    }
    Parameters::new(pairs)
}

pub fn request(changes: &[(&str, &str)]) -> AuthorizationRequest {
    authorize::read(&with(changes), &client()).unwrap()
}

/// The error code told to the client.
fn refused(changes: &[(&str, &str)], client: &ClientPolicy) -> String {
    match authorize::read(&with(changes), client) {
        Err(AuthorizationError::Redirect(error)) => {
            assert_eq!((error.redirect_uri.as_str(), error.state.as_deref()), ("https://app.example.fr/cb", Some("s t&é")));
            assert!(error.description.bytes().all(|b| (0x20..0x7f).contains(&b)), "{}", error.description);
            error.code.name().to_owned()
        }
        other => panic!("{changes:?}: {other:?}"),
    }
}

fn shown(parameters: &Parameters, client: &ClientPolicy) -> PageError {
    match authorize::read(parameters, client) {
        Err(AuthorizationError::Page(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_complete_request_is_read() {
    let read = request(&[("prompt", "login consent"), ("max_age", "0"), ("login_hint", "élise"), ("ui_locales", "en fr")]);
    assert_eq!((read.state.as_deref(), read.nonce.as_deref(), read.max_age_s), (Some("s t&é"), Some("n1"), Some(0)));
    assert!(read.prompts.contains(Prompt::Login) && read.prompts.contains(Prompt::Consent) && !read.prompts.contains(Prompt::None));
    assert!(read.is_openid() && read.code_challenge.is_some());
}

#[test]
fn unknown_parameters_and_any_order_are_tolerated() {
    let mut pairs = base();
    pairs.reverse();
    pairs.extend(["display", "acr_values", "claims_locales", "claims", "foo"].map(|n| (n.to_owned(), "x".to_owned())));
    assert_eq!(authorize::read(&Parameters::new(pairs), &client()), Ok(request(&[])));
}

#[test]
fn without_nonce_and_state_the_request_still_stands() {
    let read = request(&[("nonce", ""), ("state", "")]);
    assert_eq!((read.nonce, read.state), (None, None));
}

#[test]
fn a_doubtful_return_address_is_shown_and_never_followed() {
    for uri in [
        "https://app.example.fr/cb/",
        "https://app.example.fr/cb?x=1",
        "https://app.example.fr/cb#",
        "https://app.example.fr/other",
        "https://app.example.fr/other?x=1&y",
        "https://evil.example/cb",
        "https://app.example.fr@evil.example/cb",
        "https://app.example.fr/cb%0d%0a",
        "HTTPS://app.example.fr/cb",
        "javascript:alert(1)",
    ] {
        assert_eq!(shown(&with(&[("redirect_uri", uri)]), &client()), PageError::RedirectUriUnregistered, "{uri}");
    }
    assert_eq!(shown(&with(&[("redirect_uri", "")]), &client()), PageError::RedirectUriMissing);
    assert_eq!(shown(&with(&[("client_id", "other")]), &client()), PageError::ClientUnknown);
    assert_eq!(authorize::client_id(&with(&[("client_id", "")])), Err(PageError::ClientMissing));
    assert_eq!(shown(&with(&[]), &ClientPolicy { enabled: false, ..client() }), PageError::ClientDisabled);
}

#[test]
fn a_return_address_sent_twice_is_shown_even_when_both_are_registered() {
    let mut pairs = base();
    pairs.push(("redirect_uri".into(), "https://app.example.fr/other?x=1".into()));
    assert_eq!(shown(&Parameters::new(pairs), &client()), PageError::RedirectUriMissing);
}

#[test]
fn every_other_mistake_goes_back_to_the_client() {
    let padded = format!("{CHALLENGE}=");
    let long = "x".repeat(3000);
    for (changes, expected) in [
        (vec![("response_type", "")], "invalid_request"),
        (vec![("response_type", "token")], "unsupported_response_type"),
        (vec![("response_type", "code id_token")], "unsupported_response_type"),
        (vec![("response_mode", "form_post")], "invalid_request"),
        (vec![("response_mode", "fragment")], "invalid_request"),
        (vec![("request", "eyJ")], "request_not_supported"),
        (vec![("request_uri", "https://app.example.fr/r")], "request_uri_not_supported"),
        (vec![("scope", "unknown")], "invalid_scope"),
        (vec![("prompt", "none login")], "invalid_request"),
        (vec![("prompt", "wait")], "invalid_request"),
        (vec![("max_age", "-1")], "invalid_request"),
        (vec![("max_age", "+1")], "invalid_request"),
        (vec![("max_age", "99999999999999999999")], "invalid_request"),
        (vec![("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
        (vec![("code_challenge_method", "plain")], "invalid_request"),
        (vec![("code_challenge_method", "")], "invalid_request"),
        (vec![("code_challenge", padded.as_str())], "invalid_request"),
        (vec![("nonce", long.as_str())], "invalid_request"),
    ] {
        assert_eq!(refused(&changes, &client()), expected, "{changes:?}");
    }
}

#[test]
fn a_repeated_parameter_is_refused_and_a_repeated_state_not_echoed() {
    let mut pairs = base();
    pairs.push(("nonce".into(), "n2".into()));
    pairs.push(("state".into(), "other".into()));
    let Err(AuthorizationError::Redirect(error)) = authorize::read(&Parameters::new(pairs), &client()) else { panic!("accepted") };
    assert_eq!((error.code.name(), error.state), ("invalid_request", None));
}

#[test]
fn only_confidential_clients_may_go_without_pkce() {
    let bare = with(&[("code_challenge", ""), ("code_challenge_method", "")]);
    let optional = ClientPolicy { pkce: PkceRule::Optional, ..client() };
    assert!(authorize::read(&bare, &optional).is_ok());
    assert_eq!(refused(&[("code_challenge_method", "plain")], &optional), "invalid_request");
    let public = ClientPolicy { auth_method: AuthMethod::None, ..optional };
    assert!(authorize::read(&bare, &public).is_err());
}

#[test]
fn scopes_are_cut_to_the_clients_and_have_a_default() {
    assert_eq!(request(&[("scope", "openid groups email  foo")]).scope.to_string(), "email openid");
    assert_eq!(request(&[("scope", "")]).scope.to_string(), "email openid profile roles");
    assert!(!request(&[("scope", "email")]).is_openid());
}

#[test]
fn answers_carry_the_issuer_and_the_state() {
    let issuer = "https://id.example.fr/e/x";
    let read = request(&[("redirect_uri", "https://app.example.fr/other?x=1")]);
    assert_eq!(
        response::success(&read.redirect_uri, "abc", read.state.as_deref(), issuer),
        "https://app.example.fr/other?x=1&code=abc&state=s+t%26%C3%A9&iss=https%3A%2F%2Fid.example.fr%2Fe%2Fx"
    );
    let error = read.refuse(authorize::AuthorizationErrorCode::LoginRequired);
    let address = response::failure(&error, issuer);
    assert!(address.starts_with("https://app.example.fr/other?x=1&error=login_required&error_description=the+person+must"));
    assert!(address.ends_with("&state=s+t%26%C3%A9&iss=https%3A%2F%2Fid.example.fr%2Fe%2Fx") && !address.contains("code="));
}

#[test]
fn a_stored_request_reads_the_same_again() {
    for changes in [vec![], vec![("prompt", "login"), ("max_age", "10"), ("id_token_hint", "a.b.c")], vec![("scope", "")]] {
        let read = request(&changes);
        let json = serde_json::to_string(&StoredRequest::from(&read)).unwrap();
        let stored: StoredRequest = serde_json::from_str(&json).unwrap();
        assert_eq!(authorize::read(&stored.parameters(), &client()), Ok(read));
    }
}

proptest! {
    #[test]
    fn no_query_leads_anywhere_but_to_a_registered_address(query in "[ -~é]{0,200}", uri in "[ -~]{0,60}") {
        let mut parameters = vec![("client_id".to_owned(), "scodoc".to_owned()), ("redirect_uri".to_owned(), uri)];
        parameters.extend(url::form_urlencoded::parse(query.as_bytes()).into_owned());
        match authorize::read(&Parameters::new(parameters), &client()) {
            Ok(read) => prop_assert!(client().redirect_uris.contains(&read.redirect_uri)),
            Err(AuthorizationError::Redirect(error)) => prop_assert!(client().redirect_uris.contains(&error.redirect_uri)),
            Err(AuthorizationError::Page(_)) => {}
        }
    }
}
