//! How an access token comes to a protected resource (RFC 6750 §2): in the header or in a form, never in the address. No token is checked here.

use super::error::OAuthError;
use super::parameters::Parameters;
use crate::types::secret::Secret;

/// Reads the access token of a request; nothing when none was sent, which calls for a bare challenge without an error (RFC 6750 §3.1).
///
/// # Errors
/// `InvalidRequest` when it came twice, `InvalidToken` when it cannot be one.
pub fn read(authorization: Option<&str>, form: Option<&Parameters>) -> Result<Option<Secret>, OAuthError> {
    let in_header = authorization.map(from_header).transpose()?;
    if form.and_then(Parameters::repeated).is_some() {
        return Err(OAuthError::InvalidRequest("a parameter was sent more than once".into()));
    }
    let in_form = form.and_then(|form| form.get("access_token"));
    match (in_header, in_form) {
        (Some(_), Some(_)) => Err(OAuthError::InvalidRequest("send the access token one way: in the header or in the form".into())),
        (Some(token), None) | (None, Some(token)) => Secret::parse("access_token", token.to_owned()).map(Some).map_err(|_| impossible()),
        (None, None) => Ok(None),
    }
}

fn from_header(header: &str) -> Result<&str, OAuthError> {
    let (scheme, token) = header.trim().split_once(' ').ok_or_else(impossible)?;
    if scheme.eq_ignore_ascii_case("Bearer") { Ok(token.trim()) } else { Err(impossible()) }
}

fn impossible() -> OAuthError {
    OAuthError::InvalidToken("send Authorization: Bearer and an access token of this issuer".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(authorization: Option<&str>, form: Option<&str>) -> Result<Option<String>, &'static str> {
        let form = form.map(Parameters::decode);
        read(authorization, form.as_ref()).map(|t| t.map(|t| t.expose().to_owned())).map_err(|e| e.code())
    }

    #[test]
    fn tokens_come_by_header_or_form_and_not_by_both() {
        assert_eq!(token(Some("bearer abc"), None), Ok(Some("abc".into())));
        assert_eq!(token(None, Some("access_token=abc")), Ok(Some("abc".into())));
        assert_eq!(token(Some("Bearer abc"), Some("access_token=abc")), Err("invalid_request"));
        assert_eq!(token(None, Some("access_token=a&access_token=b")), Err("invalid_request"));
        assert_eq!(token(None, Some("")), Ok(None));
        assert_eq!(token(Some("Basic abc"), None), Err("invalid_token"));
        assert_eq!(token(Some("Bearer "), None), Err("invalid_token"));
    }
}
