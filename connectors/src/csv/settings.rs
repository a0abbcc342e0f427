//! A spreadsheet source's settings: read from JSON, completed by the profile, validated whole. Opens no file.

use std::path::PathBuf;

use serde_json::Value;

use super::expression::{self, Expression};
use super::profile::Profile;
use super::table::DELIMITERS;
use super::text::Encoding;
use crate::fold;
use crate::ldap::SettingsError;
use crate::ldap::fields::Fields;
use crate::mapping::FIELDS_MAX;

/// Most columns whose values become groups.
const GROUPS_MAX: usize = 16;
/// Most lines above the rows.
const HEADER_LINES_MAX: u64 = 100;
/// Most values that say whether an account is open.
const ACTIVE_VALUES_MAX: usize = 50;

const KEYS: [&str; 9] = ["path", "delimiter", "encoding", "header_lines", "profile", "mapping", "key", "groups", "active"];
const GROUP_KEYS: [&str; 3] = ["column", "name", "separator"];
const ACTIVE_KEYS: [&str; 3] = ["column", "values", "closed_values"];

/// One spreadsheet source, validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A file of the gateway's machine, read at each run; the file given last when absent.
    pub path: Option<PathBuf>,
    /// What stands between cells; found when absent.
    pub(super) delimiter: Option<u8>,
    /// How characters are written; found when absent.
    pub(super) encoding: Option<Encoding>,
    /// Lines above the rows; the last of them holds the titles. With none, columns have numbers.
    pub(super) header_lines: u64,
    /// What each field is made of.
    pub(super) fields: Vec<Field>,
    /// The columns that make the key: the first alternative whose columns are all there.
    pub(super) keys: Vec<Vec<String>>,
    /// Columns whose values become groups.
    pub(super) groups: Vec<Grouping>,
    /// What says that an account is open.
    pub(super) active: Option<Active>,
}

/// One field of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) expression: Expression,
    /// Whether the file must have it: it was declared, not only offered by the profile.
    pub(super) declared: bool,
}

/// A column whose values become groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grouping {
    /// What makes its groups' keys: the first name of the column.
    pub(super) kind: String,
    /// The names the column may have.
    pub(super) columns: Vec<String>,
    /// The group's name, with `{value}`.
    pub(super) name: String,
    /// What stands between several values of one cell.
    pub(super) separator: Option<String>,
    /// Whether the file must have it.
    pub(super) declared: bool,
}

/// What says that an account is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Active {
    pub(super) columns: Vec<String>,
    /// Folded.
    pub(super) values: Vec<String>,
    /// Whether `values` are those of closed accounts.
    pub(super) closed: bool,
}

impl Settings {
    /// Reads and validates the `settings` of a source.
    ///
    /// # Errors
    /// [`SettingsError`] naming the key and the accepted values.
    pub fn parse(json: &Value) -> Result<Self, SettingsError> {
        let said = Fields::new(json, "", &KEYS)?;
        let profile = said.choice("profile", &Profile::NAMES)?.unwrap_or(Profile::Generic);
        let delimiters: Vec<(&str, Option<u8>)> =
            [("auto", None), (";", Some(b';')), (",", Some(b',')), ("|", Some(b'|')), ("tab", Some(b'\t'))].into();
        debug_assert_eq!(delimiters.len(), DELIMITERS.len() + 1);
        let keys = match said.text("key")? {
            Some(text) => key(&text).map_err(|reason| said.refuse("key", &reason))?,
            None => profile.keys().iter().map(|parts| parts.iter().map(|part| (*part).to_owned()).collect()).collect(),
        };
        if keys.is_empty() {
            let message =
                "needed: the column whose value never changes for one person, or several joined by `+`, for instance `Nom+Prénom+Né le`";
            return Err(said.refuse("key", message));
        }
        Ok(Self {
            path: said.text("path")?.map(|path| absolute(&said, path)).transpose()?,
            delimiter: said.choice("delimiter", &delimiters)?.flatten(),
            encoding: said.choice("encoding", &Encoding::NAMES)?.flatten(),
            header_lines: said.number("header_lines", &(0..=HEADER_LINES_MAX))?.unwrap_or(1),
            fields: fields(profile, said.value("mapping"))?,
            keys,
            groups: groups(profile, &said)?,
            active: said.value("active").map(active).transpose()?,
        })
    }

    /// Whether login names may have to be built: then the names given before have to be known.
    pub fn builds_logins(&self) -> bool {
        self.fields.iter().any(|field| field.name == "username" && field.expression.is_template())
    }
}

/// A path is looked at from wherever the gateway was started, so it has to say where it begins.
pub(crate) fn absolute(said: &Fields<'_>, path: String) -> Result<PathBuf, SettingsError> {
    let path = PathBuf::from(path);
    if path.is_absolute() { Ok(path) } else { Err(said.refuse("path", "accepted: a path from the root of the gateway's machine")) }
}

/// `A+B|C`: alternatives of columns.
fn key(text: &str) -> Result<Vec<Vec<String>>, String> {
    let column = |part: &str| expression::column(part).ok_or_else(|| format!("`{part}` names no column"));
    text.split('|').map(|parts| parts.split('+').map(column).collect()).collect()
}

fn fields(profile: Profile, own: Option<&Value>) -> Result<Vec<Field>, SettingsError> {
    let refuse = |key: &str, reason: String| SettingsError { key: key.to_owned(), reason };
    let empty = serde_json::Map::new();
    let own = match own {
        None => &empty,
        Some(Value::Object(own)) if own.len() <= FIELDS_MAX => own,
        Some(_) => {
            return Err(refuse("mapping", format!("accepted: an object of at most {FIELDS_MAX} fields, each with a column or a template")));
        }
    };
    let mut declared: Vec<(String, String, bool)> = Vec::new();
    for (name, value) in own {
        let Some(text) = value.as_str() else {
            return Err(refuse(&format!("mapping.{name}"), "accepted: a column or a template".to_owned()));
        };
        if name == "external_id" {
            return Err(refuse("mapping.external_id", "the key of a spreadsheet is said in `key`".to_owned()));
        }
        // An empty one takes the profile's away.
        if !text.trim().is_empty() {
            declared.push((name.clone(), text.trim().to_owned(), true));
        }
    }
    for (name, text) in profile.mapping().iter().filter(|(name, _)| !own.contains_key(*name)) {
        declared.push(((*name).to_owned(), (*text).to_owned(), false));
    }
    if !declared.iter().any(|(name, ..)| name == "username") {
        return Err(refuse("mapping.username", "needed: the column of the login name, or a template such as `{Prénom}.{Nom}`".to_owned()));
    }
    let compile = |(name, text, declared): (String, String, bool)| {
        let expression = Expression::compile(&name, &text).map_err(|reason| refuse(&format!("mapping.{name}"), reason))?;
        Ok(Field { name, expression, declared })
    };
    declared.into_iter().map(compile).collect()
}

fn groups(profile: Profile, said: &Fields<'_>) -> Result<Vec<Grouping>, SettingsError> {
    let Some(value) = said.value("groups") else {
        let offered = profile.groups().iter().map(|(columns, separator)| Grouping {
            kind: columns.first().map(|name| (*name).to_owned()).unwrap_or_default(),
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            name: "{value}".to_owned(),
            separator: separator.map(str::to_owned),
            declared: false,
        });
        return Ok(offered.collect());
    };
    let list = value.as_array().filter(|list| list.len() <= GROUPS_MAX);
    let list =
        list.ok_or_else(|| said.refuse("groups", &format!("accepted: a list of at most {GROUPS_MAX} columns: {{\"column\": …}}")))?;
    list.iter().map(grouping).collect()
}

fn grouping(value: &Value) -> Result<Grouping, SettingsError> {
    let said = Fields::new(value, "groups.", &GROUP_KEYS)?;
    let columns = columns(&said)?;
    let name = said.text("name")?.unwrap_or_else(|| "{value}".to_owned());
    if !name.contains("{value}") {
        return Err(said.refuse("name", "accepted: a text with `{value}`, for instance `Classe {value}`"));
    }
    Ok(Grouping { kind: columns.first().cloned().unwrap_or_default(), columns, name, separator: said.text("separator")?, declared: true })
}

fn active(value: &Value) -> Result<Active, SettingsError> {
    let said = Fields::new(value, "active.", &ACTIVE_KEYS)?;
    let columns = columns(&said)?;
    let (open, closed) = (said.texts("values")?, said.texts("closed_values")?);
    let (values, closed) = match (open.is_empty(), closed.is_empty()) {
        (false, true) => (open, false),
        (true, false) => (closed, true),
        _ => return Err(said.refuse("values", "needed: either `values` of open accounts or `closed_values` of closed ones")),
    };
    if values.len() > ACTIVE_VALUES_MAX {
        return Err(said.refuse("values", &format!("accepted: at most {ACTIVE_VALUES_MAX}")));
    }
    Ok(Active { columns, values: values.iter().map(|value| fold::plain(value.trim())).collect(), closed })
}

/// The names a column may have, separated by `|`.
fn columns(said: &Fields<'_>) -> Result<Vec<String>, SettingsError> {
    let text = said.text("column")?.ok_or_else(|| said.refuse("column", "needed: the title of a column, or its number"))?;
    let names: Option<Vec<String>> = text.split('|').map(expression::column).collect();
    names.ok_or_else(|| said.refuse("column", &format!("`{text}` names no column")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::Settings;
    use serde_json::{Value, json};

    fn refusal(settings: &Value) -> String {
        Settings::parse(settings).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_setting_is_refused_by_its_key_with_what_is_accepted() {
        let with = |key: &str, value: Value| {
            let mut settings = json!({"key": "n", "mapping": {"username": "login"}});
            settings[key] = value;
            refusal(&settings)
        };
        assert!(with("delimiter", json!(":")).starts_with("delimiter: `:` is unknown; accepted are `auto`, `;`"));
        assert!(with("encoding", json!("latin1")).starts_with("encoding: `latin1` is unknown"));
        assert!(with("header_lines", json!(1000)).starts_with("header_lines: accepted: a whole number"));
        assert!(with("profile", json!("x")).contains("`sacoche-pupils`"));
        assert!(with("key", json!("")).starts_with("key: needed"));
        assert!(with("key", json!("n+-")).starts_with("key: `-` names no column"));
        assert!(with("mapping", json!({})).starts_with("mapping.username: needed"));
        assert!(with("mapping", json!({"username": "{a"})).starts_with("mapping.username: `{` is not closed"));
        assert!(with("mapping", json!({"username": "a", "external_id": "b"})).starts_with("mapping.external_id"));
        assert!(with("groups", json!([{"column": "c", "name": "x"}])).starts_with("groups.name: accepted: a text with `{value}`"));
        assert!(with("groups", json!([{}])).starts_with("groups.column: needed"));
        assert!(with("active", json!({"column": "c"})).starts_with("active.values: needed"));
        assert!(with("path", json!("pupils.csv")).starts_with("path: accepted: a path from the root"));
        assert!(with("urls", json!([])).starts_with("urls: unknown"));
    }

    #[test]
    fn a_profile_alone_is_enough_and_what_is_said_stands_over_it() {
        let ready = Settings::parse(&json!({"profile": "sacoche-pupils"})).unwrap();
        assert!(ready.builds_logins() && ready.keys.len() > 1 && ready.groups.len() == 2);
        let own =
            Settings::parse(&json!({"profile": "sacoche-pupils", "mapping": {"username": "Login", "email": ""}, "groups": []})).unwrap();
        assert!(!own.builds_logins() && own.groups.is_empty() && own.fields.iter().all(|field| field.name != "email"));
    }
}
