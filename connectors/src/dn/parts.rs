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

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn escaped_separators_do_not_separate() {
        assert_eq!(pieces(r"cn=a\,b,ou=c\\,dc=d", ','), [r"cn=a\,b", r"ou=c\\", "dc=d"]);
    }
}
