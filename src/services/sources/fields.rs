//! What is wrong with the fields of a source, whatever its kind: each by its name. Asks no directory.

use connectors::scim::FeedMapping;

use super::super::error::Error;
use super::super::scim_services::is_pulled;
use super::SourceFields;
use crate::store::establishment::source::{Bound, Guard, Source, SourceKind};
use crate::types::Invalid;
use crate::types::leaving::GRACE_DAYS_MAX;
use crate::types::nul;
use crate::types::schedule::Schedule;
use crate::types::wording;

/// What does not fit a feed that is pushed into: there is nothing to read, and so nothing to read by.
fn wrong_feed(fields: &SourceFields) -> Vec<Invalid> {
    let mut wrong = Vec::new();
    if fields.settings.as_object().is_some_and(|settings| settings.keys().any(|key| key != "mapping")) {
        wrong.push(Invalid::new(
            "settings",
            "a feed that pushes has a `mapping` alone: leave the rest out, or give the `url` of a service to read",
        ));
    }
    if let Err(refused) = FeedMapping::parse(&fields.settings) {
        wrong.push(Invalid::new(format!("settings.{}", refused.key), refused.reason));
    }
    if fields.schedule.is_some() {
        wrong.push(Invalid::new("schedule", "a feed pushes when it likes: leave it out"));
    }
    if fields.route.is_some() {
        wrong.push(Invalid::new("route", "a feed pushes into its establishment alone: leave it out"));
    }
    wrong
}

/// Every field that does not fit.
pub(super) fn wrong_fields(fields: &SourceFields) -> Vec<Invalid> {
    let mut wrong = Vec::new();
    let name = fields.name.trim();
    wrong.extend(wording::wrong_name("name", "a source", name));
    if fields.kind == SourceKind::Scim && !is_pulled(&fields.settings) {
        wrong.extend(wrong_feed(fields));
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
