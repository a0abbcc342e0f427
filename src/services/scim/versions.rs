//! Versions of resources, as `ETag`, `meta.version` and Bulk state them (RFC 7644 §3.14): weak tags around a revision.
//!
//! A revision counts what the feed changed. Where an answer shows more than the feed states (the groups of a person, their roles, the names of members), which
//! change without a revision, a digest of that follows it. What is sent again is decided by all of a tag; what may be changed, by its revision alone, since
//! nobody writes the rest.

use aws_lc_rs::digest;
use serde_json::Value;

/// Between a revision and the digest of what is shown beside it.
const BESIDE: char = '-';

/// The tag of a revision.
pub fn tag(rev: i64) -> String {
    format!("W/\"{rev}\"")
}

/// The tag of a revision with what is shown beside it; nothing is no other tag.
pub fn tag_beside(rev: i64, beside: &[&Value]) -> String {
    if beside.is_empty() { tag(rev) } else { format!("W/\"{rev}{BESIDE}{:016x}\"", number_of(beside)) }
}

/// A number that changes with what is shown, never negative.
pub fn number_of(shown: &[&Value]) -> i64 {
    let text = serde_json::to_vec(shown).unwrap_or_default();
    let hash = digest::digest(&digest::SHA256, &text);
    let number = hash.as_ref().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    i64::try_from(number >> 1).unwrap_or_default()
}

/// The versions that a condition names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Versions {
    /// `*`: whatever it is.
    Any,
    /// These, without their marks.
    Of(Vec<String>),
}

impl Versions {
    /// Reads `If-Match`, `If-None-Match`, or the `version` of an operation. A client may leave out that a tag is weak, or its quotes.
    pub fn parse(text: &str) -> Self {
        if text.trim() == "*" {
            return Self::Any;
        }
        Self::Of(text.split(',').map(|tag| bare(tag).to_owned()).collect())
    }

    /// Whether they name exactly what is shown under a tag.
    pub fn name(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Of(all) => all.iter().any(|one| one == bare(tag)),
        }
    }

    /// The revisions that they name; none for whatever it is. Tags that were never given out name no revision.
    pub fn revisions(&self) -> Option<Vec<i64>> {
        match self {
            Self::Any => None,
            Self::Of(all) => Some(all.iter().filter_map(|one| revision(one)).collect()),
        }
    }
}

fn bare(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"')
}

fn revision(bare: &str) -> Option<i64> {
    let digits = bare.split_once(BESIDE).map_or(bare, |(rev, _)| rev);
    digits.parse().ok().filter(|rev| *rev >= 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tag_names_its_revision_with_or_without_its_marks() {
        let named = |text: &str| Versions::parse(text).revisions().is_none_or(|revs| revs.contains(&3));
        let beside = tag_beside(3, &[&json!(["g"])]);
        for text in [tag(3).as_str(), &beside, "\"3\"", "3", "\"1\", W/\"3\"", "*", " * "] {
            assert!(named(text), "{text}");
        }
        for text in ["W/\"33\"", "\"\"", "", ",", "W/\"2\",W/\"4\"", "-3", "W/\"x\"", "3.0"] {
            assert!(!named(text), "{text}");
        }
    }

    #[test]
    fn what_is_shown_beside_a_revision_is_another_tag_of_the_same_one() {
        let (alone, one, other) = (tag_beside(3, &[]), tag_beside(3, &[&json!(["g"])]), tag_beside(3, &[&json!(["h"])]));
        assert_eq!(alone, tag(3));
        assert!(one != other && one != alone);
        let known = Versions::parse(&format!("W/\"2\", {one}"));
        assert!(known.name(&one) && !known.name(&other) && !known.name(&alone));
        assert!(Versions::parse("*").name(&other));
        assert_eq!(known.revisions(), Some(vec![2, 3]));
    }
}
