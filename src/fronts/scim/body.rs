//! Bodies of requests: JSON objects of a bounded size, in SCIM's media type or in plain JSON's (RFC 7644 §3.1). What they mean is not looked at.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::answer::Refusal;
use super::json;
use super::witness::Witness;
use crate::fronts::edge;
use crate::services::scim::error::ScimError;
use crate::services::scim::limits::PAYLOAD_MAX_BYTES;
use crate::types::nul;

/// The object that a request sends.
#[derive(Debug)]
pub(super) struct Sent(pub(super) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        check_media_type(request.headers())?;
        // Who says beforehand that it is too much is answered before a byte of it is read.
        let declared = edge::header(request.headers(), CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
        if declared.is_some_and(|length| length > PAYLOAD_MAX_BYTES) {
            return Err(too_large().into());
        }
        let witness = request.extensions().get::<Witness>().cloned();
        let bytes = Bytes::from_request(request, state).await.map_err(|rejected| match rejected.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(),
            _ => ScimError::invalid_syntax("the body ended too early"),
        })?;
        if let Some(witness) = witness {
            witness.saw_body(&bytes);
        }
        Ok(read(&bytes).map(Self)?)
    }
}

fn check_media_type(headers: &HeaderMap) -> Result<(), ScimError> {
    let declared = edge::header(headers, CONTENT_TYPE).map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    if let Some(coding) = edge::header(headers, CONTENT_ENCODING).filter(|coding| !coding.trim().eq_ignore_ascii_case("identity")) {
        let shown: String = coding.chars().take(40).collect();
        return Err(ScimError::new(
            415,
            format!("bodies are not taken in the coding «{shown}»: send them as they are, without Content-Encoding"),
        ));
    }
    match declared.as_deref() {
        // Some clients send none: what comes is read as what it has to be.
        None | Some("application/scim+json" | "application/json") => Ok(()),
        Some(_) => Err(ScimError::new(415, "send JSON, with the header Content-Type: application/scim+json")),
    }
}

fn too_large() -> ScimError {
    ScimError::new(413, format!("the body is larger than {PAYLOAD_MAX_BYTES} bytes: send less at once"))
}

/// The depth is bounded by the reader of JSON.
fn read(bytes: &[u8]) -> Result<Map<String, Value>, ScimError> {
    let value = json::read(bytes).map_err(|error| {
        let told = if error.is_data() { format!("the body cannot be read: {error}") } else { format!("the body is not JSON: {error}") };
        ScimError::invalid_syntax(told)
    })?;
    nul::refuse("", &value).map_err(|wrong| ScimError::invalid_value(wrong.to_string()))?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(ScimError::invalid_syntax("the body is one JSON object: {…}")),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;
    use crate::services::scim::error::ScimType;

    #[test]
    fn only_objects_of_json_are_read() {
        let word = |text: &str| read(text.as_bytes()).map(|_| ()).map_err(|refused| refused.scim_type);
        assert_eq!(word("{}"), Ok(()));
        for wrong in ["", "[]", "\"x\"", "{", "{\"a\":}", "nul", "{\"a\":1,\"a\":1}", "{} {}"] {
            assert_eq!(word(wrong), Err(Some(ScimType::InvalidSyntax)), "{wrong}");
        }
        assert_eq!(word(&("[".repeat(100_000))), Err(Some(ScimType::InvalidSyntax)), "depth is bounded");
        assert_eq!(word("{\"userName\":\"a\\u0000\"}"), Err(Some(ScimType::InvalidValue)));
    }

    #[test]
    fn two_media_types_are_taken() {
        let checked = |text: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(text) = text {
                headers.insert(CONTENT_TYPE, text.parse().unwrap());
            }
            check_media_type(&headers).map_err(|refused| refused.status)
        };
        for taken in [None, Some("application/scim+json"), Some("Application/JSON; charset=utf-8")] {
            assert_eq!(checked(taken), Ok(()), "{taken:?}");
        }
        for refused in ["text/plain", "application/xml", "application/jsonp", "multipart/form-data"] {
            assert_eq!(checked(Some(refused)), Err(415), "{refused}");
        }
        let coded = |coding: &str| check_media_type(&HeaderMap::from_iter([(CONTENT_ENCODING, coding.parse().unwrap())])).is_ok();
        assert_eq!([coded("gzip"), coded("Identity")], [false, true]);
    }
}
