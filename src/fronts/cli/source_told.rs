//! What the command line tells of a source, for one that is added as for one that changes: what is told goes over what stands.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::config::variable;
use crate::services::error::Error;
use crate::services::scim_services;
use crate::store::establishment::source::{Guard, SourceKind};
use crate::types::leaving::{Afterwards, Leaving};
use crate::types::matching::Matching;
use crate::types::schedule::Schedule;

/// The environment variable that carries a bind password, so that it stands in no shell history.
const PASSWORD_VARIABLE: &str = "PASSERELLE_BIND_PASSWORD";
/// The same for the token of a SCIM service, or the secret of the client that asks for one.
const SCIM_SECRET_VARIABLE: &str = "PASSERELLE_SCIM_SECRET";

/// How the connection is protected.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Tls {
    /// TLS from the first byte.
    Ldaps,
    /// TLS after a plain start.
    Starttls,
    /// None.
    None,
}

/// What becomes of someone who is gone from a source, once they were kept for the days of grace.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Gone {
    /// Nothing: they stay disabled, with all they had.
    Keep,
    /// What tells who they were is wiped; the identifier stays.
    Anonymise,
    /// They are removed with all that hangs on them.
    Purge,
}

/// What is told of a source.
#[derive(Debug, Args)]
pub struct Told {
    /// Address of the directory, for instance ldaps://annuaire.exemple.fr; repeatable. Of a SCIM service, the address before /Users.
    #[arg(long = "url")]
    urls: Vec<String>,
    /// Whom to bind as.
    #[arg(long)]
    bind_dn: Option<String>,
    /// A file that holds the bind password.
    #[arg(long, value_name = "FILE")]
    bind_password_file: Option<PathBuf>,
    /// A file that holds the token of a SCIM service that is read (--url), or the secret of the client that asks for one.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Where a SCIM service's token is asked for, by client credentials.
    #[arg(long, value_name = "URL")]
    token_url: Option<String>,
    /// Which client asks for it.
    #[arg(long)]
    client_id: Option<String>,
    /// What for.
    #[arg(long)]
    scope: Option<String>,
    /// Where a SCIM service's groups have their members: in the list (listed), in each group (each), or not read (none).
    #[arg(long)]
    groups: Option<String>,
    /// Where people are; repeatable.
    #[arg(long)]
    base_dn: Vec<String>,
    /// Which entries are people.
    #[arg(long)]
    user_filter: Option<String>,
    /// Where groups are; the base when left out. Repeatable.
    #[arg(long)]
    group_base_dn: Vec<String>,
    /// Which entries are groups.
    #[arg(long)]
    group_filter: Option<String>,
    /// Ready mapping: inetorgperson, supann or active-directory.
    #[arg(long)]
    profile: Option<String>,
    /// How the connection is protected.
    #[arg(long)]
    tls: Option<Tls>,
    /// A file of certificates to trust instead of the system's.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
    /// Map a field, as FIELD=ATTRIBUTE; repeatable.
    #[arg(long = "map", value_name = "FIELD=ATTRIBUTE")]
    mapping: Vec<String>,
    /// On the platform: what gives each record its establishments, for instance supannEtablissement{UAI}.
    #[arg(long, value_name = "EXPR")]
    pub route: Option<String>,
    /// With --route: whether an establishment that is not there is only told (report), or made (create).
    #[arg(long, value_name = "WHAT")]
    unknown_establishments: Option<String>,
    /// Let people sign in with the directory's password (bind), or not (none).
    #[arg(long)]
    sign_in: Option<String>,
    /// A JSON file of settings; options win over it.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// When it runs by itself, as minute, hour, day, month and day of the week; `none` for never.
    #[arg(long, value_name = "CRON")]
    schedule: Option<String>,
    /// The time zone of its hours, for instance Europe/Paris.
    #[arg(long)]
    zone: Option<String>,
    /// When it is read whole, in the same form; once a day when left out.
    #[arg(long, value_name = "CRON")]
    full: Option<String>,
    /// Listen to it all the time, or not.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    live: Option<bool>,
    /// How often a live source that announces nothing is asked, in seconds.
    #[arg(long, value_name = "SECONDS")]
    poll: Option<u32>,
    /// Hours in which no complete reading begins by itself, as 08:00-18:00; repeatable.
    #[arg(long, value_name = "FROM-TO")]
    quiet: Vec<String>,
    /// What becomes of someone who is gone from it, once the days of grace are over; keep as delivered.
    #[arg(long, value_name = "WHAT")]
    leaving: Option<Gone>,
    /// For how many days someone who is gone is kept, disabled, with all they had; 180 as delivered.
    #[arg(long, value_name = "DAYS")]
    grace_days: Option<u32>,
    /// By what its people are known among those of other sources: a merge patch, or a file of one, for instance
    /// '{"anchor":{"username":"username"}}'.
    #[arg(long, value_name = "JSON|FILE")]
    matching: Option<String>,
    /// Fields of which its word goes before that of other sources, for instance email,active; '' for none.
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    authority: Option<Vec<String>>,
    /// Of two sources, the one of the lower number is heard first.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    priority: Option<i32>,
    /// Bounds on what may be taken away at once: a merge patch, or a file of one, for instance '{"people":{"max_count":50}}'.
    #[arg(long, value_name = "JSON|FILE")]
    guard: Option<String>,
}

impl Told {
    /// The settings, over those that stand: a file's first, then each option.
    pub fn settings(&self, kind: SourceKind, mut settings: Map<String, Value>) -> anyhow::Result<Value> {
        if let Some(path) = &self.settings {
            let raw = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            let file = serde_json::from_str::<Map<String, Value>>(&raw);
            settings.extend(file.with_context(|| format!("{} is not a JSON object", path.display()))?);
        }
        let texts = [
            ("bind_dn", &self.bind_dn),
            ("user_filter", &self.user_filter),
            ("group_filter", &self.group_filter),
            ("profile", &self.profile),
            ("sign_in", &self.sign_in),
            ("unknown_establishments", &self.unknown_establishments),
            ("token_url", &self.token_url),
            ("client_id", &self.client_id),
            ("scope", &self.scope),
            ("groups", &self.groups),
        ];
        settings.extend(texts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value.as_ref()?)))));
        for (key, bases) in [("base_dn", &self.base_dn), ("group_base_dn", &self.group_base_dn)] {
            match bases.as_slice() {
                [] => {}
                [base] => drop(settings.insert(key.to_owned(), json!(base))),
                several => drop(settings.insert(key.to_owned(), json!(several))),
            }
        }
        match self.urls.as_slice() {
            [] => {}
            [.., last] if kind == SourceKind::Scim => drop(settings.insert("url".to_owned(), json!(last))),
            several => drop(settings.insert("urls".to_owned(), json!(several))),
        }
        let mode = self.tls.map(|mode| match mode {
            Tls::Ldaps => "ldaps",
            Tls::Starttls => "starttls",
            Tls::None => "none",
        });
        let tls = [("mode", mode), ("ca_file", self.ca_file.as_deref())];
        put_over(&mut settings, "tls", tls.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))));
        let mapping = self.mapping.iter().map(|pair| {
            let (field, attribute) = pair.split_once('=').with_context(|| format!("--map {pair}: write it as FIELD=ATTRIBUTE"))?;
            Ok((field.to_owned(), attribute.to_owned()))
        });
        put_over(&mut settings, "mapping", mapping.collect::<anyhow::Result<Vec<_>>>()?.into_iter());
        let mut settings = Value::Object(settings);
        self.fits(kind, &settings)?;
        let (key, file, name) = match kind {
            // A feed that others push into calls nobody.
            SourceKind::Scim if !scim_services::is_pulled(&settings) => return Ok(settings),
            SourceKind::Scim => (scim_services::secret_key(&settings), &self.secret_file, SCIM_SECRET_VARIABLE),
            SourceKind::Ldap | SourceKind::Csv | SourceKind::Ldif => ("bind_password", &self.bind_password_file, PASSWORD_VARIABLE),
        };
        if let (Some(secret), Value::Object(keys)) = (secret(file.as_ref(), name)?, &mut settings) {
            keys.insert(key.to_owned(), json!(secret));
        }
        Ok(settings)
    }

    /// What says something that this source does not use is refused, rather than passed over.
    fn fits(&self, kind: SourceKind, settings: &Value) -> anyhow::Result<()> {
        let is_pushed = kind == SourceKind::Scim && !scim_services::is_pulled(settings);
        let of_services = [
            ("--secret-file", self.secret_file.is_some()),
            ("--token-url", self.token_url.is_some()),
            ("--client-id", self.client_id.is_some()),
            ("--scope", self.scope.is_some()),
            ("--groups", self.groups.is_some()),
        ];
        if let Some((option, _)) = of_services.into_iter().find(|(_, given)| *given && (is_pushed || kind != SourceKind::Scim)) {
            let told = if kind == SourceKind::Scim {
                "needs --url, the address of a SCIM service that is read; without it an identity provider pushes, with a token of `token create`"
            } else {
                "is of a SCIM service: say --kind scim and --url with it"
            };
            return Err(Error::invalid(option, told).into());
        }
        if self.bind_password_file.is_some() && kind != SourceKind::Ldap {
            return Err(Error::invalid("--bind-password-file", "is of a directory; a SCIM service's is --secret-file").into());
        }
        Ok(())
    }

    /// Bounds on what is taken away at once, over those that stand.
    pub fn guard(&self, standing: Guard) -> anyhow::Result<Guard> {
        self.guard.as_deref().map_or(Ok(standing), |given| over(&standing, "--guard", given))
    }

    /// How its people are found among those of others, over what stands.
    pub fn matching(&self, standing: Matching) -> anyhow::Result<Matching> {
        let mut matching = match &self.matching {
            Some(given) => over(&standing, "--matching", given)?,
            None => standing,
        };
        if let Some(fields) = &self.authority {
            matching.authority = fields.iter().map(|field| field.trim().to_owned()).filter(|field| !field.is_empty()).collect();
        }
        matching.priority = self.priority.unwrap_or(matching.priority);
        Ok(matching)
    }

    /// What becomes of people who are gone, over what stands.
    pub fn leaving(&self, standing: Leaving) -> Leaving {
        let then = self.leaving.map_or(standing.then, |told| match told {
            Gone::Keep => Afterwards::Keep,
            Gone::Anonymise => Afterwards::Anonymise,
            Gone::Purge => Afterwards::Purge,
        });
        Leaving { grace_days: self.grace_days.unwrap_or(standing.grace_days), then }
    }

    /// The schedule, over the one that stands.
    pub fn schedule(&self, standing: Option<Schedule>) -> anyhow::Result<Option<Schedule>> {
        if self.schedule.as_deref() == Some("none") {
            return Ok(None);
        }
        let quiet = self.quiet.iter().map(|window| {
            let (from, to) = window.split_once('-').with_context(|| format!("--quiet {window}: write it as FROM-TO"))?;
            Ok(json!({ "from": from, "to": to }))
        });
        let quiet = quiet.collect::<anyhow::Result<Vec<_>>>()?;
        let told = [
            ("cron", json!(self.schedule)),
            ("zone", json!(self.zone)),
            ("full", json!(self.full)),
            ("live", json!(self.live)),
            ("poll_s", json!(self.poll)),
            ("quiet", if quiet.is_empty() { Value::Null } else { Value::Array(quiet) }),
        ];
        let told: Map<String, Value> =
            told.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value)).collect();
        if told.is_empty() {
            return Ok(standing);
        }
        let mut fields = match standing {
            Some(standing) => serde_json::to_value(standing)?.as_object().cloned().unwrap_or_default(),
            None => Map::new(),
        };
        fields.extend(told);
        Ok(Some(serde_json::from_value(Value::Object(fields)).context("schedule")?))
    }
}

/// What is written on the command line or in a file, as a merge patch over what stands (RFC 7396).
fn over<T: Serialize + DeserializeOwned>(standing: &T, option: &str, given: &str) -> anyhow::Result<T> {
    let read = if given.trim_start().starts_with('{') {
        given.to_owned()
    } else {
        std::fs::read_to_string(given).with_context(|| format!("{option}: reading {given}"))?
    };
    super::patched(standing, &read).map_err(|wrong| Error::invalid(option, format!("{wrong:#}")).into())
}

/// What a file holds, or else a variable of the environment.
fn secret(file: Option<&PathBuf>, name: &str) -> anyhow::Result<Option<String>> {
    let Some(path) = file else { return Ok(variable(name)) };
    let read = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(Some(read.trim_end().to_owned()))
}

/// Puts fields over those that stand under a key; nothing when there are none.
fn put_over(settings: &mut Map<String, Value>, key: &str, fields: impl Iterator<Item = (String, String)>) {
    for (field, value) in fields {
        let under = settings.entry(key).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(under) = under else { return };
        under.insert(field, Value::String(value));
    }
}
