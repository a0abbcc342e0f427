//! Versions of resources, as `ETag`, `meta.version` and Bulk state them (RFC 7644 §3.14): weak tags around a revision.

/// The tag of a revision.
pub fn tag(rev: i64) -> String {
    format!("W/\"{rev}\"")
}

/// The versions that a condition names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Versions {
    /// `*`: whatever it is.
    Any,
    /// These revisions.
    Of(Vec<i64>),
}

impl Versions {
    /// Reads `If-Match`, `If-None-Match`, or the `version` of an operation. Tags that were never given out name no revision. A client may leave out
    /// that a tag is weak, or its quotes.
    pub fn parse(text: &str) -> Self {
        if text.trim() == "*" {
            return Self::Any;
        }
        Self::Of(text.split(',').filter_map(revision).collect())
    }

    /// Whether a revision is among them.
    pub fn name(&self, rev: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Of(all) => all.contains(&rev),
        }
    }
}

fn revision(tag: &str) -> Option<i64> {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').parse().ok().filter(|rev| *rev >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_names_its_revision_with_or_without_its_marks() {
        let named = |text: &str| Versions::parse(text).name(3);
        for text in [tag(3).as_str(), "\"3\"", "3", "\"1\", W/\"3\"", "*", " * "] {
            assert!(named(text), "{text}");
        }
        for text in ["W/\"33\"", "\"\"", "", ",", "W/\"2\",W/\"4\"", "-3", "W/\"x\"", "3.0"] {
            assert!(!named(text), "{text}");
        }
    }
}
