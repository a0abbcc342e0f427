//! The longest time since the last sign-in that the client accepts (Core §3.1.2.1, `max_age`).

use super::{Parameters, Refusal};

pub(super) fn check(parameters: &Parameters) -> Result<Option<i64>, Refusal> {
    let Some(raw) = parameters.get("max_age") else { return Ok(None) };
    let digits = raw.bytes().all(|b| b.is_ascii_digit());
    raw.parse().ok().filter(|_| digits).map(Some).ok_or_else(|| Refusal::invalid("max_age is a number of seconds, 0 or more"))
}
