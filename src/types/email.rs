//! Addresses of electronic mail.

use serde::Serialize;
use std::fmt;

use super::{Invalid, fold_case};

/// Longest address, in bytes (RFC 5321 §4.5.3.1.3, less the brackets).
const LENGTH_MAX: usize = 254;

/// An address with one `@`, a local part and a dotted domain. It is never a proof of identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// # Errors
    /// `Invalid` when it could not be delivered to.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let trimmed = raw.trim();
        let refuse = || Invalid::new("email", format!("«{trimmed}» is not an e-mail address: write it like prenom.nom@domaine.fr"));
        let (local, domain) = trimmed.rsplit_once('@').ok_or_else(refuse)?;
        let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"' | '@');
        let labels_fit = domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
        if local.is_empty() || trimmed.len() > LENGTH_MAX || trimmed.replacen('@', "", 1).contains(odd) || !labels_fit {
            return Err(refuse());
        }
        Ok(Self(trimmed.to_owned()))
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For comparison.
    pub fn folded(&self) -> String {
        fold_case(&self.0)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_addresses_pass_and_others_do_not() {
        assert!(Email::parse("éric.d'alembert@acad-test.fr").is_ok());
        assert!(Email::parse("root@localhost").is_ok());
        for raw in ["", "a", "a@", "@b.fr", "a@b..fr", "a b@c.fr", "a@b.fr,c@d.fr", "<a@b.fr>", "a@b@c.fr"] {
            assert!(Email::parse(raw).is_err(), "{raw}");
        }
    }
}
