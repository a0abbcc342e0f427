//! PKCE (RFC 7636 §4.3): a challenge of S256, required unless a confidential client's policy says otherwise.

use super::{Parameters, Refusal};
use crate::services::oidc::client_policy::ClientPolicy;
use crate::services::oidc::pkce::CodeChallenge;

pub(super) fn check(parameters: &Parameters, client: &ClientPolicy) -> Result<Option<CodeChallenge>, Refusal> {
    let (challenge, method) = (parameters.get("code_challenge"), parameters.get("code_challenge_method"));
    let read = CodeChallenge::parse(challenge, method).map_err(|e| Refusal::invalid(e.to_string()))?;
    if read.is_none() && client.needs_pkce() {
        return Err(Refusal::invalid("code_challenge is missing: this client must use PKCE with S256"));
    }
    Ok(read)
}
