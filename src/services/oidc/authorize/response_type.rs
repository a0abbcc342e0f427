//! Only the code flow (RFC 9700 §2.1.2: no token travels through the browser's address).

use super::{AuthorizationErrorCode, Parameters, Refusal};

pub(super) fn check(parameters: &Parameters) -> Result<(), Refusal> {
    match parameters.get("response_type") {
        Some("code") => Ok(()),
        Some(_) => Err(Refusal::new(AuthorizationErrorCode::UnsupportedResponseType, "response_type must be code")),
        None => Err(Refusal::invalid("response_type is missing: send code")),
    }
}
