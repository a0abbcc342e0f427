//! Ready-made applications, as files that people can read, copy and change.

use super::super::error::Error;
use super::ApplicationFields;

/// Applications that come with the gateway: name and text.
pub const fn catalogue() -> [(&'static str, &'static str); 3] {
    [
        ("omenori", include_str!("../../../config/catalog/omenori.toml")),
        ("scodoc", include_str!("../../../config/catalog/scodoc.toml")),
        ("vie-scolaire", include_str!("../../../config/catalog/vie-scolaire.toml")),
    ]
}

/// Reads an application from the text of a catalogue file.
///
/// # Errors
/// `Invalid` with the line of the mistake, or every field that does not fit.
pub fn from_catalogue(text: &str) -> Result<ApplicationFields, Error> {
    let fields: ApplicationFields = toml::from_str(text).map_err(|error| Error::invalid("catalogue", error.to_string()))?;
    fields.checked()
}
