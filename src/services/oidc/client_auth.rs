//! How a client proved itself at the token endpoint (RFC 6749 §2.3): reading only, no secret is checked here.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::client_policy::AuthMethod;
use super::error::OAuthError;
use super::parameters::Parameters;
use crate::types::secret::Secret;

/// Longest `Authorization` value read, in bytes.
const HEADER_MAX_BYTES: usize = 8 * 1024;

/// Who a client says it is, and the proof it brought.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// The identifier it gave.
    pub client_id: String,
    /// How it came.
    pub method: AuthMethod,
    /// Its secret; absent for a public client.
    pub secret: Option<Secret>,
}

/// Reads the client's proof from the `Authorization` header and the form.
///
/// # Errors
/// `InvalidRequest` when several ways are used at once, `InvalidClient` when none can be read.
pub fn read(authorization: Option<&str>, form: &Parameters) -> Result<ClientCredentials, OAuthError> {
    // RFC 6749 §2.3: the client must not use more than one method in a request.
    let several = || OAuthError::InvalidRequest("use one way of client authentication: the Authorization header or the form".into());
    if form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some() {
        return Err(OAuthError::InvalidClient("client assertions are not supported; use client_secret_basic or client_secret_post".into()));
    }
    let (in_form, secret_in_form) = (form.get("client_id"), form.get("client_secret"));
    if let Some(header) = authorization {
        if secret_in_form.is_some() {
            return Err(several());
        }
        let read = basic(header)?;
        if in_form.is_some_and(|id| id != read.client_id) {
            return Err(OAuthError::InvalidRequest("client_id in the form differs from the Authorization header".into()));
        }
        return Ok(read);
    }
    let client_id = in_form.ok_or_else(|| OAuthError::InvalidClient("send the client's id and secret".into()))?.to_owned();
    match secret_in_form {
        Some(secret) => {
            Ok(ClientCredentials { client_id, method: AuthMethod::ClientSecretPost, secret: Some(secret_of(secret.to_owned())?) })
        }
        None => Ok(ClientCredentials { client_id, method: AuthMethod::None, secret: None }),
    }
}

/// RFC 6749 §2.3.1: id and secret are form-urlencoded, then joined by a colon, then base64.
fn basic(header: &str) -> Result<ClientCredentials, OAuthError> {
    let refuse = || OAuthError::InvalidClient("the Authorization header is not HTTP Basic with a client id and secret".into());
    if header.len() > HEADER_MAX_BYTES {
        return Err(refuse());
    }
    let (scheme, encoded) = header.trim().split_once(' ').ok_or_else(refuse)?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return Err(refuse());
    }
    let decoded = Zeroizing::new(BASE64_STANDARD.decode(encoded.trim()).map_err(|_| refuse())?);
    let text = std::str::from_utf8(&decoded).map_err(|_| refuse())?;
    let (id, secret) = text.split_once(':').ok_or_else(refuse)?;
    let client_id = form_decoded(id).filter(|id| !id.is_empty()).ok_or_else(refuse)?;
    let secret = form_decoded(secret).ok_or_else(refuse)?;
    if secret.is_empty() {
        // Some libraries send a public client's id with an empty secret: that is no secret, and never matches one (CVE-2024-45160).
        return Ok(ClientCredentials { client_id, method: AuthMethod::None, secret: None });
    }
    Ok(ClientCredentials { client_id, method: AuthMethod::ClientSecretBasic, secret: Some(secret_of(secret)?) })
}

fn secret_of(raw: String) -> Result<Secret, OAuthError> {
    Secret::parse("client_secret", raw).map_err(|_| OAuthError::InvalidClient("the client's secret has an impossible length".into()))
}

fn form_decoded(raw: &str) -> Option<String> {
    let spaced = raw.replace('+', " ");
    let bytes = percent_decoded(spaced.as_bytes())?;
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// A `%` that starts no pair of hexadecimal digits is refused rather than guessed at.
fn percent_decoded(raw: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let (pair, after) = after.split_at_checked(2)?;
            let digit = |b: &u8| char::from(*b).to_digit(16);
            let value = pair.iter().try_fold(0, |n, b| digit(b).map(|d| n * 16 + d))?;
            decoded.push(u8::try_from(value).ok()?);
            rest = after;
        } else {
            decoded.push(*first);
            rest = after;
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(plain: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(plain))
    }

    fn with(authorization: Option<&str>, form: &str) -> Result<(String, AuthMethod, Option<String>), &'static str> {
        read(authorization, &Parameters::decode(form))
            .map(|c| (c.client_id, c.method, c.secret.map(|s| s.expose().to_owned())))
            .map_err(|e| e.code())
    }

    #[test]
    fn basic_is_form_decoded() {
        let read = with(Some(&header("caf%C3%A9+1:p%3A%25s%2B")), "");
        assert_eq!(read, Ok(("café 1".into(), AuthMethod::ClientSecretBasic, Some("p:%s+".into()))));
        assert_eq!(with(Some(&header("a:b:c")), ""), Ok(("a".into(), AuthMethod::ClientSecretBasic, Some("b:c".into()))));
    }

    #[test]
    fn post_and_none_are_read_from_the_form() {
        assert_eq!(with(None, "client_id=a&client_secret=b"), Ok(("a".into(), AuthMethod::ClientSecretPost, Some("b".into()))));
        assert_eq!(with(None, "client_id=a"), Ok(("a".into(), AuthMethod::None, None)));
        assert_eq!(with(Some(&header("a:")), ""), Ok(("a".into(), AuthMethod::None, None)));
    }

    #[test]
    fn two_ways_at_once_are_refused() {
        let h = header("a:b");
        assert_eq!(with(Some(&h), "client_id=a&client_secret=b"), Err("invalid_request"));
        assert_eq!(with(Some(&h), "client_id=other"), Err("invalid_request"));
        assert!(with(Some(&h), "client_id=a").is_ok());
    }

    #[test]
    fn unreadable_proofs_are_invalid_client() {
        for odd in ["Basic !!", "Bearer abc", "Basic", &header("no colon"), &header("a%2:b"), &header(":b"), &header("%FF:b")] {
            assert_eq!(with(Some(odd), ""), Err("invalid_client"), "{odd}");
        }
        assert_eq!(with(None, ""), Err("invalid_client"));
        assert_eq!(with(None, "client_id=a&client_assertion=x"), Err("invalid_client"));
    }

    #[test]
    fn the_two_ways_of_sending_a_secret_are_interchangeable_and_no_secret_is_not() {
        assert!(AuthMethod::ClientSecretBasic.allows(AuthMethod::ClientSecretPost));
        assert!(!AuthMethod::ClientSecretBasic.allows(AuthMethod::None));
        assert!(!AuthMethod::None.allows(AuthMethod::ClientSecretPost));
    }
}
