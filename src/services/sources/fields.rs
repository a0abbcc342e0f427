//! What is wrong with the fields of a source, whatever its kind: each by its name. Asks no directory.

use super::super::error::Error;
use super::super::scim_services::is_pulled;
use super::{NAME_LENGTH_MAX, SourceFields};
use crate::store::establishment::source::{Bound, Guard, Source, SourceKind};
use crate::types::Invalid;
use crate::types::leaving::GRACE_DAYS_MAX;
use crate::types::nul;
use crate::types::schedule::Schedule;

/// Every field that does not fit.
pub(super) fn wrong_fields(fields: &SourceFields) -> Vec<Invalid> {
    let mut wrong = Vec::new();
    let name = fields.name.trim();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if name.len() > NAME_LENGTH_MAX || !starts_well || !name.chars().all(fits) {
        let message =
            format!("a name has 1 to {NAME_LENGTH_MAX} lower-case letters, digits, `-`, `_` or `.`, and starts with a letter or digit");
        wrong.push(Invalid::new("name", message));
    }
    if fields.kind == SourceKind::Scim && !is_pulled(&fields.settings) {
        wrong.push(Invalid::new("kind", "this version takes no SCIM feeds: name in `settings.url` the service to read"));
    }
    if let Some(Err(more)) = fields.schedule.as_ref().map(Schedule::check) {
        wrong.extend(more);
    }
    wrong.extend(nul::refuse("settings", &fields.settings).err());
    wrong.extend(fields.matching.wrong());
    if !fields.settings.is_object() {
        wrong.push(Invalid::new("settings", "must be an object"));
    }
    if !(1..=GRACE_DAYS_MAX).contains(&fields.leaving.grace_days) {
        wrong.push(Invalid::new("leaving.grace_days", format!("1 to {GRACE_DAYS_MAX} days")));
    }
    let Guard { people, groups, memberships, shrink_percent } = fields.guard;
    let percents =
        [("people", people), ("groups", groups), ("memberships", memberships)].map(|(name, bound): (_, Bound)| (name, bound.max_percent));
    for (name, percent) in percents.into_iter().chain([("shrink", shrink_percent)]) {
        if !(0.0..=100.0).contains(&percent) {
            let field = if name == "shrink" { "guard.shrink_percent".to_owned() } else { format!("guard.{name}.max_percent") };
            wrong.push(Invalid::new(field, "a percentage from 0 to 100"));
        }
    }
    wrong
}

/// A source stays what it is, because whoever came from it is known by the keys of that kind.
///
/// # Errors
/// `Invalid` when its kind would change, or whether it is read or pushed to.
pub(super) fn stays_what_it_is(standing: &Source, fields: &SourceFields) -> Result<(), Error> {
    if standing.kind != fields.kind {
        return Err(Error::invalid("kind", "the kind of a source cannot change: add another source"));
    }
    if standing.kind == SourceKind::Scim && is_pulled(&standing.settings) != is_pulled(&fields.settings) {
        return Err(Error::invalid(
            "settings.url",
            "a source that is read stays so, and one that is pushed to as well: add another source",
        ));
    }
    Ok(())
}
