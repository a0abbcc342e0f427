//! Sign-out asked by an application.

use passerelle::services::oidc::id_token::Hint;
use passerelle::services::oidc::logout::{LogoutError, LogoutRequest, LogoutSession, LogoutStep};
use passerelle::services::oidc::parameters::Parameters;

const SESSION: LogoutSession<'_> = LogoutSession { subject: "ada", session_id: "sid1" };

fn hint() -> Hint {
    Hint { subject: "ada".into(), client_id: "c1".into(), session_id: Some("sid1".into()) }
}

fn decide(query: &str, hint: Option<&Hint>, session: Option<LogoutSession<'_>>) -> Result<LogoutStep, LogoutError> {
    let registered = ["https://app.example.fr/out".to_owned()];
    LogoutRequest::read(&Parameters::decode(query))?.decide(hint, Some(&registered), session)
}

fn end(then: Option<&str>) -> LogoutStep {
    LogoutStep::End { then: then.map(str::to_owned) }
}

#[test]
fn a_genuine_request_goes_back_with_only_its_state() {
    let query = "id_token_hint=t&post_logout_redirect_uri=https://app.example.fr/out";
    assert_eq!(
        decide(&format!("{query}&state=a%26b"), Some(&hint()), Some(SESSION)),
        Ok(end(Some("https://app.example.fr/out?state=a%26b")))
    );
    assert_eq!(decide(query, Some(&hint()), Some(SESSION)), Ok(end(Some("https://app.example.fr/out"))));
    assert_eq!(decide(query, Some(&hint()), None), Ok(end(Some("https://app.example.fr/out"))));
}

#[test]
fn without_a_hint_the_person_is_asked_and_stays() {
    assert_eq!(decide("", None, Some(SESSION)), Ok(LogoutStep::Confirm { then: None }));
    let uri = "post_logout_redirect_uri=https://app.example.fr/out&client_id=c1&state=x";
    assert_eq!(decide(uri, None, Some(SESSION)), Ok(LogoutStep::Confirm { then: None }));
    assert_eq!(decide("", None, None), Ok(end(None)));
}

#[test]
fn the_hint_of_another_person_or_session_asks_first() {
    for other in [Hint { subject: "bob".into(), ..hint() }, Hint { session_id: Some("sid2".into()), ..hint() }] {
        assert_eq!(decide("id_token_hint=t", Some(&other), Some(SESSION)), Ok(LogoutStep::Confirm { then: None }));
    }
}

#[test]
fn unregistered_addresses_get_an_error_page() {
    for uri in ["https://app.example.fr/out?x=1", "https://app.example.fr/out/", "https://evil.example/", "javascript:alert(1)"] {
        let query = format!("id_token_hint=t&post_logout_redirect_uri={uri}");
        assert_eq!(decide(&query, Some(&hint()), Some(SESSION)), Err(LogoutError::RedirectUriUnregistered), "{uri}");
    }
}

#[test]
fn unbelieved_hints_and_mixed_clients_are_refused() {
    assert_eq!(decide("id_token_hint=forged", None, Some(SESSION)), Err(LogoutError::Hint));
    assert_eq!(decide("id_token_hint=t&client_id=c2", Some(&hint()), Some(SESSION)), Err(LogoutError::Client));
    assert_eq!(decide("state=a&state=b", None, None), Err(LogoutError::Malformed));
}
