//! The words to administrators about an application that is not written to until somebody decides. Knows nothing of what is written.

use serde::{Deserialize, Serialize};

use super::letter::line;
use crate::i18n::text_with;
use crate::types::locale::Locale;

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyStopped {
    /// The application lets the gateway do nothing: its words.
    Denied(String),
    /// Too much would be taken away at once.
    Held {
        /// How many.
        count: u64,
        /// Of how many that are there.
        of: u64,
    },
}

/// An application that is not written to, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisioningStopped {
    /// The establishment's name.
    pub establishment: String,
    /// Its slug, as commands name it.
    pub slug: String,
    /// The application.
    pub application: String,
    /// Why.
    pub why: WhyStopped,
}

impl ProvisioningStopped {
    pub(super) fn subject(&self, locale: Locale) -> String {
        text_with(locale, "mail-provisioning-subject", &[("name", line(&self.establishment)), ("application", line(&self.application))])
    }

    pub(super) fn text(&self, locale: Locale) -> String {
        let mut arguments = vec![("name", line(&self.establishment)), ("slug", line(&self.slug)), ("application", line(&self.application))];
        let key = match &self.why {
            WhyStopped::Denied(why) => {
                arguments.push(("why", line(why)));
                "mail-provisioning-denied"
            }
            WhyStopped::Held { count, of } => {
                arguments.extend([("count", (*count).into()), ("of", (*of).into())]);
                "mail-provisioning-held"
            }
        };
        text_with(locale, key, &arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::super::letter::{Letter, Recipient};
    use super::*;

    #[test]
    fn an_administrator_reads_why_and_what_to_do() {
        let stopped = |why| ProvisioningStopped {
            establishment: "Lycée Évariste\nBcc: x".to_owned(),
            slug: "lycee".to_owned(),
            application: "wiki".to_owned(),
            why,
        };
        for locale in Locale::ALL {
            let to = Recipient { name: None, email: "a@exemple.fr".to_owned(), locale };
            let denied = Letter::ProvisioningStopped(Box::new(stopped(WhyStopped::Denied("401\r\nnon".to_owned()))));
            let text = denied.text(&to);
            assert!(text.contains("401  non") && text.contains("provisioning check lycee wiki") && !text.contains('⟦'), "{text}");
            assert!(!denied.subject(locale).contains(char::is_control));
            let held = Letter::ProvisioningStopped(Box::new(stopped(WhyStopped::Held { count: 30, of: 40 })));
            let text = held.text(&to);
            assert!(text.contains("30") && text.contains("40") && text.contains("provisioning approve lycee wiki"), "{text}");
        }
    }
}
