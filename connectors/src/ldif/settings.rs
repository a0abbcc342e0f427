//! The settings of a source of LDIF files: those of a directory without its connection. Opens no file.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::csv::absolute;
use crate::dn;
use crate::filter::Filter;
use crate::ldap::fields::Fields;
use crate::ldap::{self, SettingsError};

const KEYS: [&str; 8] = ["path", "base_dn", "user_filter", "group_base_dn", "group_filter", "server", "profile", "mapping"];
/// A directory's settings ask for servers and a base; these stand in, and nothing ever looks at them.
const NO_SERVER: &str = "ldap://localhost";
const NO_BASE: &str = "dc=nowhere";

/// One source of LDIF files, validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A file of the gateway's machine, read at each run; the file given last when absent.
    pub path: Option<PathBuf>,
    /// The profile, mapping and key, as a directory has them.
    pub(super) directory: ldap::Settings,
    /// Which people, and under what normalised DN; everywhere when absent.
    pub(super) people: Selection,
    /// Which groups.
    pub(super) groups: Selection,
}

/// Which entries are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selection {
    pub(super) base: Option<String>,
    pub(super) filter: Filter,
    /// The filter as it was written.
    pub(super) written: String,
}

impl Settings {
    /// Reads and validates the `settings` of a source.
    ///
    /// # Errors
    /// [`SettingsError`] naming the key and the accepted values.
    pub fn parse(json: &Value) -> Result<Self, SettingsError> {
        let said = Fields::new(json, "", &KEYS)?;
        let path = said.text("path")?.map(|path| absolute(&said, path)).transpose()?;
        let base = said.text("base_dn")?;
        let group_base = said.text("group_base_dn")?.or_else(|| base.clone());
        let mut of_directory = json.clone();
        if let Some(object) = of_directory.as_object_mut() {
            object.remove("path");
            object.insert("urls".to_owned(), json!([NO_SERVER]));
            if base.is_none() {
                object.insert("base_dn".to_owned(), json!(NO_BASE));
            }
        }
        let directory = ldap::Settings::parse(&of_directory)?;
        let selection = |key: &str, base: Option<String>, written: &str| {
            let filter = Filter::parse(written).map_err(|refused| said.refuse(key, &refused.to_string()))?;
            // The directory's settings were checked: what is no DN is refused there.
            Ok(Selection { base: base.and_then(|base| dn::normalise(&base).ok()), filter, written: written.to_owned() })
        };
        let people = selection("user_filter", base, &directory.user_filter)?;
        let groups = selection("group_filter", group_base, &directory.group_filter)?;
        Ok(Self { path, directory, people, groups })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::Settings;
    use serde_json::{Value, json};

    #[test]
    fn a_file_needs_no_settings_at_all_and_takes_a_directorys() {
        let bare = Settings::parse(&json!({})).unwrap();
        assert_eq!((bare.people.base, bare.people.written.as_str()), (None, "(objectClass=inetOrgPerson)"));
        let told = Settings::parse(&json!({"base_dn": "OU=People, dc=x", "profile": "supann"})).unwrap();
        assert_eq!(told.people.base.as_deref(), Some("ou=people,dc=x"));
        assert_eq!((told.groups.base, told.people.written.as_str()), (told.people.base, "(objectClass=supannPerson)"));
    }

    #[test]
    fn what_does_not_fit_is_refused_by_its_key() {
        let refusal = |settings: Value| Settings::parse(&settings).unwrap_err().to_string();
        assert!(refusal(json!({"urls": ["ldap://x"]})).starts_with("urls: unknown; accepted are path, base_dn"));
        assert!(refusal(json!({"base_dn": "people"})).starts_with("base_dn: not a DN"));
        assert!(refusal(json!({"user_filter": "(a"})).starts_with("user_filter: not a filter"));
        assert!(refusal(json!({"path": "x.ldif"})).starts_with("path: "));
    }
}
