//! What the demo's directory knows of attribute types beyond what everyone does: which it maintains itself. No entry is read here.

pub(super) use connectors::schema::{canonical, folded, is_secret, is_type, prepared, syntax};

const OPERATIONAL: [&str; 12] = [
    "entryuuid",
    "entrydn",
    "entrycsn",
    "createtimestamp",
    "modifytimestamp",
    "creatorsname",
    "modifiersname",
    "structuralobjectclass",
    "subschemasubentry",
    "hassubordinates",
    "contextcsn",
    "pwdchangedtime",
];

/// Whether the server maintains it itself (RFC 4512 §3.4).
pub(super) fn is_operational(description: &str) -> bool {
    OPERATIONAL.iter().any(|name| is_type(description, name))
}

/// Letters without their accents, for approximate matches and for user names.
pub(super) fn unaccented(text: &str) -> String {
    crate::types::fold(&folded(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_maintains_is_known_by_any_of_its_names() {
        assert!(is_operational("entryUUID") && is_operational("1.3.6.1.1.16.4") && !is_operational("uid"));
    }
}
