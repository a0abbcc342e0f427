//! What an authorization does next, decided from plain facts: every login step returns here, and steps never call steps.

use super::{AuthorizationErrorCode, AuthorizationRequest, Prompt};
use crate::services::oidc::client_policy::{ClientPolicy, ConsentRule};
use crate::types::oauth_scope::OauthScope;
use crate::types::time::Timestamp;

/// A living session of someone who may still sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The subject this client knows the person by.
    pub subject: String,
    /// When the person last proved who they are.
    pub auth_time: Timestamp,
    /// Whether that proof was given for this very authorization: what `prompt=login` asks, and `max_age=0` could never otherwise have.
    pub in_this_interaction: bool,
}

/// What the person answered on the consent page of this authorization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsentAnswer {
    /// Not asked yet.
    #[default]
    Pending,
    /// Yes.
    Allowed,
    /// No.
    Denied,
}

/// Everything the decision rests on.
#[derive(Clone, Debug)]
pub struct InteractionState<'a> {
    /// The checked request.
    pub request: &'a AuthorizationRequest,
    /// The client's policy, read again now.
    pub client: &'a ClientPolicy,
    /// Who is signed in in this browser, if anyone.
    pub session: Option<SignedIn>,
    /// The subject of the request's `id_token_hint`, once verified (an expired one counts: Core §3.1.2.1).
    pub hinted_subject: Option<&'a str>,
    /// What the person granted this client before.
    pub granted: &'a OauthScope,
    /// What the person answered now.
    pub consent: ConsentAnswer,
    /// Whether the person has a role in the client's application.
    pub has_role: bool,
    /// The present.
    pub now: Timestamp,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Show the sign-in page.
    Login,
    /// Show the consent page.
    Consent,
    /// Show the page that says no role was given, and whom to ask.
    RoleMissing,
    /// Issue a code.
    Issue,
    /// Tell the client.
    Error(AuthorizationErrorCode),
}

/// Decides the next step (Core §3.1.2.3, §3.1.2.4).
pub fn next_step(state: &InteractionState<'_>) -> Step {
    let silent = state.request.prompts.contains(Prompt::None);
    let ask = |page: Step, silently: AuthorizationErrorCode| if silent { Step::Error(silently) } else { page };
    if state.consent == ConsentAnswer::Denied {
        return Step::Error(AuthorizationErrorCode::AccessDenied);
    }
    let Some(session) = &state.session else {
        return ask(Step::Login, AuthorizationErrorCode::LoginRequired);
    };
    if state.hinted_subject.is_some_and(|hinted| hinted != session.subject) {
        // Someone else answered after being asked to sign in: the client wanted the person of the hint (Core §3.1.2.1).
        return if session.in_this_interaction {
            Step::Error(AuthorizationErrorCode::LoginRequired)
        } else {
            ask(Step::Login, AuthorizationErrorCode::LoginRequired)
        };
    }
    if !session.in_this_interaction && must_sign_in_again(state, session) {
        return ask(Step::Login, AuthorizationErrorCode::LoginRequired);
    }
    if state.client.require_role && !state.has_role {
        return ask(Step::RoleMissing, AuthorizationErrorCode::AccessDenied);
    }
    if must_consent(state) {
        return ask(Step::Consent, AuthorizationErrorCode::ConsentRequired);
    }
    Step::Issue
}

fn must_sign_in_again(state: &InteractionState<'_>, session: &SignedIn) -> bool {
    let prompts = state.request.prompts;
    let age_s = state.now.seconds().saturating_sub(session.auth_time.seconds());
    prompts.contains(Prompt::Login)
        || prompts.contains(Prompt::SelectAccount)
        || state.request.max_age_s.is_some_and(|max_age_s| age_s > max_age_s || max_age_s == 0)
}

fn must_consent(state: &InteractionState<'_>) -> bool {
    if state.consent == ConsentAnswer::Allowed {
        return false;
    }
    let asked = state.request.prompts.contains(Prompt::Consent);
    let covered = state.client.consent == ConsentRule::Skip || state.request.scope.is_subset(state.granted);
    asked || !covered
}
