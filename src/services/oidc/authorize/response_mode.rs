//! How the answer travels: in the query, the default of the code flow.

use super::{Parameters, Refusal};

pub(super) fn check(parameters: &Parameters) -> Result<(), Refusal> {
    match parameters.get("response_mode") {
        None | Some("query") => Ok(()),
        Some(_) => Err(Refusal::invalid("response_mode must be query")),
    }
}
