//! Request objects (Core §6) are not supported, and saying so is the specification's wish (Core §3.1.2.6).

use super::{AuthorizationErrorCode, Parameters, Refusal};

pub(super) fn check(parameters: &Parameters) -> Result<(), Refusal> {
    if parameters.get("request").is_some() {
        return Err(Refusal::new(AuthorizationErrorCode::RequestNotSupported, "request objects are not supported: send plain parameters"));
    }
    if parameters.get("request_uri").is_some() {
        return Err(Refusal::new(AuthorizationErrorCode::RequestUriNotSupported, "request_uri is not supported: send plain parameters"));
    }
    Ok(())
}
