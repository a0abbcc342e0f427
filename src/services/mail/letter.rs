//! What the gateway writes to people: the letters it knows, and their words in the recipient's language. It sends nothing.

use std::fmt;

use fluent_bundle::FluentValue;
use serde::{Deserialize, Serialize};

use crate::i18n::{text, text_with};
use crate::types::Invalid;
use crate::types::locale::Locale;
use crate::types::time::Timestamp;

/// Longest subject, in characters.
pub const SUBJECT_LENGTH_MAX: usize = 200;
/// Longest text that someone writes, in bytes.
pub const BODY_LENGTH_MAX: usize = 64 * 1024;

/// Whom a letter is for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The name, when it is known.
    pub name: Option<String>,
    /// The address.
    pub email: String,
    /// The language.
    pub locale: Locale,
}

/// A letter.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Letter {
    /// An establishment was made: its addresses, and the first administrator's link.
    EstablishmentCreated {
        /// The establishment's name.
        establishment: String,
        /// Where people sign in.
        sign_in_url: String,
        /// The administrator's user name.
        administrator: String,
        /// The one-time link.
        link: String,
        /// End of the link's life.
        link_expires_at: Timestamp,
    },
    /// An administrator chooses a new password.
    AccessReset {
        /// The establishment's name.
        establishment: String,
        /// Where people sign in.
        sign_in_url: String,
        /// The administrator's user name.
        administrator: String,
        /// The one-time link.
        link: String,
        /// End of the link's life.
        link_expires_at: Timestamp,
    },
    /// What an operator wrote.
    Written {
        /// The subject.
        subject: String,
        /// The text.
        body: String,
    },
}

// Addresses and links are not for logs.
impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient(…)")
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({})", self.topic())
    }
}

impl Letter {
    /// What it is about, as lists of what was sent name it.
    pub const fn topic(&self) -> &'static str {
        match self {
            Self::EstablishmentCreated { .. } => "establishment_created",
            Self::AccessReset { .. } => "access_reset",
            Self::Written { .. } => "written",
        }
    }

    /// The one-time link it carries.
    pub(super) fn link(&self) -> Option<&str> {
        match self {
            Self::EstablishmentCreated { link, .. } | Self::AccessReset { link, .. } => Some(link),
            Self::Written { .. } => None,
        }
    }

    /// What someone wrote has a subject of one line and a text, neither too long.
    ///
    /// # Errors
    /// `Invalid` with the field.
    pub fn check(&self) -> Result<(), Invalid> {
        let Self::Written { subject, body } = self else { return Ok(()) };
        if subject.trim().is_empty() || subject.chars().count() > SUBJECT_LENGTH_MAX || subject.chars().any(char::is_control) {
            return Err(Invalid::new("subject", format!("has 1 to {SUBJECT_LENGTH_MAX} characters, on one line")));
        }
        if body.trim().is_empty() || body.len() > BODY_LENGTH_MAX {
            return Err(Invalid::new("body", format!("has 1 to {BODY_LENGTH_MAX} bytes")));
        }
        Ok(())
    }

    /// The subject: one line, whatever was put into it.
    pub(super) fn subject(&self, locale: Locale) -> String {
        let subject = match self {
            Self::EstablishmentCreated { establishment, .. } => text_with(locale, "mail-created-subject", &[("name", line(establishment))]),
            Self::AccessReset { establishment, .. } => text_with(locale, "mail-reset-subject", &[("name", line(establishment))]),
            Self::Written { subject, .. } => subject.clone(),
        };
        subject.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SUBJECT_LENGTH_MAX).collect()
    }

    /// The text. A link stands on a line of its own, so that nothing before or after becomes part of it.
    pub(super) fn text(&self, to: &Recipient) -> String {
        let (key, establishment, sign_in_url, administrator, link, until) = match self {
            Self::Written { body, .. } => return body.clone(),
            Self::EstablishmentCreated { establishment, sign_in_url, administrator, link, link_expires_at } => {
                ("mail-created-body", establishment, sign_in_url, administrator, link, link_expires_at)
            }
            Self::AccessReset { establishment, sign_in_url, administrator, link, link_expires_at } => {
                ("mail-reset-body", establishment, sign_in_url, administrator, link, link_expires_at)
            }
        };
        let arguments = [
            ("name", line(establishment)),
            ("administrator", line(administrator)),
            ("link", line(link)),
            ("until", instant(to.locale, *until).into()),
            ("url", line(sign_in_url)),
        ];
        framed(to, &text_with(to.locale, key, &arguments))
    }
}

/// A text between a greeting and a signature.
fn framed(to: &Recipient, body: &str) -> String {
    let greeting = match &to.name {
        Some(name) => text_with(to.locale, "mail-greeting", &[("name", line(name))]),
        None => text(to.locale, "mail-greeting-plain"),
    };
    format!("{greeting}\n\n{body}\n\n-- \n{}\n", text(to.locale, "mail-signature"))
}

/// A text that stays on its line.
fn line(text: &str) -> FluentValue<'static> {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().into()
}

/// An instant as people read it. Nobody knows the reader's time zone, so it is said which one it is.
fn instant(locale: Locale, at: Timestamp) -> String {
    let moment = at.civil_utc();
    let arguments = [
        ("day", moment.day.into()),
        ("month", moment.month.into()),
        ("year", moment.year.to_string().into()),
        ("hour", format!("{:02}", moment.hour).into()),
        ("minute", format!("{:02}", moment.minute).into()),
    ];
    text_with(locale, "mail-instant", &arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://id.example.fr/e/lycee/invitation/abc";
    const SIGN_IN: &str = "https://id.example.fr/e/lycee";

    fn letters() -> [Letter; 2] {
        let (establishment, administrator) = ("Lycée Évariste\r\nBcc: x@y.fr".to_owned(), "zoe".to_owned());
        let (sign_in_url, link, link_expires_at) = (SIGN_IN.to_owned(), LINK.to_owned(), Timestamp::from_seconds(1_789_459_200));
        [
            Letter::EstablishmentCreated {
                establishment: establishment.clone(),
                sign_in_url: sign_in_url.clone(),
                administrator: administrator.clone(),
                link: link.clone(),
                link_expires_at,
            },
            Letter::AccessReset { establishment, sign_in_url, administrator, link, link_expires_at },
        ]
    }

    #[test]
    fn a_link_has_a_line_of_its_own_and_every_sentence_is_there() {
        for locale in Locale::ALL {
            let to = Recipient { name: Some("Zoé".to_owned()), email: "zoe@exemple.fr".to_owned(), locale };
            for letter in letters() {
                let text = letter.text(&to);
                assert!(text.lines().any(|line| line == LINK) && text.lines().any(|line| line == SIGN_IN), "{text}");
                assert!(text.contains("Zoé") && text.contains("2026") && !text.contains('⟦') && !text.contains('{'), "{text}");
                assert!(!letter.subject(locale).contains(char::is_control));
                assert!(!format!("{letter:?}{to:?}").contains("zoe"));
            }
        }
    }

    #[test]
    fn instants_are_said_in_the_readers_language() {
        assert_eq!(instant(Locale::Fr, Timestamp::from_seconds(1_789_459_200)), "15 septembre 2026 à 08:00 (UTC)");
        assert_eq!(instant(Locale::En, Timestamp::from_seconds(1_788_220_800)), "1 September 2026 at 00:00 (UTC)");
        assert_eq!(instant(Locale::Fr, Timestamp::from_seconds(1_788_220_800)), "1er septembre 2026 à 00:00 (UTC)");
    }

    #[test]
    fn a_subject_is_one_line_of_bounded_length() {
        let letter = Letter::Written { subject: format!("A\r\nBcc: x@y.fr{}", "é".repeat(500)), body: String::new() };
        let subject = letter.subject(Locale::Fr);
        assert!(!subject.contains(char::is_control) && subject.chars().count() == SUBJECT_LENGTH_MAX);
    }
}
