//! A SCIM source's settings: read from JSON, completed by the usual mapping, validated whole. Opens no file and no socket.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::address::Address;
use super::path::Path;
use crate::ldap::fields::Fields;
use crate::ldap::{Limits, SettingsError, Tls, TlsMode};
use crate::mapping::Mapping;

/// Resources asked for at once when nothing is said: what identity providers ask for.
pub const PAGE_SIZE_DEFAULT: u16 = 100;
/// The bounds of `page_size`.
pub const PAGE_SIZES: std::ops::RangeInclusive<u16> = 10..=5000;
/// The bounds of `page_pause_ms`.
pub const PAGE_PAUSES_MS: std::ops::RangeInclusive<u16> = 0..=10_000;
/// The longest filter, in bytes.
pub const FILTER_BYTES_MAX: usize = 4096;
/// How long a service may think before it answers.
const ANSWER: Duration = Duration::from_mins(1);

const KEYS: [&str; 13] = [
    "url",
    "token_url",
    "client_id",
    "scope",
    "token_endpoint_auth_method",
    "tls",
    "user_filter",
    "group_filter",
    "groups",
    "paging",
    "mapping",
    "page_size",
    "page_pause_ms",
];
const TLS_KEYS: [&str; 3] = ["ca_file", "client_cert_file", "client_key_file"];
/// Field → path, where the source says nothing (RFC 7643 §4.1 and §4.3).
const MAPPING: [(&str, &str); 17] = [
    ("username", "userName"),
    ("given_name", "name.givenName"),
    ("family_name", "name.familyName"),
    ("display_name", "displayName|name.formatted|{name.givenName} {name.familyName}"),
    ("email", "emails[primary eq true].value|emails[type eq \"work\"].value|emails"),
    ("locale", "preferredLanguage|locale"),
    ("home_unit", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"),
    ("units", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"),
    ("externalId", "externalId"),
    ("title", "title"),
    ("userType", "userType"),
    ("employeeNumber", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber"),
    ("costCenter", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter"),
    ("organization", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization"),
    ("division", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division"),
    ("roles", "roles"),
    ("entitlements", "entitlements"),
];

/// One SCIM source, validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The service: the address before `/Users`.
    pub address: Address,
    /// How a token is come by; a token that was given, or none at all, when absent.
    pub grant: Option<Grant>,
    /// Which authorities are trusted, and which certificate is shown.
    pub tls: Tls,
    /// Which users are people (RFC 7644 §3.4.2.2); all of them when absent.
    pub user_filter: Option<String>,
    /// Which groups are read.
    pub group_filter: Option<String>,
    /// Where members of groups are read.
    pub groups: Groups,
    /// How pages follow one another.
    pub paging: Paging,
    /// Field → path, the usual ones included.
    pub mapping: Mapping,
    /// The mapping's paths, in the order of its names.
    pub(super) paths: Vec<Path>,
    /// Resources asked for at once.
    pub page_size: u16,
    /// Pause between two requests, to spare a service that is busy.
    pub page_pause: Duration,
    /// Deadlines and bounds; not part of the JSON.
    pub limits: Limits,
}

/// A token by client credentials (RFC 6749 §4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The token endpoint.
    pub address: Address,
    /// Who asks.
    pub client_id: String,
    /// What for.
    pub scope: Option<String>,
    /// How the secret is given.
    pub method: Method,
}

/// How a client gives its secret (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// In the `Authorization` header.
    Basic,
    /// In the form.
    Post,
}

/// Where members of groups are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    /// In the list of groups.
    Listed,
    /// In each group, one request each.
    Each,
    /// Nowhere: groups are not read.
    None,
}

/// How pages follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// By cursor when the service announces it, by index otherwise.
    Auto,
    /// By index (RFC 7644 §3.4.2.4).
    Index,
    /// By cursor (RFC 9865).
    Cursor,
}

impl Settings {
    /// Reads and validates the `settings` of a source; its secret is handed over apart.
    ///
    /// # Errors
    /// [`SettingsError`] naming the key and the accepted values.
    pub fn parse(json: &Value) -> Result<Self, SettingsError> {
        const GROUPS: [(&str, Groups); 3] = [("listed", Groups::Listed), ("each", Groups::Each), ("none", Groups::None)];
        const PAGINGS: [(&str, Paging); 3] = [("auto", Paging::Auto), ("index", Paging::Index), ("cursor", Paging::Cursor)];
        let fields = Fields::new(json, "", &KEYS)?;
        let url = fields
            .text("url")?
            .ok_or_else(|| fields.refuse("url", "needed: the address before `/Users`, for instance `https://idp.example.fr/scim/v2`"))?;
        let address = Address::parse(&url).map_err(|reason| fields.refuse("url", &reason))?;
        let tls = Fields::maybe(fields.value("tls"), "tls.", &TLS_KEYS)?;
        let mode = if address.secure { TlsMode::Ldaps } else { TlsMode::None };
        let mapping = mapping(fields.value("mapping"))?;
        let paths = mapping.names().iter().filter_map(|name| Path::parse(name)).collect();
        Ok(Self {
            grant: grant(&fields)?,
            tls: Tls { mode, ca_file: tls.text("ca_file")?.map(PathBuf::from), client: crate::ldap::client_files(&tls)? },
            user_filter: filter(&fields, "user_filter")?,
            group_filter: filter(&fields, "group_filter")?,
            groups: fields.choice("groups", &GROUPS)?.unwrap_or(Groups::Listed),
            paging: fields.choice("paging", &PAGINGS)?.unwrap_or(Paging::Auto),
            mapping,
            paths,
            page_size: fields.number("page_size", &PAGE_SIZES)?.unwrap_or(PAGE_SIZE_DEFAULT),
            page_pause: Duration::from_millis(fields.number("page_pause_ms", &PAGE_PAUSES_MS)?.unwrap_or_default().into()),
            limits: Limits { answer: ANSWER, ..Limits::default() },
            address,
        })
    }
}

fn grant(fields: &Fields<'_>) -> Result<Option<Grant>, SettingsError> {
    const METHODS: [(&str, Method); 2] = [("client_secret_basic", Method::Basic), ("client_secret_post", Method::Post)];
    let (url, client_id, scope) = (fields.text("token_url")?, fields.text("client_id")?, fields.text("scope")?);
    let method = fields.choice("token_endpoint_auth_method", &METHODS)?;
    let (url, client_id) = match (url, client_id) {
        (Some(url), Some(client_id)) => (url, client_id),
        (Some(_), None) => return Err(fields.refuse("client_id", "needed with `token_url`")),
        (None, Some(_)) => return Err(fields.refuse("token_url", "needed with `client_id`")),
        (None, None) if scope.is_some() => return Err(fields.refuse("scope", "only with `token_url`")),
        (None, None) if method.is_some() => return Err(fields.refuse("token_endpoint_auth_method", "only with `token_url`")),
        (None, None) => return Ok(None),
    };
    let address = Address::parse(&url).map_err(|reason| fields.refuse("token_url", &reason))?;
    Ok(Some(Grant { address, client_id, scope, method: method.unwrap_or(Method::Basic) }))
}

fn filter(fields: &Fields<'_>, key: &str) -> Result<Option<String>, SettingsError> {
    let text = fields.text(key)?;
    match text {
        Some(text) if text.len() > FILTER_BYTES_MAX || text.chars().any(char::is_control) => {
            Err(fields.refuse(key, &format!("accepted: a filter such as `userType eq \"teacher\"` of at most {FILTER_BYTES_MAX} bytes")))
        }
        text => Ok(text),
    }
}

/// The usual declarations with the source's own over them; an empty text takes one of them away.
fn mapping(said: Option<&Value>) -> Result<Mapping, SettingsError> {
    let mut all: BTreeMap<String, String> = MAPPING.iter().map(|(field, path)| ((*field).to_owned(), (*path).to_owned())).collect();
    all.extend(said.map(declared).transpose()?.unwrap_or_default());
    all.retain(|_, path| !path.is_empty());
    Mapping::compile_paths(&all).map_err(|error| refuse(&format!("mapping.{}", error.field), &error.reason))
}

/// What a source declares itself, regular; an empty text is a declaration too.
pub(super) fn declared(said: &Value) -> Result<BTreeMap<String, String>, SettingsError> {
    let Value::Object(own) = said else { return Err(refuse("mapping", "accepted: {field: path or template}")) };
    let mut declared = BTreeMap::new();
    for (field, value) in own {
        let Value::String(text) = value else {
            return Err(refuse(&format!("mapping.{field}"), "accepted: a path or a template, as text"));
        };
        if field == "external_id" {
            return Err(refuse("mapping.external_id", "the key of a SCIM resource is its `id`, which never changes: leave it out"));
        }
        declared.insert(field.clone(), text.trim().to_owned());
    }
    Ok(declared)
}

fn refuse(key: &str, reason: &str) -> SettingsError {
    SettingsError { key: key.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::{Groups, Method, Paging, Settings};
    use serde_json::{Value, json};

    #[test]
    fn an_address_alone_is_enough() {
        let read = Settings::parse(&json!({"url": "https://IdP.example.fr/scim/v2/"})).unwrap();
        assert_eq!((read.address.path.as_str(), read.address.authority().as_str()), ("/scim/v2", "idp.example.fr"));
        assert_eq!((read.groups, read.paging, read.page_size, read.grant.is_none()), (Groups::Listed, Paging::Auto, 100, true));
        assert_eq!(read.paths.len(), read.mapping.names().len());
        let here = Settings::parse(&json!({"url": "http://[::1]:8080/scim"})).unwrap();
        assert_eq!(here.address.authority(), "[::1]:8080");
    }

    #[test]
    fn client_credentials_and_own_paths_are_read() {
        let read = Settings::parse(&json!({
            "url": "https://a.test/v2", "token_url": "https://b.test/token", "client_id": "c", "scope": "scim.read",
            "token_endpoint_auth_method": "client_secret_post", "groups": "each", "paging": "cursor",
            "mapping": {"username": "emails[type eq \"work\"].value|userName", "office": "urn:x:y:office", "roles": ""}
        }))
        .unwrap();
        let grant = read.grant.unwrap();
        assert_eq!((grant.client_id.as_str(), grant.scope.as_deref(), grant.method), ("c", Some("scim.read"), Method::Post));
        assert!(read.mapping.names().contains(&"urn:x:y:office".to_owned()) && !read.mapping.names().contains(&"roles".to_owned()));
    }

    #[test]
    fn a_wrong_setting_is_refused_by_its_key_with_what_is_accepted() {
        let with = |key: &str, value: Value| {
            let mut settings = json!({"url": "https://a.test/v2"});
            settings[key] = value;
            Settings::parse(&settings).unwrap_err().to_string()
        };
        assert!(with("url", Value::Null).starts_with("url: needed"));
        assert!(with("url", json!("http://a.test/v2")).starts_with("url: use `https://`"));
        assert!(with("url", json!("ldap://a.test")).contains("`ldap` is not a scheme"));
        assert!(with("url", json!("https://u:p@a.test")).contains("more than a host"));
        assert!(with("url", json!("https://a.test/v2?x=1")).contains("more than a host"));
        assert!(with("token", json!("x")).starts_with("token: a secret is given apart"));
        assert!(with("client_secret", json!("x")).starts_with("client_secret: a secret is given apart"));
        assert!(with("urls", json!([])).starts_with("urls: unknown; accepted are url, token_url"));
        assert!(with("client_id", json!("c")).starts_with("token_url: needed"));
        assert!(with("token_url", json!("https://b.test/t")).starts_with("client_id: needed"));
        assert!(with("scope", json!("s")).starts_with("scope: only with `token_url`"));
        assert!(with("page_size", json!(7)).starts_with("page_size: accepted: a whole number from 10 to 5000"));
        assert!(with("groups", json!("some")).contains("accepted are `listed`, `each`, `none`"));
        assert!(with("mapping", json!({"email": "emails[type"})).contains("attribute.part"));
        assert!(with("mapping", json!({"external_id": "externalId"})).starts_with("mapping.external_id: the key"));
        assert!(with("mapping", json!({"username": ""})).starts_with("mapping.username: needed"));
        assert!(with("user_filter", json!("a".repeat(5000))).starts_with("user_filter: accepted"));
        assert!(with("tls", json!({"mode": "none"})).starts_with("tls.mode: unknown"));
    }
}
