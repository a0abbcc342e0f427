//! The words to whoever is to decide in a review. Knows nothing of what is decided.

use serde::{Deserialize, Serialize};

use super::letter::{instant, line};
use crate::i18n::text_with;
use crate::types::locale::Locale;
use crate::types::time::Timestamp;

/// A review that waits for someone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewWaits {
    /// The establishment's name.
    pub establishment: String,
    /// What people call the review.
    pub title: String,
    /// How many decisions wait.
    pub count: u64,
    /// Until when.
    pub due_at: Timestamp,
    /// The page.
    pub url: String,
    /// Whether they were written to before.
    pub again: bool,
}

impl ReviewWaits {
    pub(super) fn subject(&self, locale: Locale) -> String {
        let key = if self.again { "mail-review-subject-again" } else { "mail-review-subject" };
        text_with(locale, key, &[("name", line(&self.establishment)), ("day", day(locale, self.due_at).into())])
    }

    pub(super) fn text(&self, locale: Locale) -> String {
        let arguments = [
            ("title", line(&self.title)),
            ("count", self.count.into()),
            ("until", instant(locale, self.due_at).into()),
            ("url", line(&self.url)),
        ];
        text_with(locale, "mail-review-body", &arguments)
    }
}

/// The day of an instant, in figures.
fn day(locale: Locale, at: Timestamp) -> String {
    let moment = at.civil_utc();
    match locale {
        Locale::Fr => format!("{:02}/{:02}/{}", moment.day, moment.month, moment.year),
        Locale::En => format!("{}-{:02}-{:02}", moment.year, moment.month, moment.day),
    }
}

#[cfg(test)]
mod tests {
    use super::super::letter::{Letter, Recipient};
    use super::*;

    #[test]
    fn a_reviewer_reads_how_many_until_when_and_where() {
        let review = ReviewWaits {
            establishment: "Lycée Évariste".to_owned(),
            title: "Rentrée\nBcc: x".to_owned(),
            count: 12,
            due_at: Timestamp::from_seconds(1_789_459_200),
            url: "https://id.example.fr/e/lycee/reviews/0199".to_owned(),
            again: false,
        };
        for (locale, counted) in [(Locale::Fr, "12 décisions"), (Locale::En, "12 decisions")] {
            let to = Recipient { name: None, email: "a@exemple.fr".to_owned(), locale };
            let letter = Letter::ReviewWaits(Box::new(review.clone()));
            let text = letter.text(&to);
            assert!(text.contains(counted) && text.contains("2026") && !text.contains('⟦'), "{text}");
            assert!(text.lines().any(|line| line == review.url) && text.contains("Rentrée Bcc: x"), "{text}");
            let one = ReviewWaits { count: 1, again: true, ..review.clone() };
            assert!(!one.text(locale).contains("12") && one.subject(locale) != review.subject(locale));
        }
    }
}
