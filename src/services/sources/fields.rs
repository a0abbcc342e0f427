//! What is wrong with the fields of a source, whatever its kind: each by its name. Asks no directory.

use super::SourceFields;
use crate::store::establishment::source::{Bound, Guard, SourceKind};
use crate::types::Invalid;
use crate::types::leaving::GRACE_DAYS_MAX;
use crate::types::nul;
use crate::types::schedule::Schedule;
use crate::types::wording;

/// Every field that does not fit.
pub(super) fn wrong_fields(fields: &SourceFields) -> Vec<Invalid> {
    let mut wrong = Vec::new();
    let name = fields.name.trim();
    wrong.extend(wording::wrong_name("name", "a source", name));
    if fields.kind == SourceKind::Scim {
        wrong.push(Invalid::new("kind", "this version takes no SCIM feeds: accepted are `ldap`, `csv`, `ldif`"));
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
