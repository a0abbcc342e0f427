//! What the gateway writes to people: the letters it knows, and their words in the recipient's language. It sends nothing.

use std::fmt;

use fluent_bundle::FluentValue;
use serde::{Deserialize, Serialize};

use super::provisioning_stopped::ProvisioningStopped;
use super::review_waits::ReviewWaits;
use super::roles_changed::RolesChanged;
use crate::i18n::{text, text_with};
use crate::store::establishment::user::User;
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

impl Recipient {
    /// A person, in their language; nobody where no address is known.
    pub fn of(person: &User) -> Option<Self> {
        let name = Some(person.display_name.clone()).filter(|name| !name.is_empty());
        let locale = person.locale.as_deref().and_then(Locale::from_tag).unwrap_or_default();
        Some(Self { name, email: person.email.clone()?, locale })
    }
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
    /// A sync run is held, and waits for somebody to decide.
    RunHeld(Box<HeldRun>),
    /// Someone's roles changed.
    RolesChanged(Box<RolesChanged>),
    /// Someone is to decide in a review.
    ReviewWaits(Box<ReviewWaits>),
    /// A rule set is held at its time, and waits for somebody to decide.
    RuleSetHeld(Box<HeldRuleSet>),
    /// An application is not written to until somebody decides.
    ProvisioningStopped(Box<ProvisioningStopped>),
    /// What an operator wrote.
    Written {
        /// The subject.
        subject: String,
        /// The text.
        body: String,
    },
}

/// What an administrator has to know of a run that is held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRun {
    /// The establishment's name.
    pub establishment: String,
    /// Its slug, as commands name it.
    pub slug: String,
    /// The source.
    pub source: String,
    /// The run.
    pub run: String,
    /// The run's address at the API.
    pub url: String,
    /// Entries read.
    pub read: u64,
    /// People who would be disabled.
    pub people: u64,
    /// Groups that would be removed.
    pub groups: u64,
    /// Memberships that would be taken away.
    pub memberships: u64,
    /// Some of the people and groups, by name.
    pub names: Vec<String>,
    /// How many more there are.
    pub others: u64,
}

/// What an administrator has to know of a rule set that is held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRuleSet {
    /// The establishment's name.
    pub establishment: String,
    /// Its slug, as commands name it.
    pub slug: String,
    /// What people call the rule set.
    pub title: String,
    /// Its name, as commands name it.
    pub name: String,
    /// Why it is held, in words.
    pub why: String,
    /// Roles that it would give now.
    pub gained: u64,
    /// Roles that it would take away now.
    pub lost: u64,
    /// Some of those who would lose one, each with the role.
    pub names: Vec<String>,
    /// How many more there are.
    pub others: u64,
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
            Self::RunHeld(_) => "run_held",
            Self::RolesChanged(_) => "roles_changed",
            Self::ReviewWaits(_) => "review_waits",
            Self::RuleSetHeld(_) => "rule_set_held",
            Self::ProvisioningStopped(_) => "provisioning_stopped",
            Self::Written { .. } => "written",
        }
    }

    /// The one-time link it carries.
    pub(super) fn link(&self) -> Option<&str> {
        match self {
            Self::EstablishmentCreated { link, .. } | Self::AccessReset { link, .. } => Some(link),
            Self::RunHeld(_)
            | Self::RuleSetHeld(_)
            | Self::RolesChanged(_)
            | Self::ReviewWaits(_)
            | Self::ProvisioningStopped(_)
            | Self::Written { .. } => None,
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
            Self::RunHeld(held) => {
                let arguments = [("name", line(&held.establishment)), ("source", line(&held.source))];
                text_with(locale, "mail-held-subject", &arguments)
            }
            Self::RolesChanged(changed) => changed.subject(locale),
            Self::ReviewWaits(review) => review.subject(locale),
            Self::ProvisioningStopped(stopped) => stopped.subject(locale),
            Self::RuleSetHeld(held) => {
                let arguments = [("name", line(&held.establishment)), ("title", line(&held.title))];
                text_with(locale, "mail-rule-set-subject", &arguments)
            }
            Self::Written { subject, .. } => subject.clone(),
        };
        subject.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SUBJECT_LENGTH_MAX).collect()
    }

    /// The text. A link stands on a line of its own, so that nothing before or after becomes part of it.
    pub(super) fn text(&self, to: &Recipient) -> String {
        let (key, establishment, sign_in_url, administrator, link, until) = match self {
            Self::Written { body, .. } => return body.clone(),
            Self::RunHeld(held) => return framed(to, &held.text(to.locale)),
            Self::RolesChanged(changed) => return framed(to, &changed.text(to.locale)),
            Self::ReviewWaits(review) => return framed(to, &review.text(to.locale)),
            Self::ProvisioningStopped(stopped) => return framed(to, &stopped.text(to.locale)),
            Self::RuleSetHeld(held) => return framed(to, &held.text(to.locale)),
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

impl HeldRun {
    fn text(&self, locale: Locale) -> String {
        let arguments = [
            ("name", line(&self.establishment)),
            ("slug", line(&self.slug)),
            ("source", line(&self.source)),
            ("run", line(&self.run)),
            ("url", line(&self.url)),
            ("read", self.read.into()),
            ("people", self.people.into()),
            ("groups", self.groups.into()),
            ("memberships", self.memberships.into()),
        ];
        let what = text_with(locale, "mail-held-what", &arguments);
        let decide = text_with(locale, "mail-held-decide", &arguments);
        between(locale, &what, (&self.names, self.others), &decide)
    }
}

impl HeldRuleSet {
    fn text(&self, locale: Locale) -> String {
        let arguments = [
            ("name", line(&self.establishment)),
            ("slug", line(&self.slug)),
            ("title", line(&self.title)),
            ("set", line(&self.name)),
            ("why", line(&self.why)),
            ("gained", self.gained.into()),
            ("lost", self.lost.into()),
        ];
        let what = text_with(locale, "mail-rule-set-what", &arguments);
        let decide = text_with(locale, "mail-rule-set-decide", &arguments);
        between(locale, &what, (&self.names, self.others), &decide)
    }
}

/// Names between two texts, each on a line of its own: one may have a comma. How many others there are comes after them.
fn between(locale: Locale, before: &str, (names, others): (&[String], u64), after: &str) -> String {
    let listed = names.iter().map(|name| format!("- {}", plain(name)));
    let others = (others > 0).then(|| text_with(locale, "mail-held-others", &[("count", others.into())]));
    let lines: Vec<String> = listed.chain(others).collect();
    if lines.is_empty() { format!("{before}\n\n{after}") } else { format!("{before}\n\n{}\n\n{after}", lines.join("\n")) }
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
pub(super) fn line(text: &str) -> FluentValue<'static> {
    plain(text).into()
}

pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// An instant as people read it. Nobody knows the reader's time zone, so it is said which one it is.
pub(super) fn instant(locale: Locale, at: Timestamp) -> String {
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
    fn a_held_run_is_told_with_numbers_names_and_what_to_do() {
        let held = HeldRun {
            establishment: "Lycée Évariste".to_owned(),
            slug: "lycee".to_owned(),
            source: "annuaire".to_owned(),
            run: "0199".to_owned(),
            url: "https://id.example.fr/api/v1/establishments/lycee/runs/0199".to_owned(),
            read: 70,
            people: 30,
            groups: 1,
            memberships: 0,
            names: vec!["anne".to_owned(), "bob\nBcc: x".to_owned()],
            others: 29,
        };
        for (locale, counted) in [(Locale::Fr, "30 personnes"), (Locale::En, "30 people")] {
            let to = Recipient { name: None, email: "zoe@exemple.fr".to_owned(), locale };
            let letter = Letter::RunHeld(Box::new(held.clone()));
            let text = letter.text(&to);
            assert!(text.contains(counted) && text.contains("\n- anne\n- bob Bcc: x\n") && text.contains("29"), "{text}");
            for said in ["--approve", "--refuse", "passerelle source run lycee 0199"] {
                assert!(text.contains(said), "{text}");
            }
            assert!(text.lines().any(|line| line.trim() == held.url) && !text.contains('⟦'), "{text}");
            assert!(letter.subject(locale).contains("annuaire"));
            let empty = Letter::RunHeld(Box::new(HeldRun { names: Vec::new(), others: 0, people: 0, ..held.clone() }));
            // The three counts alone are listed.
            assert_eq!(empty.text(&to).matches("\n- ").count(), 3);
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
