//! What is accepted of an application's policy and services. Pure.

use std::collections::BTreeSet;

use super::fields::{ApplicationFields, check_text};
use crate::store::establishment::application::{ACCESS_PRIVILEGE, ScopeKind};
use crate::types::{Invalid, wording};

/// Most services of an application.
const SERVICES_MAX: usize = 500;

/// An application's policy beside its roles.
pub fn check_policy(fields: &ApplicationFields, wrong: &mut Vec<Invalid>) {
    let policy = &fields.policy;
    if let Some(version) = &policy.version {
        check_text("policy.version", version, false, wrong);
    }
    if policy.pending_until_validated && fields.default_role.is_none() {
        let why = "whoever waits holds the default role meanwhile: name a default_role";
        wrong.push(Invalid::new("policy.pending_until_validated", why));
    }
    wrong.extend(policy.relation.as_deref().and_then(|relation| wording::wrong_relation("policy.relation", relation)));
}

/// An application's services: they are scopes of its roles.
pub fn check_services(fields: &ApplicationFields, wrong: &mut Vec<Invalid>) {
    if fields.services.is_empty() {
        return;
    }
    if fields.scope_kind != ScopeKind::Service {
        wrong.push(Invalid::new("scope_kind", "is service where there are services: they are what roles are bound to"));
    }
    if fields.services.len() > SERVICES_MAX {
        wrong.push(Invalid::new("services", format!("are {}, more than {SERVICES_MAX}", fields.services.len())));
    }
    let mut seen = BTreeSet::new();
    for (at, service) in fields.services.iter().take(SERVICES_MAX).enumerate() {
        check_text(&format!("services[{at}].name"), &service.name, false, wrong);
        check_text(&format!("services[{at}].title"), &service.title, true, wrong);
        if !seen.insert(&service.name) {
            wrong.push(Invalid::new(format!("services[{at}].name"), format!("«{}» is there twice", service.name)));
        }
    }
    for (at, _) in fields.roles.iter().enumerate().filter(|(_, role)| role.privileges.contains_key(ACCESS_PRIVILEGE)) {
        let why = format!("«{ACCESS_PRIVILEGE}» is what services give: name the privilege otherwise");
        wrong.push(Invalid::new(format!("roles[{at}].privileges.{ACCESS_PRIVILEGE}"), why));
    }
}
