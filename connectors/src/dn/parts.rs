//! A name taken apart at what no backslash escapes. Normalises nothing.

/// The parts of a name between separators that no backslash escapes.
pub fn pieces(name: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in name.chars() {
        if c == separator && !escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

/// Whether a normalised name is another or stands below it.
pub fn is_within(dn_key: &str, above: &str) -> bool {
    let Some(rest) = dn_key.strip_suffix(above) else { return false };
    if rest.is_empty() || above.is_empty() {
        return true;
    }
    let Some(own) = rest.strip_suffix(',') else { return false };
    // An even number of backslashes escapes one another, and not the comma.
    own.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0
}

#[cfg(test)]
mod tests {
    use super::{is_within, pieces};

    #[test]
    fn escaped_separators_do_not_separate() {
        assert_eq!(pieces(r"cn=a\,b,ou=c\\,dc=d", ','), [r"cn=a\,b", r"ou=c\\", "dc=d"]);
        assert!(is_within("uid=a,ou=b,dc=c", "ou=b,dc=c") && is_within("dc=c", "dc=c") && is_within("dc=c", ""));
        assert!(!is_within("uid=a,xou=b,dc=c", "ou=b,dc=c") && !is_within(r"uid=a\,dc=c", "dc=c"));
        assert!(is_within(r"uid=a\\,dc=c", "dc=c"));
    }
}
