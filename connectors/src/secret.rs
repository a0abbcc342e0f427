//! The one secret a connector carries. It is never shown, and wiped when dropped.

use std::fmt;
use zeroize::Zeroizing;

/// A password on its way to a directory.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes the clear text over.
    pub fn new(clear: impl Into<String>) -> Self {
        Self(Zeroizing::new(clear.into()))
    }

    /// True for a password nobody typed: it must never reach a bind (RFC 4513 §5.1.2).
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The clear text, for the bind request alone.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Password {
    fn from(clear: String) -> Self {
        Self::new(clear)
    }
}

impl From<&str> for Password {
    fn from(clear: &str) -> Self {
        Self::new(clear)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Password;

    #[test]
    fn debug_shows_nothing_of_the_password() {
        assert_eq!(format!("{:?}", Password::new("s3cret")), "Password(…)");
    }
}
