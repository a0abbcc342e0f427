//! The words to someone whose roles changed (OME-47). Decides neither who holds what nor who is written to.

use fluent_bundle::FluentValue;
use serde::{Deserialize, Serialize};

use super::letter::{instant, line, plain};
use crate::i18n::{text, text_with};
use crate::types::locale::Locale;
use crate::types::time::Timestamp;

/// Most roles listed of what was given, and of what was taken.
const LINES_MAX: usize = 30;

/// One role, as people call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleLine {
    /// The application.
    pub application: String,
    /// The role.
    pub role: String,
    /// Where it holds; empty is everywhere.
    pub scope: String,
    /// Until when; without end when absent.
    pub until: Option<Timestamp>,
}

/// What someone holds now, and no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolesChanged {
    /// The establishment's name.
    pub establishment: String,
    /// Given.
    pub gained: Vec<RoleLine>,
    /// Taken away.
    pub lost: Vec<RoleLine>,
    /// Whom to ask; empty when nobody is named.
    pub contact: String,
}

impl RoleLine {
    fn text(&self, locale: Locale) -> String {
        let named = [("application", line(&self.application)), ("role", line(&self.role)), ("scope", line(&self.scope))];
        let role = text_with(locale, if self.scope.is_empty() { "mail-roles-role" } else { "mail-roles-role-in" }, &named);
        let until = self.until.map(|until| text_with(locale, "mail-roles-until", &[("until", FluentValue::from(instant(locale, until)))]));
        // Each on a line of its own: a name may have a comma.
        format!("- {}{}", plain(&role), until.map(|until| format!(", {until}")).unwrap_or_default())
    }
}

impl RolesChanged {
    pub(super) fn subject(&self, locale: Locale) -> String {
        let key = if self.lost.is_empty() { "mail-roles-subject-given" } else { "mail-roles-subject" };
        text_with(locale, key, &[("name", line(&self.establishment))])
    }

    pub(super) fn text(&self, locale: Locale) -> String {
        let mut parts = Vec::new();
        for (key, roles) in [("mail-roles-gained", &self.gained), ("mail-roles-lost", &self.lost)] {
            if roles.is_empty() {
                continue;
            }
            let mut lines = vec![text_with(locale, key, &[("name", line(&self.establishment))])];
            lines.extend(roles.iter().take(LINES_MAX).map(|role| role.text(locale)));
            if let Some(more) = roles.len().checked_sub(LINES_MAX).filter(|more| *more > 0) {
                lines.push(text_with(locale, "mail-held-others", &[("count", more.into())]));
            }
            parts.push(lines.join("\n"));
        }
        parts.push(text(locale, "mail-roles-now"));
        parts.push(match self.contact.as_str() {
            "" => text(locale, "mail-roles-ask"),
            contact => text_with(locale, "mail-roles-contact", &[("contact", line(contact))]),
        });
        parts.join("\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::super::letter::{Letter, Recipient};
    use super::*;

    #[test]
    fn what_was_given_and_taken_is_told_by_title_in_the_readers_language() {
        let role = |role: &str, scope: &str, until| RoleLine {
            application: "ScoDoc".to_owned(),
            role: role.to_owned(),
            scope: scope.to_owned(),
            until,
        };
        let changed = RolesChanged {
            establishment: "Lycée Évariste".to_owned(),
            gained: vec![role("Enseignant", "RT", Some(Timestamp::from_seconds(1_789_459_200))), role("Secrétaire", "", None)],
            lost: vec![role("Observateur\nBcc: x", "", None)],
            contact: "Zoé zoe@exemple.fr".to_owned(),
        };
        for (locale, where_it_holds) in [(Locale::Fr, "Enseignant (RT)"), (Locale::En, "Enseignant (RT)")] {
            let to = Recipient { name: None, email: "a@exemple.fr".to_owned(), locale };
            let letter = Letter::RolesChanged(Box::new(changed.clone()));
            let text = letter.text(&to);
            assert!(text.contains(where_it_holds) && text.contains("2026") && text.contains("zoe@exemple.fr"), "{text}");
            assert!(text.contains("Observateur Bcc: x\n") && !text.contains('⟦'), "{text}");
            assert!(letter.subject(locale).contains("Lycée Évariste") && !letter.subject(locale).contains('⟦'));
            let given = RolesChanged { lost: Vec::new(), contact: String::new(), ..changed.clone() };
            assert!(!given.text(locale).contains("Observateur"));
            assert_ne!(given.subject(locale), changed.subject(locale));
        }
    }
}
