//! The mapping of a feed that others push into: which fields of a person come from elsewhere in a User than usual. Pure, and the same paths as those of a
//! service that is read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::path::Path;
use super::resource::values;
use super::settings::declared;
use crate::ldap::SettingsError;
use crate::mapping::{Mapped, Mapping};

/// What the login name comes from; nothing else.
const USERNAME: (&str, &str) = ("username", "userName");

/// Field → path, for those fields that a feed's settings name.
#[derive(Clone, Debug)]
pub struct FeedMapping {
    mapping: Mapping,
    paths: Vec<Path>,
    /// The fields that are named, those without a path included.
    named: Vec<String>,
}

impl FeedMapping {
    /// Reads the `settings` of a feed; none when they say nothing of fields.
    ///
    /// # Errors
    /// [`SettingsError`] naming the key, and what is accepted.
    pub fn parse(settings: &Value) -> Result<Option<Self>, SettingsError> {
        let Some(said) = settings.get("mapping").filter(|said| !said.is_null()) else { return Ok(None) };
        let own = declared(said)?;
        if own.is_empty() {
            return Ok(None);
        }
        if own.contains_key(USERNAME.0) {
            let reason = "a feed looks people up by `userName`, and finds whom it wrote: leave it out";
            return Err(SettingsError { key: "mapping.username".to_owned(), reason: reason.to_owned() });
        }
        let named: Vec<String> = own.keys().cloned().collect();
        let mut paths: BTreeMap<String, String> = own.into_iter().filter(|(_, path)| !path.is_empty()).collect();
        paths.insert(USERNAME.0.to_owned(), USERNAME.1.to_owned());
        let refuse = |key: &str, reason: &str| SettingsError { key: format!("mapping.{key}"), reason: reason.to_owned() };
        let mapping = Mapping::compile_paths(&paths).map_err(|error| refuse(&error.field, &error.reason))?;
        let paths = mapping.names().iter().filter_map(|name| Path::parse(name)).collect();
        Ok(Some(Self { mapping, paths, named }))
    }

    /// Whether it says where a field comes from, or that it comes from nowhere.
    pub fn names(&self, field: &str) -> bool {
        self.named.iter().any(|name| name == field)
    }

    /// Everything that it names.
    pub fn fields(&self) -> &[String] {
        &self.named
    }

    /// What it makes of a User. Only what it [`names`](Self::names) counts.
    ///
    /// # Errors
    /// The path of a value that cannot be kept, and why.
    pub fn apply(&self, user: &Value) -> Result<Mapped, String> {
        Ok(self.mapping.apply(&values(&self.paths, &self.mapping, user)?))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use serde_json::json;

    use super::FeedMapping;

    #[test]
    fn fields_come_from_where_the_settings_say_and_go_where_they_say_nothing() {
        let settings = json!({"mapping": {
            "units": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division", "town": "addresses[type eq \"work\"].locality",
            "email": "", "display_name": "{name.familyName} {name.givenName}"
        }});
        let mapping = FeedMapping::parse(&settings).unwrap().unwrap();
        let mapped = mapping
            .apply(&json!({
                "userName": "zoe", "name": {"givenName": "Zoé", "familyName": "Lefèvre"}, "emails": [{"value": "z@x.fr"}],
                "addresses": [{"type": "home", "locality": "Évry"}, {"type": "work", "locality": "Évrecy"}],
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"division": "GEA"}
            }))
            .unwrap();
        assert_eq!((mapped.display_name.as_deref(), mapped.email.as_deref()), (Some("Lefèvre Zoé"), None));
        assert_eq!(
            (mapped.units.as_slice(), mapped.attributes.get("town").unwrap().as_slice()),
            (&["GEA".to_owned()][..], &["Évrecy".to_owned()][..])
        );
        assert!(mapping.names("email") && mapping.names("town") && !mapping.names("locale"));
    }

    #[test]
    fn what_cannot_be_mapped_is_refused_by_its_name() {
        let key = |settings| FeedMapping::parse(&settings).unwrap_err().key;
        assert_eq!(key(json!({"mapping": {"username": "emails"}})), "mapping.username");
        assert_eq!(key(json!({"mapping": {"external_id": "id"}})), "mapping.external_id");
        assert_eq!(key(json!({"mapping": {"town": "addresses["}})), "mapping.town");
        assert_eq!(key(json!({"mapping": {"town": 3}})), "mapping.town");
        assert_eq!(key(json!({"mapping": "town"})), "mapping");
        assert!(FeedMapping::parse(&json!({})).unwrap().is_none() && FeedMapping::parse(&json!({"mapping": {}})).unwrap().is_none());
    }
}
