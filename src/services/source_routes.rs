//! What it takes that a source of the platform feeds establishments, and what may be changed of a source that one feeds. Reads no directory.

use connectors::Route;
use serde::Deserialize;
use serde_json::Value;

use super::context::Context;
use super::directories::{self, ROUTING_KEYS};
use super::error::Error;
use super::roles::{Case, Pattern};
use super::sources::SourceFields;
use crate::store::Tx;
use crate::store::establishment::source::{self, Source, SourceKind};
use crate::store::establishment::{link, routed_part};
use crate::types::Invalid;

/// Longest name that is given to new establishments, in characters.
const NAME_LENGTH_MAX: usize = 100;
/// What stands for the number in the name of a new establishment.
pub const UAI_MARK: &str = "{uai}";

/// What becomes of an establishment that records name and that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// It is told in the run.
    #[default]
    Report,
    /// One with a valid UAI is made.
    Create,
}

/// What a new establishment is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewOnes {
    /// Its name, in which `{uai}` is its number; just the number when left out.
    pub name: Option<String>,
    /// A zone of the operator's list.
    pub zone: Option<String>,
}

/// What the settings of a routed source say of establishments that are not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// What becomes of them.
    pub unknown: Unknown,
    /// What those that are made are.
    pub new: NewOnes,
}

impl Policy {
    /// Reads it from the settings of a source.
    ///
    /// # Errors
    /// The fields that do not fit.
    pub fn of(settings: &Value) -> Result<Self, Vec<Invalid>> {
        let mut wrong = Vec::new();
        let [unknown_key, new_key] = ROUTING_KEYS;
        let of = |key: &str| settings.get(key).filter(|value| !value.is_null()).cloned();
        let unknown = of(unknown_key).map_or(Ok(Unknown::default()), serde_json::from_value).unwrap_or_else(|_| {
            wrong.push(Invalid::new(format!("settings.{unknown_key}"), "accepted are `report` and `create`"));
            Unknown::default()
        });
        let new: NewOnes = of(new_key).map_or(Ok(NewOnes::default()), serde_json::from_value).unwrap_or_else(|_| {
            wrong.push(Invalid::new(format!("settings.{new_key}"), "accepted: an object with name, zone"));
            NewOnes::default()
        });
        if new.name.as_deref().is_some_and(|name| name.trim().is_empty() || name.chars().count() > NAME_LENGTH_MAX) {
            wrong.push(Invalid::new(format!("settings.{new_key}.name"), format!("has 1 to {NAME_LENGTH_MAX} characters")));
        }
        if wrong.is_empty() { Ok(Self { unknown, new }) } else { Err(wrong) }
    }
}

/// What is wrong with the fields of a source as far as its ways to establishments are concerned.
pub(in crate::services) fn wrong_fields(ctx: &Context, standing: &Source, fields: &SourceFields) -> Vec<Invalid> {
    let mut wrong = Vec::new();
    if standing.routed_from.is_some() {
        wrong.extend(kept_by_platform(fields));
        return wrong;
    }
    let keys = || ROUTING_KEYS.iter().filter(|key| fields.settings.get(**key).is_some());
    match &fields.route {
        Some(_) if !ctx.is_platform() => {
            wrong.push(Invalid::new("route", "only a source of the platform feeds several establishments: leave it null here"));
        }
        Some(_) if fields.kind != SourceKind::Ldap => wrong.push(Invalid::new("route", "only a directory feeds several establishments")),
        Some(route) => {
            if fields.schedule.as_ref().is_some_and(|schedule| schedule.live) {
                wrong.push(Invalid::new("schedule.live", "a source that feeds establishments is read whole: say when with `cron`"));
            }
            wrong.extend(group_pattern(route).err());
            wrong.extend(Policy::of(&fields.settings).err().into_iter().flatten());
        }
        None => wrong.extend(keys().map(|key| Invalid::new(format!("settings.{key}"), "only with `route`, on the platform"))),
    }
    wrong
}

/// What is the platform's, and cannot be said in an establishment.
fn kept_by_platform(fields: &SourceFields) -> Vec<Invalid> {
    let said = [
        ("settings", fields.settings.as_object().is_none_or(|keys| !keys.is_empty())),
        ("schedule", fields.schedule.is_some()),
        ("route", fields.route.is_some()),
    ];
    let message = "the platform's source that feeds this one has it: ask an operator";
    said.into_iter().filter(|(_, said)| *said).map(|(field, _)| Invalid::new(field, message)).collect()
}

/// The pattern that groups' names are looked at with, when an expression has one.
///
/// # Errors
/// The expression or its pattern cannot be read.
pub(in crate::services) fn group_pattern(route: &str) -> Result<Option<Pattern>, Invalid> {
    let route = Route::parse(route).map_err(|reason| Invalid::new("route", reason))?;
    route.group_pattern().map(|pattern| Pattern::compile("route", pattern, Case::Ignored)).transpose()
}

/// Whether a source may begin or cease to feed establishments.
///
/// # Errors
/// `Conflict` when people of the platform, or establishments, would be left behind.
pub(in crate::services) async fn may_change_in(tx: &mut Tx, standing: &Source, fields: &SourceFields) -> Result<(), Error> {
    match (&standing.route, &fields.route) {
        (None, Some(_)) if link::count_of_source(tx, standing.id).await? > 0 => Err(Error::Conflict(
            "people of the platform came from this source: add another source that feeds establishments, and leave this one".to_owned(),
        )),
        (Some(_), None) => feeds_nobody_in(tx, standing).await,
        _ => Ok(()),
    }
}

/// Whether a source may be removed, as far as the platform is concerned.
///
/// # Errors
/// `Conflict` while it is enabled and feeds establishments, or is fed itself: the next reading would bring it back.
pub(in crate::services) async fn may_go(ctx: &Context, name: &str) -> Result<(), Error> {
    let mut tx = ctx.store.read().await?;
    let Some(standing) = source::find_by_name(&mut tx, name).await? else { return Ok(()) };
    if standing.enabled {
        feeds_nobody_in(&mut tx, &standing).await?;
    }
    drop(tx);
    if directories::origin(ctx, &standing).await?.is_some_and(|origin| standing.routed_from.is_some() && origin.source.enabled) {
        return Err(Error::Conflict(
            "the platform's source feeds this one, and would bring it back: disable it (`enabled`: false)".to_owned(),
        ));
    }
    Ok(())
}

async fn feeds_nobody_in(tx: &mut Tx, standing: &Source) -> Result<(), Error> {
    let fed = routed_part::list(tx, standing.id).await?.len();
    if fed > 0 {
        return Err(Error::Conflict(format!(
            "{fed} establishments are fed from this source: disable it first (`enabled`: false), and they stay as they are"
        )));
    }
    Ok(())
}

/// Whether a source has settings of its own.
///
/// # Errors
/// `Conflict` when the platform's source that feeds it has them.
pub(in crate::services) fn has_settings(source: &Source) -> Result<(), Error> {
    if source.routed_from.is_some() {
        return Err(Error::Conflict("the platform's source feeds this one, and is tried there: ask an operator".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_is_read_from_settings_or_refused_by_its_key() {
        assert_eq!(Policy::of(&json!({ "urls": [] })).unwrap(), Policy::default());
        let made = Policy::of(&json!({ "unknown_establishments": "create", "new_establishments": { "zone": "bocage" } })).unwrap();
        assert_eq!((made.unknown, made.new.zone.as_deref()), (Unknown::Create, Some("bocage")));
        let refused = Policy::of(&json!({ "unknown_establishments": "make", "new_establishments": { "name": "" } })).unwrap_err();
        let fields: Vec<&str> = refused.iter().map(|wrong| wrong.field.as_ref()).collect();
        assert_eq!(fields, ["settings.unknown_establishments", "settings.new_establishments.name"]);
    }

    #[test]
    fn a_pattern_of_groups_is_checked_with_the_expression() {
        assert!(group_pattern("supannEtablissement{UAI}").unwrap().is_none());
        assert!(group_pattern("group:(?<uai>[0-9]{7}[A-Z])_.*").unwrap().is_some());
        assert!(group_pattern("group:(?<uai>[0-9").unwrap_err().message.contains("is not a pattern"));
    }
}
