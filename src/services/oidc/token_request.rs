//! Requests to the token endpoint (RFC 6749 §4.1.3 and §6): reading only, nothing is redeemed here.

use super::error::OAuthError;
use super::parameters::Parameters;
use super::pkce;
use crate::types::oauth_scope::OauthScope;
use crate::types::secret::Secret;

/// The grants the gateway answers.
pub const GRANT_TYPES: [&str; 2] = ["authorization_code", "refresh_token"];

/// What a client asks the token endpoint for.
#[derive(Clone, Debug)]
pub enum TokenRequest {
    /// A code against tokens (RFC 6749 §4.1.3).
    AuthorizationCode {
        /// The code.
        code: Secret,
        /// The redirect URI it was sent to: must equal the one of the authorization request.
        redirect_uri: Option<String>,
        /// The PKCE verifier (RFC 7636 §4.5).
        code_verifier: Option<Secret>,
    },
    /// A refresh token against newer ones (RFC 6749 §6).
    RefreshToken {
        /// The token.
        refresh_token: Secret,
        /// A narrower scope than granted, if asked.
        scope: Option<OauthScope>,
    },
}

impl TokenRequest {
    /// Reads a token request's form.
    ///
    /// # Errors
    /// `InvalidRequest` for a missing, repeated or malformed parameter, `UnsupportedGrantType` for another grant, `InvalidGrant` for a
    /// verifier that cannot be one.
    pub fn read(form: &Parameters) -> Result<Self, OAuthError> {
        if let Some(name) = form.repeated() {
            return Err(OAuthError::InvalidRequest(format!("{name} was sent more than once")));
        }
        match form.get("grant_type") {
            Some("authorization_code") => Ok(Self::AuthorizationCode {
                code: required(form, "code")?,
                redirect_uri: form.get("redirect_uri").map(str::to_owned),
                code_verifier: verifier(form)?,
            }),
            Some("refresh_token") => {
                Ok(Self::RefreshToken { refresh_token: required(form, "refresh_token")?, scope: form.get("scope").map(OauthScope::parse) })
            }
            Some(_) => Err(OAuthError::UnsupportedGrantType(format!("use one of: {}", GRANT_TYPES.join(", ")))),
            None => Err(OAuthError::InvalidRequest("grant_type is missing".into())),
        }
    }
}

fn required(form: &Parameters, name: &str) -> Result<Secret, OAuthError> {
    let value = form.get(name).ok_or_else(|| OAuthError::InvalidRequest(format!("{name} is missing")))?;
    Secret::parse(name, value.to_owned()).map_err(|_| OAuthError::InvalidGrant(format!("{name} is longer than any the gateway gives")))
}

/// RFC 7636 §4.6: a verifier that does not match, so also one that cannot be a verifier, is an invalid grant.
fn verifier(form: &Parameters) -> Result<Option<Secret>, OAuthError> {
    let Some(value) = form.get("code_verifier") else { return Ok(None) };
    if !pkce::verifier_fits(value) {
        return Err(OAuthError::InvalidGrant("code_verifier must have 43 to 128 letters, digits or - . _ ~".into()));
    }
    Secret::parse("code_verifier", value.to_owned()).map(Some).map_err(|e| OAuthError::InvalidGrant(e.message))
}

/// Checks a code's PKCE challenge against what came with it (RFC 7636 §4.6, RFC 9700 §2.1.1): a code issued with a challenge is redeemed
/// with its verifier, and a verifier for a code without challenge is refused too (CVE-2023-48228).
///
/// # Errors
/// `InvalidGrant` when they do not fit.
pub fn check_verifier(challenge: Option<&pkce::CodeChallenge>, verifier: Option<&Secret>) -> Result<(), OAuthError> {
    let refuse = |why: &str| Err(OAuthError::InvalidGrant(why.into()));
    match (challenge, verifier) {
        (None, None) => Ok(()),
        // The verifier is exposed to be hashed and compared, and goes no further.
        (Some(challenge), Some(verifier)) if challenge.accepts(verifier.expose()) => Ok(()),
        (Some(_), Some(_)) => refuse("code_verifier does not match the code_challenge of the authorization request"),
        (Some(_), None) => refuse("code_verifier is missing: the code was asked for with a code_challenge"),
        (None, Some(_)) => refuse("code_verifier was sent for a code that was asked for without code_challenge"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(form: &str) -> Result<TokenRequest, &'static str> {
        TokenRequest::read(&Parameters::decode(form)).map_err(|e| e.code())
    }

    #[test]
    fn both_grants_are_read() {
        let read = code_of("grant_type=authorization_code&code=abc&redirect_uri=https%3A%2F%2Fa.fr%2Fcb&code_verifier=");
        assert!(
            matches!(read, Ok(TokenRequest::AuthorizationCode { redirect_uri: Some(uri), code_verifier: None, .. }) if uri == "https://a.fr/cb")
        );
        let read = code_of("grant_type=refresh_token&refresh_token=abc&scope=openid+email");
        assert!(matches!(read, Ok(TokenRequest::RefreshToken { scope: Some(scope), .. }) if scope.contains("email")));
    }

    #[test]
    fn each_mistake_has_its_code() {
        for (form, expected) in [
            ("", "invalid_request"),
            ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
            ("grant_type=authorization_code", "invalid_request"),
            ("grant_type=authorization_code&code=a&code=b", "invalid_request"),
            ("grant_type=refresh_token", "invalid_request"),
            ("grant_type=authorization_code&code=a&code_verifier=short", "invalid_grant"),
        ] {
            assert_eq!(code_of(form).err(), Some(expected), "{form}");
        }
    }

    #[test]
    fn a_challenge_needs_its_verifier_and_nothing_else_passes() {
        let verifier = "a".repeat(43);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
        let challenge = pkce::CodeChallenge::stored(&base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, digest));
        assert!(challenge.is_some());
        let (right, wrong) = (Secret::parse("v", verifier).ok(), Secret::parse("v", "b".repeat(43)).ok());
        assert!(check_verifier(challenge.as_ref(), right.as_ref()).is_ok());
        assert!(check_verifier(None, None).is_ok());
        assert!(check_verifier(challenge.as_ref(), wrong.as_ref()).is_err());
        assert!(check_verifier(challenge.as_ref(), None).is_err());
        assert!(check_verifier(None, right.as_ref()).is_err());
    }
}
