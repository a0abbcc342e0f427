//! The settings of a source of LDIF files: those of a directory without its connection. Opens no file.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::csv::absolute;
use crate::dn;
use crate::filter::Filter;
use crate::ldap::fields::Fields;
use crate::ldap::{self, Scope, SettingsError};

const KEYS: [&str; 11] = [
    "path",
    "base_dn",
    "scope",
    "user_filter",
    "group_base_dn",
    "group_scope",
    "group_filter",
    "server",
    "profile",
    "mapping",
    "account_state",
];
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
    /// Which people, and below what; everywhere when no base is said.
    pub(super) people: Selection,
    /// Which groups.
    pub(super) groups: Selection,
}

/// Which entries are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selection {
    /// Normalised; none is everywhere.
    pub(super) bases: Vec<String>,
    pub(super) scope: Scope,
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
        let everywhere = said.value("base_dn").is_none();
        if everywhere && let Some(key) = ["scope", "group_base_dn", "group_scope"].iter().find(|key| said.value(key).is_some()) {
            return Err(said.refuse(key, "accepted with `base_dn` only"));
        }
        let mut of_directory = json.clone();
        if let Some(object) = of_directory.as_object_mut() {
            object.remove("path");
            object.insert("urls".to_owned(), json!([NO_SERVER]));
            if everywhere {
                object.insert("base_dn".to_owned(), json!(NO_BASE));
            }
        }
        let directory = ldap::Settings::parse(&of_directory)?;
        let selection = |key: &str, bases: &[String], scope, written: &str| {
            let filter = Filter::parse(written).map_err(|refused| said.refuse(key, &refused.to_string()))?;
            // The directory's settings were checked: what is no DN is refused there.
            let bases = bases.iter().filter(|_| !everywhere).filter_map(|base| dn::normalise(base).ok()).collect();
            Ok(Selection { bases, scope, filter, written: written.to_owned() })
        };
        let people = selection("user_filter", &directory.base_dns, directory.scope, &directory.user_filter)?;
        let groups = selection("group_filter", &directory.group_base_dns, directory.group_scope, &directory.group_filter)?;
        Ok(Self { path, directory, people, groups })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::{Scope, Settings};
    use serde_json::{Value, json};

    #[test]
    fn a_file_needs_no_settings_at_all_and_takes_a_directorys() {
        let bare = Settings::parse(&json!({})).unwrap();
        assert_eq!((bare.people.bases.len(), bare.people.written.as_str()), (0, "(objectClass=inetOrgPerson)"));
        let told = Settings::parse(&json!({"base_dn": "OU=People, dc=x", "profile": "supann"})).unwrap();
        assert_eq!((&told.people.bases, told.people.written.as_str()), (&vec!["ou=people,dc=x".to_owned()], "(objectClass=supannPerson)"));
        assert_eq!(told.groups.bases, told.people.bases);
        let several =
            Settings::parse(&json!({"base_dn": ["ou=a,dc=x", "ou=b,dc=x"], "scope": "one_level", "group_base_dn": "ou=g,dc=x"})).unwrap();
        assert_eq!((several.people.bases.len(), several.people.scope, several.groups.bases.len()), (2, Scope::OneLevel, 1));
    }

    #[test]
    fn what_does_not_fit_is_refused_by_its_key() {
        let refusal = |settings: Value| Settings::parse(&settings).unwrap_err().to_string();
        assert!(refusal(json!({"urls": ["ldap://x"]})).starts_with("urls: unknown; accepted are path, base_dn"));
        assert!(refusal(json!({"base_dn": "people"})).starts_with("base_dn: not a DN"));
        assert!(refusal(json!({"user_filter": "(a"})).starts_with("user_filter: not a filter"));
        assert!(refusal(json!({"path": "x.ldif"})).starts_with("path: "));
        assert!(refusal(json!({"scope": "one"})).starts_with("scope: accepted with `base_dn` only"));
    }
}
