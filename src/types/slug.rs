//! The short name of an establishment in addresses.

use serde::Serialize;
use std::fmt;

use super::{Invalid, fold};

/// Longest slug, in characters.
const LENGTH_MAX: usize = 40;

/// The reserved slug of the platform, which is an establishment too.
pub const PLATFORM: &str = "platform";

/// How the slugs of stores begin that are made for a moment and are no establishment's.
pub const SCRATCH: &str = "scratch-";

/// Slugs that would collide with addresses of the gateway itself.
const RESERVED: [&str; 9] = [PLATFORM, "bulk", "admin", "api", "assets", "demo", "new", "registry", "zones"];

/// An establishment's name in addresses and file names: lower-case letters, digits and single hyphens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    /// # Errors
    /// `Invalid` when it is empty, too long, reserved, or has other characters.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let refuse = |why: String| Err(Invalid::new("slug", why));
        if raw.is_empty() || raw.len() > LENGTH_MAX {
            return refuse(format!("a slug has 1 to {LENGTH_MAX} characters"));
        }
        if !raw.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return refuse(format!("«{raw}» is not a slug: use lower-case letters a to z, digits and hyphens"));
        }
        if raw.starts_with('-') || raw.ends_with('-') || raw.contains("--") {
            return refuse(format!("«{raw}» is not a slug: hyphens stand alone, between letters or digits"));
        }
        if RESERVED.contains(&raw) || raw.starts_with(SCRATCH) {
            return refuse(format!("«{raw}» is reserved: choose another"));
        }
        Ok(Self(raw.to_owned()))
    }

    /// Makes a slug from a name: `Collège Jean Jaurès` gives `college-jean-jaures`.
    ///
    /// # Errors
    /// `Invalid` when nothing of the name can stand in a slug.
    pub fn from_name(name: &str) -> Result<Self, Invalid> {
        let mut made = String::new();
        for c in fold(name).chars() {
            if c.is_ascii_alphanumeric() {
                made.push(c);
            } else if !made.is_empty() && !made.ends_with('-') {
                made.push('-');
            }
        }
        made.truncate(LENGTH_MAX);
        Self::parse(made.trim_end_matches('-'))
    }

    /// The platform's own slug.
    pub fn platform() -> Self {
        Self(PLATFORM.to_owned())
    }

    /// A slug that is nobody's, for a store made for a moment.
    pub fn scratch() -> Self {
        Self(format!("{SCRATCH}{}", uuid::Uuid::now_v7().simple()))
    }

    /// Whether this is the platform.
    pub fn is_platform(&self) -> bool {
        self.0 == PLATFORM
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_from_a_french_name() {
        let made = Slug::from_name("Collège Jean Jaurès (Évrecy)").map(|s| s.0);
        assert_eq!(made.as_deref(), Ok("college-jean-jaures-evrecy"));
    }

    #[test]
    fn reserved_and_odd_ones_are_refused() {
        for raw in ["platform", "bulk", "scratch-1", "", "-a", "a--b", "É", "a/b", "..", "A"] {
            assert!(Slug::parse(raw).is_err(), "{raw}");
        }
    }
}
