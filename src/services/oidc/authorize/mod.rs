//! The authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1): read, checked in the specification's order, one file a check.
//!
//! It decides and stores nothing: [`client_id`] names the client to look up, [`read`] checks the rest against its policy, and
//! [`next_step::next_step`] says what comes next.

mod challenge;
pub mod error;
mod max_age;
pub mod next_step;
mod prompt;
mod request_object;
pub mod response;
mod response_mode;
mod response_type;
mod return_address;
mod scope;

use serde::{Deserialize, Serialize};

pub use error::{AuthorizationError, AuthorizationErrorCode, PageError, RedirectError};
pub use prompt::{Prompt, Prompts};
pub use return_address::client_id;

use super::client_policy::ClientPolicy;
use super::parameters::Parameters;
use super::pkce::CodeChallenge;
use crate::types::oauth_scope::OauthScope;

/// Longest `state` and `nonce` kept, in bytes.
const ECHO_MAX_BYTES: usize = 2048;
/// Longest `id_token_hint` that is looked at, in bytes.
const TOKEN_HINT_MAX_BYTES: usize = 16_384;
/// Longest hint kept, in bytes; longer ones are dropped, since hints are never needed.
const HINT_MAX_BYTES: usize = 512;

/// A request that passed every check that needs no person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// The client that asks.
    pub client_id: String,
    /// Where the answer goes: one of the client's registered URIs, as an exact string.
    pub redirect_uri: String,
    /// What is asked, cut to what the client may have.
    pub scope: OauthScope,
    /// Echoed in the answer (RFC 6749 §4.1.1).
    pub state: Option<String>,
    /// Goes into the ID token (Core §3.1.2.1).
    pub nonce: Option<String>,
    /// The PKCE challenge, S256.
    pub code_challenge: Option<CodeChallenge>,
    /// Which pages the client wants shown, or none.
    pub prompts: Prompts,
    /// Longest time since the person's last sign-in, in seconds.
    pub max_age_s: Option<i64>,
    /// What the person may have typed already at the client.
    pub login_hint: Option<String>,
    /// The client's wish for the pages' language, as sent.
    pub ui_locales: Option<String>,
    /// An ID token of ours naming who should answer; not verified here.
    pub id_token_hint: Option<String>,
}

impl AuthorizationRequest {
    /// Whether it is an OpenID Connect request and so gets an ID token; without `openid` it is plain OAuth 2.0.
    pub fn is_openid(&self) -> bool {
        self.scope.contains("openid")
    }

    /// The error response to this request (RFC 6749 §4.1.2.1).
    pub fn refuse(&self, code: AuthorizationErrorCode) -> RedirectError {
        RedirectError { redirect_uri: self.redirect_uri.clone(), code, description: code.sentence().to_owned(), state: self.state.clone() }
    }
}

/// Checks a request against its client's policy, in the order of RFC 6749 §4.1.2.1: first what decides whether to redirect at all.
///
/// # Errors
/// `Page` when the answer must not leave the gateway, `Redirect` when the client is to be told.
pub fn read(parameters: &Parameters, client: &ClientPolicy) -> Result<AuthorizationRequest, AuthorizationError> {
    let redirect_uri = return_address::check(parameters, client)?;
    let state = parameters.get_unambiguous("state").filter(|s| s.len() <= ECHO_MAX_BYTES).map(str::to_owned);
    let answer_to = redirect_uri.clone();
    let refused = |refusal: Refusal| {
        let description = super::error::printable(&refusal.description);
        RedirectError { redirect_uri: answer_to.clone(), code: refusal.code, description, state: state.clone() }
    };
    let checked = check(parameters, client).map_err(refused)?;
    let hint = |name: &str| parameters.get(name).filter(|v| v.len() <= HINT_MAX_BYTES).map(str::to_owned);
    Ok(AuthorizationRequest {
        client_id: client.client_id.clone(),
        redirect_uri,
        scope: checked.scope,
        state,
        nonce: parameters.get("nonce").map(str::to_owned),
        code_challenge: checked.code_challenge,
        prompts: checked.prompts,
        max_age_s: checked.max_age_s,
        login_hint: hint("login_hint"),
        ui_locales: hint("ui_locales"),
        // A longer one is none of ours; kept, it would let strangers fill the store.
        id_token_hint: parameters.get("id_token_hint").filter(|hint| hint.len() <= TOKEN_HINT_MAX_BYTES).map(str::to_owned),
    })
}

/// What one check found wrong; [`read`] adds where to tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refusal {
    code: AuthorizationErrorCode,
    description: String,
}

impl Refusal {
    fn new(code: AuthorizationErrorCode, description: impl Into<String>) -> Self {
        Self { code, description: description.into() }
    }

    fn invalid(description: impl Into<String>) -> Self {
        Self::new(AuthorizationErrorCode::InvalidRequest, description)
    }
}

struct Checked {
    scope: OauthScope,
    code_challenge: Option<CodeChallenge>,
    prompts: Prompts,
    max_age_s: Option<i64>,
}

fn check(parameters: &Parameters, client: &ClientPolicy) -> Result<Checked, Refusal> {
    if let Some(name) = parameters.repeated() {
        // RFC 6749 §3.1: parameters must not be included more than once.
        return Err(Refusal::invalid(format!("{name} was sent more than once")));
    }
    for name in ["state", "nonce"] {
        if parameters.get(name).is_some_and(|v| v.len() > ECHO_MAX_BYTES) {
            return Err(Refusal::invalid(format!("{name} is longer than {ECHO_MAX_BYTES} bytes")));
        }
    }
    request_object::check(parameters)?;
    response_type::check(parameters)?;
    response_mode::check(parameters)?;
    let scope = scope::check(parameters, client)?;
    let prompts = prompt::check(parameters)?;
    let max_age_s = max_age::check(parameters)?;
    let code_challenge = challenge::check(parameters, client)?;
    Ok(Checked { scope, code_challenge, prompts, max_age_s })
}

/// What is stored of a request while the person signs in: the parameters that survive, for reading the request again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRequest(Vec<(String, String)>);

impl From<&AuthorizationRequest> for StoredRequest {
    fn from(request: &AuthorizationRequest) -> Self {
        let scope = request.scope.to_string();
        let prompts = request.prompts.to_string();
        let max_age = request.max_age_s.map(|s| s.to_string());
        let challenge = request.code_challenge.as_ref();
        let pairs = [
            ("client_id", Some(request.client_id.as_str())),
            ("redirect_uri", Some(request.redirect_uri.as_str())),
            ("response_type", Some("code")),
            ("scope", Some(scope.as_str())),
            ("state", request.state.as_deref()),
            ("nonce", request.nonce.as_deref()),
            ("code_challenge", challenge.map(CodeChallenge::as_str)),
            ("code_challenge_method", challenge.map(|_| super::pkce::METHOD)),
            ("prompt", Some(prompts.as_str()).filter(|p| !p.is_empty())),
            ("max_age", max_age.as_deref()),
            ("login_hint", request.login_hint.as_deref()),
            ("ui_locales", request.ui_locales.as_deref()),
            ("id_token_hint", request.id_token_hint.as_deref()),
        ];
        Self(pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect())
    }
}

impl StoredRequest {
    /// The pairs, for the store.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }

    /// The parameters again, to be checked again: a client may have been changed or disabled in between. Whether it is "enabled" counts at the
    /// end of a flow too.
    pub fn parameters(&self) -> Parameters {
        Parameters::new(self.0.iter().cloned())
    }
}
