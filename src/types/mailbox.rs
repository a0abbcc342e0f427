//! An address of electronic mail with the name of whose it is: `Passerelle <noreply@exemple.fr>`.

use super::Invalid;
use super::email::Email;

/// Longest name, in characters.
const NAME_LENGTH_MAX: usize = 200;

/// Whom a letter is from or to (RFC 5322 §3.4, the plain forms of it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The name, when there is one.
    pub name: Option<String>,
    /// The address.
    pub email: Email,
}

impl Mailbox {
    /// Takes `address`, `Name <address>` and `"Name" <address>`.
    ///
    /// # Errors
    /// `Invalid` when the address is none, or the name would not stand in a header.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let trimmed = raw.trim();
        let Some((name, address)) = trimmed.strip_suffix('>').and_then(|rest| rest.split_once('<')) else {
            return Ok(Self { name: None, email: Email::parse(trimmed)? });
        };
        let name = name.trim().trim_matches('"').trim();
        if name.chars().count() > NAME_LENGTH_MAX || name.chars().any(|c| c.is_control() || matches!(c, '<' | '>' | '"' | '\\')) {
            return Err(Invalid::new("mailbox", "has a name that is too long, or with quotes, brackets or control characters"));
        }
        Ok(Self { name: (!name.is_empty()).then(|| name.to_owned()), email: Email::parse(address)? })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_stand_before_the_address() {
        for raw in ["Académie <noreply@exemple.fr>", " \"Académie\" <noreply@exemple.fr> "] {
            let parsed = Mailbox::parse(raw).unwrap();
            assert_eq!((parsed.name.as_deref(), parsed.email.as_str()), (Some("Académie"), "noreply@exemple.fr"));
        }
        assert_eq!(Mailbox::parse("noreply@exemple.fr").unwrap().name, None);
        assert_eq!(Mailbox::parse("<noreply@exemple.fr>").unwrap().name, None);
    }

    #[test]
    fn what_would_add_a_header_or_an_address_is_refused() {
        for raw in ["", "Académie", "A\r\nBcc: x@y.fr <a@b.fr>", "A <a@b.fr>, B <c@d.fr>", "A <a@b.fr", "A <<a@b.fr>>"] {
            assert!(Mailbox::parse(raw).is_err(), "{raw}");
        }
    }
}
