//! What the check of a source found, in words: each code of a connector with its facts, and what to do. Checks nothing itself.

use connectors::CheckStep;
use connectors::ldap::Level;

use crate::i18n;
use crate::types::locale::Locale;

/// What a step found.
pub fn detail(step: &CheckStep, locale: Locale) -> String {
    let facts: Vec<i18n::Argument<'_>> = step.facts.iter().map(|(name, value)| (*name, value.as_str().into())).collect();
    // Not every server says more than its status.
    i18n::text_with(locale, &key("said", step.code), &facts).trim_end_matches([' ', ':', '\u{a0}', '\u{202f}']).to_owned()
}

/// What to do about it; nothing when all is well.
pub fn advice(step: &CheckStep, locale: Locale) -> Option<String> {
    (step.level != Level::Ok).then(|| i18n::text(locale, &key("advice", step.code)))
}

/// What a step is called.
pub fn name(step: &CheckStep, locale: Locale) -> String {
    i18n::text(locale, &key("step", step.name))
}

fn key(what: &str, code: &str) -> String {
    format!("source-{what}-{}", code.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use connectors::Cause;
    use connectors::ldap::{CHECK_CODES, CHECK_STEPS};
    use connectors::scim::Fault;

    use super::{Locale, i18n, key};

    #[test]
    fn every_code_has_its_words_and_every_failure_its_advice() {
        for locale in Locale::ALL {
            let said = CHECK_CODES.iter().chain(&Cause::CODES).chain(&Fault::CODES).map(|code| key("said", code));
            let steps = CHECK_STEPS.iter().map(|name| key("step", name));
            let advice = Cause::CODES.iter().chain(&Fault::CODES).map(|code| key("advice", code));
            let missing: Vec<String> = said.chain(steps).chain(advice).filter(|key| !i18n::has(locale, key)).collect();
            assert!(missing.is_empty(), "{locale}: {missing:?}");
        }
    }
}
