//! Where a resource stands, as a DN: what runs compare members by. Made of the resource's `id` alone, so that no two of them are one.

use std::fmt::Write as _;

use crate::dn;
use crate::record::Kind;

/// The longest `id`, in bytes.
pub(super) const ID_BYTES_MAX: usize = 256;

/// The DN of a resource, and the same normalised.
pub(super) fn place(kind: Kind, id: &str) -> (String, String) {
    let branch = if kind == Kind::Person { "users" } else { "groups" };
    let is_plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'));
    if is_plain {
        let dn = format!("uid={id},ou={branch}");
        return (dn.clone(), dn);
    }
    // DNs know no letter case, and an `id` does (RFC 7643 §3.1): its bytes stand beside it.
    let bytes = id.bytes().fold(String::with_capacity(id.len() * 2), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    });
    let dn = format!("uid={},ou={bytes},ou={branch}", dn::rdn_escape(id));
    let key = dn::normalise(&dn).unwrap_or_else(|_| format!("ou={bytes},ou={branch}"));
    (dn, key)
}

/// The `id` that a person names: as it is, or as a DN made of it.
pub(super) fn id_of(text: &str) -> String {
    let (uids, branches) = (dn::values(text, "uid"), dn::values(text, "ou"));
    match (uids.as_slice(), branches.as_slice()) {
        ([uid], [_]) => uid.clone(),
        ([_], [bytes, _]) => from_hex(bytes).unwrap_or_else(|| text.trim().to_owned()),
        _ => text.trim().to_owned(),
    }
}

fn from_hex(text: &str) -> Option<String> {
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    String::from_utf8((0..text.len()).step_by(2).map(byte).collect::<Option<Vec<u8>>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{id_of, place};
    use crate::dn;
    use crate::record::Kind;

    #[test]
    fn every_id_has_a_place_of_its_own_and_comes_back_from_it() {
        let ids =
            ["7", "a", "A", "2819c223-7f76-453a-919d-413861904646", "a b", "a  b", " a", "é", "e\u{301}", "a,b", "a+b=c", "É", "a#", "61"];
        let mut keys = Vec::new();
        for id in ids {
            for kind in [Kind::Person, Kind::Group] {
                let (dn, key) = place(kind, id);
                assert_eq!(dn::normalise(&dn).as_ref(), Ok(&key), "{id}");
                assert_eq!(id_of(&dn), id.to_owned(), "{dn}");
                keys.push(key);
            }
        }
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), ids.len() * 2);
        assert_eq!(id_of("2819c223"), "2819c223");
    }
}
