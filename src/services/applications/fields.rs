//! An application as people write it, and what is accepted of it. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::error::Error;
use super::declared::{check_policy, check_services};
use crate::store::establishment::application::{Application, Cardinality, Policy, Role, ScopeKind, Service};
use crate::types::Invalid;
use crate::types::id::ApplicationId;
use crate::types::nul;
use crate::types::time::Timestamp;
use crate::types::wording;

/// Longest title, role, privilege or service, in characters.
const TEXT_LENGTH_MAX: usize = 200;
/// Most roles of a catalogue.
const ROLES_MAX: usize = 200;
/// Most privileges of a role.
const PRIVILEGES_MAX: usize = 500;
/// Largest claim shape, in bytes of its JSON.
const CLAIM_SHAPE_MAX_BYTES: usize = 64 * 1024;

/// An application and its catalogue. The order of the roles is the order of precedence, strongest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationFields {
    /// Its name in addresses and commands.
    pub name: String,
    /// What people read; the name when left out.
    #[serde(default)]
    pub title: String,
    /// How many roles one person may hold.
    #[serde(default = "multi")]
    pub cardinality: Cardinality,
    /// The role of everyone active whom nothing else gives one.
    #[serde(default)]
    pub default_role: Option<String>,
    /// What a scope is.
    #[serde(default)]
    pub scope_kind: ScopeKind,
    /// How claims are shaped for its clients.
    #[serde(default = "no_shape")]
    #[schema(value_type = Object)]
    pub claim_shape: serde_json::Value,
    /// What else it declares.
    #[serde(default)]
    pub policy: Policy,
    /// What its roles give access to, one by one.
    #[serde(default)]
    pub services: Vec<Service>,
    /// The catalogue, strongest role first.
    #[serde(default)]
    pub roles: Vec<Role>,
}

fn multi() -> Cardinality {
    Cardinality::Multi
}

fn no_shape() -> serde_json::Value {
    serde_json::json!({})
}

impl From<&Application> for ApplicationFields {
    fn from(a: &Application) -> Self {
        Self {
            name: a.name.clone(),
            title: a.title.clone(),
            cardinality: a.cardinality,
            default_role: a.default_role.clone(),
            scope_kind: a.scope_kind,
            claim_shape: a.claim_shape.clone(),
            policy: a.policy.clone(),
            services: a.services.clone(),
            roles: a.roles.clone(),
        }
    }
}

impl ApplicationFields {
    /// The same, with what was left out filled in.
    ///
    /// # Errors
    /// `Invalid` with every field that does not fit.
    pub(super) fn checked(&self) -> Result<Self, Error> {
        let mut wrong = Vec::new();
        check_name(&self.name, &mut wrong);
        check_text("title", &self.title, true, &mut wrong);
        check_roles(&self.roles, &mut wrong);
        check_default_role(self, &mut wrong);
        check_policy(self, &mut wrong);
        check_services(self, &mut wrong);
        if !self.claim_shape.is_object() && !self.claim_shape.is_null() {
            wrong.push(Invalid::new("claim_shape", "is an object: {\"claims\": {…}}"));
        }
        wrong.extend(nul::refuse("claim_shape", &self.claim_shape).err());
        if self.claim_shape.to_string().len() > CLAIM_SHAPE_MAX_BYTES {
            wrong.push(Invalid::new("claim_shape", format!("is larger than {CLAIM_SHAPE_MAX_BYTES} bytes")));
        }
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let mut whole = self.clone();
        if whole.title.trim().is_empty() {
            whole.title.clone_from(&whole.name);
        }
        if whole.claim_shape.is_null() {
            whole.claim_shape = no_shape();
        }
        Ok(whole)
    }

    /// The application they describe.
    pub(super) fn written_over(self, id: ApplicationId, created_at: Timestamp, now: Timestamp) -> Application {
        Application {
            id,
            name: self.name,
            title: self.title,
            cardinality: self.cardinality,
            default_role: self.default_role,
            scope_kind: self.scope_kind,
            roles: self.roles,
            claim_shape: self.claim_shape,
            policy: self.policy,
            services: self.services,
            created_at,
            updated_at: now,
        }
    }
}

/// Addresses below `applications` that are no application's.
const RESERVED: [&str; 2] = ["catalogue", "import"];

fn check_default_role(fields: &ApplicationFields, wrong: &mut Vec<Invalid>) {
    let Some(name) = &fields.default_role else { return };
    match fields.roles.iter().find(|known| known.name == *name) {
        None => wrong.push(Invalid::new("default_role", format!("«{name}» is not among the roles"))),
        Some(role) if !role.scope.admits("") => {
            wrong.push(Invalid::new("default_role", format!("«{name}» is given in a scope only, and a default role holds everywhere")));
        }
        Some(_) => {}
    }
}

/// A name stands in addresses.
fn check_name(name: &str, wrong: &mut Vec<Invalid>) {
    wrong.extend(wording::wrong_name("name", "an application", name));
    if RESERVED.contains(&name) {
        wrong.push(Invalid::new("name", format!("«{name}» is an address of the API: choose another name")));
    }
}

pub(super) fn check_text(field: &str, text: &str, may_be_empty: bool, wrong: &mut Vec<Invalid>) {
    let empty = text.trim().is_empty() && !may_be_empty;
    if empty || text.trim() != text || text.chars().count() > TEXT_LENGTH_MAX || text.chars().any(char::is_control) {
        let least = u8::from(!may_be_empty);
        let why = format!("has {least} to {TEXT_LENGTH_MAX} characters, no space at either end and no control characters");
        wrong.push(Invalid::new(field, why));
    }
}

fn check_roles(roles: &[Role], wrong: &mut Vec<Invalid>) {
    if roles.len() > ROLES_MAX {
        wrong.push(Invalid::new("roles", format!("are {}, more than {ROLES_MAX}", roles.len())));
    }
    let mut seen = BTreeSet::new();
    for (at, role) in roles.iter().take(ROLES_MAX).enumerate() {
        check_text(&format!("roles[{at}].name"), &role.name, false, wrong);
        check_text(&format!("roles[{at}].title"), &role.title, true, wrong);
        if !seen.insert(&role.name) {
            wrong.push(Invalid::new(format!("roles[{at}].name"), format!("«{}» is there twice", role.name)));
        }
        if role.privileges.len() > PRIVILEGES_MAX {
            wrong.push(Invalid::new(format!("roles[{at}].privileges"), format!("are more than {PRIVILEGES_MAX}")));
        }
        for name in role.privileges.keys().take(PRIVILEGES_MAX) {
            check_text(&format!("roles[{at}].privileges"), name, false, wrong);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_does_not_fit_is_told() {
        let text = r#"{"name": "ScoDoc!", "default_role": "Ens", "claim_shape": [],
            "roles": [{"name": "Secr"}, {"name": "Secr"}, {"name": ""}]}"#;
        let fields: ApplicationFields = serde_json::from_str(text).unwrap();
        let Err(Error::Invalid(wrong)) = fields.checked() else { unreachable!("these fields do not fit") };
        let fields: Vec<&str> = wrong.iter().map(|w| w.field.as_str()).collect();
        assert_eq!(fields, ["name", "roles[1].name", "roles[2].name", "default_role", "claim_shape"]);
    }

    #[test]
    fn what_is_declared_fits_together() {
        let text = r#"{"name": "import", "default_role": "r", "policy": {"version": " 1", "pending_until_validated": true, "relation": "Tutor of"},
            "scope_kind": "unit", "services": [{"name": "a", "access": "open"}, {"name": "a", "access": "protected"}],
            "roles": [{"name": "r", "scope": "required", "privileges": {"access": "yes"}}]}"#;
        let fields: ApplicationFields = serde_json::from_str(text).unwrap();
        let Err(Error::Invalid(wrong)) = fields.checked() else { unreachable!("these fields do not fit") };
        let fields: Vec<&str> = wrong.iter().map(|w| w.field.as_str()).collect();
        let wanted =
            ["name", "default_role", "policy.version", "policy.relation", "scope_kind", "services[1].name", "roles[0].privileges.access"];
        assert_eq!(fields, wanted);
        let alone = r#"{"name": "a", "policy": {"pending_until_validated": true}}"#;
        let fields: ApplicationFields = serde_json::from_str(alone).unwrap();
        let Err(Error::Invalid(wrong)) = fields.checked() else { unreachable!("these fields do not fit") };
        assert_eq!(wrong.first().unwrap().field, "policy.pending_until_validated");
    }

    #[test]
    fn what_is_left_out_is_filled_in() {
        let fields: ApplicationFields = serde_json::from_str(r#"{"name": "scodoc", "claim_shape": null}"#).unwrap();
        let whole = fields.checked().unwrap();
        assert_eq!((whole.title.as_str(), whole.cardinality), ("scodoc", Cardinality::Multi));
        assert_eq!(whole.claim_shape, serde_json::json!({}));
    }
}
