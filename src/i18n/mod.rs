//! Translations: Fluent texts in French and English, and the choice of a locale. No sentence for people stands elsewhere in code.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use crate::types::locale::Locale;

const FRENCH: &str = concat!(
    include_str!("fr.ftl"),
    "\n",
    include_str!("sources/fr.ftl"),
    "\n",
    include_str!("catalogues/fr.ftl"),
    "\n",
    include_str!("terminal/fr.ftl"),
    "\n",
    include_str!("../demo/texts/fr.ftl")
);
const ENGLISH: &str = concat!(
    include_str!("en.ftl"),
    "\n",
    include_str!("sources/en.ftl"),
    "\n",
    include_str!("catalogues/en.ftl"),
    "\n",
    include_str!("terminal/en.ftl"),
    "\n",
    include_str!("../demo/texts/en.ftl")
);
/// Most language tags read from one header or parameter.
const TAGS_MAX: usize = 20;

static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 2]> =
    LazyLock::new(|| [bundle(Locale::Fr, FRENCH).0, bundle(Locale::En, ENGLISH).0]);

/// Reads one language's texts; what does not parse is counted, and a test expects none.
fn bundle(locale: Locale, source: &str) -> (FluentBundle<FluentResource>, usize) {
    let (resource, syntax_errors) = match FluentResource::try_new(source.to_owned()) {
        Ok(resource) => (resource, 0),
        Err((resource, errors)) => (resource, errors.len()),
    };
    let language = match locale {
        Locale::Fr => unic_langid::langid!("fr"),
        Locale::En => unic_langid::langid!("en"),
    };
    let mut made = FluentBundle::new_concurrent(vec![language]);
    // Isolation marks are for mixed writing directions; here they would end up in titles and test expectations.
    made.set_use_isolating(false);
    let repeated = made.add_resource(resource).err().map_or(0, |errors| errors.len());
    (made, syntax_errors + repeated)
}

/// An argument of a text.
pub type Argument<'a> = (&'a str, FluentValue<'a>);

/// The text of a key, in a language. A missing one shows as `⟦key⟧`, and fails a test.
pub fn text(locale: Locale, key: &str) -> String {
    text_with(locale, key, &[])
}

/// The text of a key with its arguments filled in.
pub fn text_with(locale: Locale, key: &str, arguments: &[Argument<'_>]) -> String {
    let [french, english] = &*BUNDLES;
    let bundle = match locale {
        Locale::Fr => french,
        Locale::En => english,
    };
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        tracing::error!(key, %locale, "text missing");
        return format!("⟦{key}⟧");
    };
    let filled: FluentArgs<'_> = arguments.iter().map(|(name, value)| (*name, value.clone())).collect();
    let mut errors = Vec::new();
    let formatted = bundle.format_pattern(pattern, Some(&filled), &mut errors).into_owned();
    if !errors.is_empty() {
        tracing::error!(key, %locale, count = errors.len(), "text badly filled");
    }
    formatted
}

/// Whether a language has a text.
pub fn has(locale: Locale, key: &str) -> bool {
    let [french, english] = &*BUNDLES;
    match locale {
        Locale::Fr => french.has_message(key),
        Locale::En => english.has_message(key),
    }
}

/// The texts of one language, as pages hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texts(pub Locale);

impl Texts {
    /// The language.
    pub const fn locale(self) -> Locale {
        self.0
    }

    /// A text.
    pub fn text(self, key: &str) -> String {
        text(self.0, key)
    }

    /// A text about someone or something named.
    pub fn named(self, key: &str, name: &str) -> String {
        text_with(self.0, key, &[("name", name.into())])
    }

    /// A text about a number.
    pub fn counted(self, key: &str, count: u64) -> String {
        text_with(self.0, key, &[("count", count.into())])
    }
}

/// Chooses the language of a page: the client's wish (`ui_locales`, in order), then the browser's (by quality), then the establishment's.
pub fn negotiate(ui_locales: Option<&str>, accept_language: Option<&str>, establishment: Locale) -> Locale {
    let wished = ui_locales.and_then(|raw| raw.split(' ').take(TAGS_MAX).find_map(Locale::from_tag));
    wished.or_else(|| accept_language.and_then(best_accepted)).unwrap_or(establishment)
}

/// RFC 9110 §12.5.4: tags with qualities; the first of the best that the product speaks.
fn best_accepted(header: &str) -> Option<Locale> {
    let mut best: Option<(Locale, f32)> = None;
    for range in header.split(',').take(TAGS_MAX) {
        let mut parts = range.split(';');
        let Some(locale) = parts.next().and_then(Locale::from_tag) else { continue };
        let stated = parts.find_map(|p| p.trim().strip_prefix("q=").map(str::to_owned));
        let quality = stated.map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if quality > 0.0 && best.is_none_or(|(_, q)| quality > q) {
            best = Some((locale, quality));
        }
    }
    best.map(|(locale, _)| locale)
}

#[cfg(test)]
mod tests;
