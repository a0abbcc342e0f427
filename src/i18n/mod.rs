//! Translations: Fluent texts in French and English, and the choice of a locale.
