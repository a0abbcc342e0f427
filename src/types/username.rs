//! The name a person signs in with.

use serde::Serialize;
use std::fmt;

use super::{Invalid, fold_case};

/// Longest user name, in characters.
const LENGTH_MAX: usize = 128;

/// A user name: shown as written, compared by its folded form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Username(String);

impl Username {
    /// # Errors
    /// `Invalid` when it is empty, too long, or has control characters or spaces.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let trimmed = raw.trim();
        if trimmed.is_empty() || trimmed.chars().count() > LENGTH_MAX {
            return Err(Invalid::new("username", format!("a user name has 1 to {LENGTH_MAX} characters")));
        }
        if trimmed.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Invalid::new("username", format!("«{trimmed}» is not a user name: no spaces nor control characters")));
        }
        Ok(Self(trimmed.to_owned()))
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For comparison: NFKC, lower case.
    pub fn folded(&self) -> String {
        fold_case(&self.0)
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
