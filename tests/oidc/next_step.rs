//! What an authorization does next, for each state of the person, the session and the request.

use passerelle::services::oidc::authorize::AuthorizationErrorCode as Code;
use passerelle::services::oidc::authorize::next_step::{ConsentAnswer, InteractionState, SignedIn, Step, next_step};
use passerelle::services::oidc::client_policy::{ClientPolicy, ConsentRule};
use passerelle::types::oauth_scope::OauthScope;
use passerelle::types::time::Timestamp;

use super::authorize::{client, request};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn session(age_s: i64, in_this_interaction: bool) -> SignedIn {
    SignedIn { subject: "ada".into(), auth_time: NOW.plus_s(-age_s), in_this_interaction }
}

/// Decides for a person who has consented to everything before.
fn step(changes: &[(&str, &str)], session: Option<SignedIn>, adjust: impl FnOnce(&mut InteractionState<'_>, &mut ClientPolicy)) -> Step {
    let request = request(changes);
    let mut policy = client();
    let granted = OauthScope::parse("openid profile");
    let placeholder = client();
    let mut state = InteractionState {
        request: &request,
        client: &placeholder,
        session,
        hinted_subject: None,
        granted: &granted,
        consent: ConsentAnswer::Pending,
        has_role: true,
        now: NOW,
    };
    adjust(&mut state, &mut policy);
    next_step(&InteractionState { client: &policy, ..state })
}

fn plain(changes: &[(&str, &str)], session: Option<SignedIn>) -> Step {
    step(changes, session, |_, _| {})
}

#[test]
fn nobody_signed_in_means_the_sign_in_page_or_an_error_when_silent() {
    assert_eq!(plain(&[], None), Step::Login);
    assert_eq!(plain(&[("prompt", "none")], None), Step::Error(Code::LoginRequired));
}

#[test]
fn a_session_with_consent_needs_no_page() {
    assert_eq!(plain(&[], Some(session(50, false))), Step::Issue);
    assert_eq!(plain(&[("prompt", "none")], Some(session(50, false))), Step::Issue);
}

#[test]
fn prompt_login_asks_again_once() {
    for prompt in ["login", "select_account"] {
        assert_eq!(plain(&[("prompt", prompt)], Some(session(0, false))), Step::Login, "{prompt}");
        assert_eq!(plain(&[("prompt", prompt)], Some(session(0, true))), Step::Issue, "{prompt}");
    }
}

#[test]
fn max_age_asks_again_when_the_session_is_older() {
    assert_eq!(plain(&[("max_age", "1")], Some(session(2, false))), Step::Login);
    assert_eq!(plain(&[("max_age", "1"), ("prompt", "none")], Some(session(2, false))), Step::Error(Code::LoginRequired));
    assert_eq!(plain(&[("max_age", "10000")], Some(session(2, false))), Step::Issue);
    assert_eq!(plain(&[("max_age", "0")], Some(session(0, false))), Step::Login);
    assert_eq!(plain(&[("max_age", "0")], Some(session(5, true))), Step::Issue);
}

#[test]
fn a_hint_for_someone_else_asks_once_and_then_refuses() {
    let hinted = |changes: &[(&str, &str)], session, who: &'static str| step(changes, Some(session), |s, _| s.hinted_subject = Some(who));
    assert_eq!(hinted(&[("prompt", "none")], session(9, false), "ada"), Step::Issue);
    assert_eq!(hinted(&[("prompt", "none")], session(9, false), "bob"), Step::Error(Code::LoginRequired));
    assert_eq!(hinted(&[], session(9, false), "bob"), Step::Login);
    assert_eq!(hinted(&[], session(9, true), "bob"), Step::Error(Code::LoginRequired));
}

#[test]
fn consent_is_asked_for_what_was_never_granted() {
    let nothing = OauthScope::default();
    let fresh = |changes: &[(&str, &str)], answer| {
        step(changes, Some(session(9, false)), |s, _| {
            s.granted = Box::leak(Box::new(nothing.clone()));
            s.consent = answer;
        })
    };
    assert_eq!(fresh(&[], ConsentAnswer::Pending), Step::Consent);
    assert_eq!(fresh(&[("prompt", "none")], ConsentAnswer::Pending), Step::Error(Code::ConsentRequired));
    assert_eq!(fresh(&[], ConsentAnswer::Allowed), Step::Issue);
    assert_eq!(fresh(&[], ConsentAnswer::Denied), Step::Error(Code::AccessDenied));
    assert_eq!(plain(&[("scope", "openid email")], Some(session(9, false))), Step::Consent);
}

#[test]
fn prompt_consent_asks_again_even_a_trusted_client() {
    let trusted = |changes: &[(&str, &str)], answer| {
        step(changes, Some(session(9, false)), |s, client| {
            client.consent = ConsentRule::Skip;
            s.consent = answer;
        })
    };
    assert_eq!(trusted(&[("scope", "openid email roles")], ConsentAnswer::Pending), Step::Issue);
    assert_eq!(trusted(&[("prompt", "consent")], ConsentAnswer::Pending), Step::Consent);
    assert_eq!(trusted(&[("prompt", "consent")], ConsentAnswer::Allowed), Step::Issue);
}

#[test]
fn someone_without_a_role_is_refused_where_one_is_required() {
    let roleless = |changes: &[(&str, &str)], required| {
        step(changes, Some(session(9, false)), |s, client| {
            client.require_role = required;
            s.has_role = false;
        })
    };
    assert_eq!(roleless(&[], true), Step::RoleMissing);
    assert_eq!(roleless(&[("prompt", "none")], true), Step::Error(Code::AccessDenied));
    assert_eq!(roleless(&[], false), Step::Issue);
}

#[test]
fn silence_never_shows_a_page() {
    for session in [None, Some(session(0, false)), Some(session(90_000, false)), Some(session(0, true))] {
        for max_age in ["", "0", "60"] {
            for (granted, has_role) in [("openid profile", true), ("", true), ("openid profile", false)] {
                let granted = OauthScope::parse(granted);
                let decided = step(&[("prompt", "none"), ("max_age", max_age)], session.clone(), |s, client| {
                    client.require_role = true;
                    s.has_role = has_role;
                    s.granted = Box::leak(Box::new(granted));
                });
                assert!(matches!(decided, Step::Issue | Step::Error(_)), "{session:?} {max_age}: {decided:?}");
            }
        }
    }
}
