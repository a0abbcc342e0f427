//! Typed access to a JSON object whose errors name the key and what is accepted. Knows nothing of what the keys mean.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::settings::SettingsError;

/// A JSON object, and where it stands.
pub(crate) struct Fields<'a> {
    object: Option<&'a Map<String, Value>>,
    prefix: &'static str,
}

impl<'a> Fields<'a> {
    /// Takes an object that has no other keys than these.
    pub(crate) fn new(json: &'a Value, prefix: &'static str, keys: &[&str]) -> Result<Self, SettingsError> {
        let name = |key: &str| format!("{prefix}{key}");
        let Value::Object(object) = json else {
            let key = if prefix.is_empty() { "settings".to_owned() } else { prefix.trim_end_matches('.').to_owned() };
            return Err(SettingsError { key, reason: format!("accepted: an object with {}", keys.join(", ")) });
        };
        match object.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(secret) if ["bind_password", "token", "client_secret"].contains(&secret.as_str()) => {
                Err(SettingsError { key: name(secret), reason: "a secret is given apart from the settings".into() })
            }
            Some(unknown) => Err(SettingsError { key: name(unknown), reason: format!("unknown; accepted are {}", keys.join(", ")) }),
            None => Ok(Self { object: Some(object), prefix }),
        }
    }

    /// The same where the object may be absent.
    pub(crate) fn maybe(json: Option<&'a Value>, prefix: &'static str, keys: &[&str]) -> Result<Self, SettingsError> {
        json.map_or(Ok(Self { object: None, prefix }), |json| Self::new(json, prefix, keys))
    }

    /// A refusal of one key.
    pub(crate) fn refuse(&self, key: &str, reason: &str) -> SettingsError {
        let key = if key.contains('.') { key.to_owned() } else { format!("{}{key}", self.prefix) };
        SettingsError { key, reason: reason.to_owned() }
    }

    /// The raw value; `null` counts as absent.
    pub(crate) fn value(&self, key: &str) -> Option<&'a Value> {
        self.object.and_then(|object| object.get(key)).filter(|value| !value.is_null())
    }

    /// A text; empty counts as absent.
    pub(crate) fn text(&self, key: &str) -> Result<Option<String>, SettingsError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Some(_) => Err(self.refuse(key, "accepted: a text")),
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<String>, SettingsError> {
        let Some(value) = self.value(key) else { return Ok(Vec::new()) };
        let list = value.as_array().and_then(|list| list.iter().map(|item| item.as_str().map(|t| t.trim().to_owned())).collect());
        list.ok_or_else(|| self.refuse(key, "accepted: a list of texts"))
    }

    /// A text, or a list of them; nothing said is an empty list.
    pub(super) fn one_or_more(&self, key: &str) -> Result<Vec<String>, SettingsError> {
        match self.value(key) {
            Some(Value::Array(_)) => Ok(self.texts(key)?.into_iter().filter(|text| !text.is_empty()).collect()),
            _ => Ok(self.text(key).map_err(|_| self.refuse(key, "accepted: a text, or a list of texts"))?.into_iter().collect()),
        }
    }

    /// One of a closed set.
    pub(crate) fn choice<T: Copy>(&self, key: &str, names: &[(&str, T)]) -> Result<Option<T>, SettingsError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let found = names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        let accepted = || names.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        found.map(Some).ok_or_else(|| self.refuse(key, &format!("`{text}` is unknown; accepted are {}", accepted())))
    }

    /// A whole number within bounds.
    pub(crate) fn number<T>(&self, key: &str, bounds: &RangeInclusive<T>) -> Result<Option<T>, SettingsError>
    where
        T: TryFrom<u64> + PartialOrd + Display,
    {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| T::try_from(number).ok()).filter(|number| bounds.contains(number));
        let accepted = || format!("accepted: a whole number from {} to {}", bounds.start(), bounds.end());
        number.map(Some).ok_or_else(|| self.refuse(key, &accepted()))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::super::settings::{Profile, Referrals, Scope, Server, Settings, SignIn, TlsMode};
    use serde_json::{Value, json};

    fn refusal(settings: &Value) -> String {
        Settings::parse(settings).unwrap_err().to_string()
    }

    #[test]
    fn the_profile_fills_what_is_not_said() {
        let read =
            Settings::parse(&json!({"urls": ["ldaps://Ldap.Example.fr"], "base_dn": "dc=example,dc=fr", "profile": "supann"})).unwrap();
        assert_eq!((read.profile, read.server, read.sign_in, read.page_size), (Profile::Supann, Server::Auto, SignIn::Bind, 1000));
        assert_eq!((read.tls.mode, read.urls[0].host.as_str(), read.urls[0].port), (TlsMode::Ldaps, "ldap.example.fr", 636));
        assert_eq!((read.user_filter.as_str(), read.group_base_dns[0].as_str()), ("(objectClass=supannPerson)", "dc=example,dc=fr"));
        assert!(read.mapping.names().contains(&"eduPersonAffiliation".to_owned()));
    }

    #[test]
    fn own_declarations_stand_over_the_profiles() {
        let read = Settings::parse(&json!({
            "urls": ["ldap://[::1]:3389"], "base_dn": "dc=x",
            "mapping": {"username": "mail", "employeeType": "", "office": "roomNumber", "external_id": "employeeNumber"}
        }))
        .unwrap();
        assert_eq!((read.urls[0].host.as_str(), read.urls[0].port, read.tls.mode), ("::1", 3389, TlsMode::None));
        assert_eq!(read.mapping.username_attributes(), "mail");
        assert!(!read.mapping.names().contains(&"employeeType".to_owned()) && read.mapping.names().contains(&"roomNumber".to_owned()));
        assert_eq!(read.external_id.as_deref(), Some("employeeNumber"));
    }

    #[test]
    fn several_bases_and_what_says_that_an_account_is_closed_are_read() {
        let read = Settings::parse(&json!({
            "urls": ["ldaps://l.test"], "base_dn": ["ou=a,dc=x", "ou=b,dc=x"], "scope": "one_level", "referrals": "ignore",
            "account_state": ["loginDisabled", {"attribute": "endOfContract", "until": "date"}]
        }))
        .unwrap();
        assert_eq!((read.base_dns.len(), &read.group_base_dns), (2, &read.base_dns));
        assert_eq!((read.scope, read.group_scope, read.referrals), (Scope::OneLevel, Scope::Subtree, Referrals::Ignore));
        let names = read.mapping.names();
        assert!(names.contains(&"loginDisabled".to_owned()) && names.contains(&"endOfContract".to_owned()));
        assert!(!names.contains(&"nsAccountLock".to_owned()));
    }

    #[test]
    fn a_password_never_leaves_the_machine_in_clear_unless_told() {
        let mode =
            |tls: Value| Settings::parse(&json!({"urls": ["ldap://ldap.example.fr"], "base_dn": "dc=x", "tls": tls})).unwrap().tls.mode;
        assert_eq!(mode(Value::Null), TlsMode::StartTls);
        assert_eq!(mode(json!({"mode": "none"})), TlsMode::None);
    }

    #[test]
    fn a_wrong_setting_is_refused_by_its_key_with_what_is_accepted() {
        let with = |key: &str, value: Value| {
            let mut settings = json!({"urls": ["ldaps://l.test"], "base_dn": "dc=x"});
            settings[key] = value;
            refusal(&settings)
        };
        assert_eq!(with("page_size", json!(7)), "page_size: accepted: a whole number from 10 to 5000");
        assert_eq!(with("sign_in", json!("maybe")), "sign_in: `maybe` is unknown; accepted are `bind`, `none`");
        assert!(with("tls", json!({"mode": "starttls"})).starts_with("tls.mode: with `ldaps://` only"));
        assert!(with("tls", json!({"client_cert_file": "a"})).starts_with("tls.client_key_file: needed"));
        assert!(with("tls", json!({"cafile": "a"})).starts_with("tls.cafile: unknown; accepted are mode, ca_file"));
        assert!(with("basedn", json!("dc=x")).starts_with("basedn: unknown; accepted are urls"));
        assert!(with("bind_password", json!("x")).starts_with("bind_password: a secret"));
        assert!(with("base_dn", json!("people")).starts_with("base_dn: not a DN such as"));
        assert!(with("user_filter", json!("uid=a)(")).starts_with("user_filter: not a filter"));
        assert!(with("user_filter", json!("(!".repeat(99))).contains("nested deeper"));
        assert!(with("urls", json!([])).starts_with("urls: needed: 1 to 8"));
        assert!(with("urls", json!(["http://x"])).contains("`http` is not a scheme"));
        assert!(with("urls", json!(["ldap://x/dc=y"])).contains("more than a host and a port"));
        assert!(with("urls", json!("ldap://x")).starts_with("urls: accepted: a list"));
        assert!(with("mapping", json!({"email": "{mail"})).starts_with("mapping.email: `{` is not closed"));
        assert!(with("mapping", json!({"username": ""})).starts_with("mapping.username: needed"));
        assert!(with("base_dn", json!(["ou=a,dc=x", "OU=b, ou=a,dc=x"])).starts_with("base_dn: accepted: one DN, or at most 64"));
        assert!(with("base_dn", json!([])).starts_with("base_dn: needed"));
        assert!(with("group_base_dn", json!(7)).starts_with("group_base_dn: accepted: a text, or a list"));
        assert_eq!(with("scope", json!("base")), "scope: `base` is unknown; accepted are `subtree`, `one_level`");
        assert!(with("account_state", json!(["nothing"])).starts_with("account_state: what `nothing` means is not known"));
        assert!(refusal(&json!([])).starts_with("settings: accepted: an object"));
    }
}
