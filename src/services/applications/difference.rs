//! How a catalogue differs from another edition of it, and which edition is newer. Pure.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::fields::ApplicationFields;
use crate::store::establishment::application::{Level, Role};

/// One thing that changes beside roles that come and go and their privileges.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FieldChange {
    /// Where: `policy.version`, `roles.Ens.scope`, `services.permits`.
    pub field: String,
    /// What stands.
    #[schema(value_type = Object)]
    pub before: Value,
    /// What would stand.
    #[schema(value_type = Object)]
    pub after: Value,
}

/// One privilege of a role that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PrivilegeChange {
    /// The role.
    pub role: String,
    /// The privilege.
    pub privilege: String,
    /// How far the role has it.
    pub before: Level,
    /// How far it would.
    pub after: Level,
}

/// How another edition differs from what stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct CatalogueDifference {
    /// Roles that come.
    pub roles_added: Vec<String>,
    /// Roles that go.
    pub roles_removed: Vec<String>,
    /// The roles in their new order, when those that stay change places.
    pub order: Option<Vec<String>>,
    /// Privileges that roles gain, lose, or have to another extent.
    pub privileges: Vec<PrivilegeChange>,
    /// Everything else: title, policy, services, claim shape, titles and scopes of roles.
    pub fields: Vec<FieldChange>,
}

impl CatalogueDifference {
    /// From one to the other.
    pub fn between(before: &ApplicationFields, after: &ApplicationFields) -> Self {
        let (old, new) = (names(&before.roles), names(&after.roles));
        let gone =
            |from: &[&str], other: &[&str]| from.iter().filter(|name| !other.contains(name)).map(|name| (*name).to_owned()).collect();
        let staying = |from: &[&str], other: &[&str]| -> Vec<String> {
            from.iter().filter(|name| other.contains(name)).map(|name| (*name).to_owned()).collect()
        };
        let moved = staying(&old, &new) != staying(&new, &old);
        let mut difference = Self {
            roles_added: gone(&new, &old),
            roles_removed: gone(&old, &new),
            order: moved.then(|| new.iter().map(|name| (*name).to_owned()).collect()),
            ..Self::default()
        };
        for role in &after.roles {
            if let Some(was) = before.roles.iter().find(|was| was.name == role.name) {
                difference.add_role(was, role);
            }
        }
        difference.add_fields(before, after);
        difference
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn add_role(&mut self, before: &Role, after: &Role) {
        let names: BTreeSet<&String> = before.privileges.keys().chain(after.privileges.keys()).collect();
        let level = |role: &Role, name: &str| role.privileges.get(name).copied().unwrap_or_default();
        let changes = names.into_iter().map(|name| PrivilegeChange {
            role: after.name.clone(),
            privilege: name.clone(),
            before: level(before, name),
            after: level(after, name),
        });
        self.privileges.extend(changes.filter(|change| change.before != change.after));
        let place = |field: &str| format!("roles.{}.{field}", after.name);
        self.add(&place("title"), &before.title, &after.title);
        self.add(&place("scope"), before.scope, after.scope);
        self.add(&place("scope_kind"), before.scope_kind, after.scope_kind);
    }

    fn add_fields(&mut self, before: &ApplicationFields, after: &ApplicationFields) {
        self.add("title", &before.title, &after.title);
        self.add("cardinality", before.cardinality, after.cardinality);
        self.add("default_role", &before.default_role, &after.default_role);
        self.add("scope_kind", before.scope_kind, after.scope_kind);
        self.add("claim_shape", &before.claim_shape, &after.claim_shape);
        let policy = |fields: &ApplicationFields| serde_json::to_value(&fields.policy).unwrap_or_default();
        let (old, new) = (policy(before), policy(after));
        let keys: BTreeSet<&String> = [&old, &new].into_iter().filter_map(Value::as_object).flat_map(|members| members.keys()).collect();
        for key in keys {
            self.add(&format!("policy.{key}"), old.get(key), new.get(key));
        }
        let services: BTreeSet<&String> = before.services.iter().chain(&after.services).map(|service| &service.name).collect();
        let service = |fields: &ApplicationFields, name: &str| fields.services.iter().find(|service| service.name == name).cloned();
        for name in services {
            self.add(&format!("services.{name}"), service(before, name), service(after, name));
        }
    }

    fn add(&mut self, field: &str, before: impl Serialize, after: impl Serialize) {
        let [before, after] = [serde_json::to_value(before), serde_json::to_value(after)].map(Result::unwrap_or_default);
        if before != after {
            self.fields.push(FieldChange { field: field.to_owned(), before, after });
        }
    }
}

fn names(roles: &[Role]) -> Vec<&str> {
    roles.iter().map(|role| role.name.as_str()).collect()
}

/// Whether an edition comes after another: parts of figures count as numbers (`1.10` after `1.9`). Any edition comes after none.
pub fn is_newer(edition: Option<&str>, standing: Option<&str>) -> bool {
    match (edition, standing) {
        (Some(_), None) => true,
        (Some(edition), Some(standing)) => parts(edition).cmp(parts(standing)) == Ordering::Greater,
        (None, _) => false,
    }
}

/// A number with leading zeros counts as one without; text comes after numbers.
fn parts(edition: &str) -> impl Iterator<Item = (bool, usize, &str)> {
    edition.split(['.', '-', '+', ' ']).map(|part| {
        let number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let text = if number { part.trim_start_matches('0') } else { part };
        (!number, if number { text.len() } else { 0 }, text)
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    fn fields(text: &str) -> ApplicationFields {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn editions_go_by_their_numbers() {
        for (newer, older) in [("1.10", "1.9"), ("2", "1.9.9"), ("1.0.1", "1.0"), ("10", "9"), ("2026.09", "2026.8"), ("1.0a", "1.0")] {
            assert!(is_newer(Some(newer), Some(older)), "{newer} after {older}");
            assert!(!is_newer(Some(older), Some(newer)), "{older} before {newer}");
        }
        assert!(is_newer(Some("0"), None) && !is_newer(None, Some("1")) && !is_newer(None, None));
        assert!(!is_newer(Some("1.0"), Some("1.0")) && !is_newer(Some("01"), Some("1")));
    }

    #[test]
    fn every_difference_is_named_once() {
        let before = fields(
            r#"{"name": "notes", "policy": {"version": "1"}, "services": [{"name": "s", "access": "open"}],
                "roles": [{"name": "a"}, {"name": "b", "privileges": {"x": "yes", "y": "no"}}, {"name": "gone"}]}"#,
        );
        let after = fields(
            r#"{"name": "notes", "default_role": "a", "policy": {"version": "2"}, "services": [{"name": "s", "access": "protected"}],
                "roles": [{"name": "b", "privileges": {"x": "read", "z": "own"}}, {"name": "new"}, {"name": "a", "scope": "forbidden"}]}"#,
        );
        let found = CatalogueDifference::between(&before, &after);
        assert_eq!((found.roles_added, found.roles_removed), (vec!["new".to_owned()], vec!["gone".to_owned()]));
        assert_eq!(found.order.unwrap(), ["b", "new", "a"]);
        let privileges: Vec<_> = found.privileges.iter().map(|p| (p.privilege.as_str(), p.before, p.after)).collect();
        assert_eq!(privileges, [("x", Level::Yes, Level::Read), ("z", Level::No, Level::Own)]);
        let changed: Vec<&str> = found.fields.iter().map(|change| change.field.as_str()).collect();
        assert_eq!(changed, ["roles.a.scope", "default_role", "policy.version", "services.s"]);
        assert!(CatalogueDifference::between(&before, &before).is_empty());
    }
}
