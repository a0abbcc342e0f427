//! When a certificate ends (RFC 5280 §4.1.2.5), read from its bytes. Whether it is trusted was decided before.

use crate::ldap::ber::{Elements, INTEGER, Malformed, SEQUENCE};
use crate::ldap::generalized_time::seconds;

const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of its validity, in seconds since 1970.
pub(super) fn end(certificate: &[u8]) -> Option<i64> {
    let (kind, text) = not_after(certificate).ok()??;
    let text = std::str::from_utf8(text).ok()?;
    match kind {
        // Two digits of a year: 50 to 99 are of the last century (RFC 5280 §4.1.2.5.1).
        UTC_TIME => seconds(&format!("{}{text}", if text.get(..1)? >= "5" { "19" } else { "20" })),
        GENERALIZED_TIME => seconds(text),
        _ => None,
    }
}

fn not_after(certificate: &[u8]) -> Result<Option<(u8, &[u8])>, Malformed> {
    let whole = Elements(certificate).expect(SEQUENCE, "")?;
    let mut parts = Elements(Elements(whole).expect(SEQUENCE, "")?);
    // Before the validity: perhaps a version, a number, an algorithm and the issuer.
    let first = parts.next()?;
    if first.is_some_and(|first| first.tag == VERSION) {
        parts.expect(INTEGER, "")?;
    }
    parts.expect(SEQUENCE, "")?;
    parts.expect(SEQUENCE, "")?;
    let mut validity = Elements(parts.expect(SEQUENCE, "")?);
    validity.next()?;
    Ok(validity.next()?.map(|end| (end.tag, end.content)))
}
