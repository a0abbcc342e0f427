//! Where an answer may go: the client and its redirect URI. Whatever is wrong here is shown on a page and never sent anywhere.

use super::error::PageError;
use crate::services::oidc::client_policy::ClientPolicy;
use crate::services::oidc::parameters::Parameters;
use crate::services::oidc::redirect_uri;

/// The client a request names, to be looked up (RFC 6749 §4.1.1).
///
/// # Errors
/// `ClientMissing` when none, or several, are named.
pub fn client_id(parameters: &Parameters) -> Result<&str, PageError> {
    parameters.get_unambiguous("client_id").ok_or(PageError::ClientMissing)
}

/// RFC 6749 §3.1.2.3 and RFC 9700 §2.1: exact string match, and never a default URI.
pub(super) fn check(parameters: &Parameters, client: &ClientPolicy) -> Result<String, PageError> {
    if client_id(parameters)? != client.client_id {
        return Err(PageError::ClientUnknown);
    }
    if !client.enabled {
        return Err(PageError::ClientDisabled);
    }
    let sent = parameters.get_unambiguous("redirect_uri").ok_or(PageError::RedirectUriMissing)?;
    if !redirect_uri::is_registered(sent, &client.redirect_uris) {
        return Err(PageError::RedirectUriUnregistered);
    }
    Ok(sent.to_owned())
}
