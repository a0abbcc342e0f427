//! Where a role of a catalogue may be held. Pure.

use super::compile::Compiled;
use super::pattern::Template;
use crate::store::establishment::application::{Application, Role, RoleScope, ScopeKind};
use crate::types::Invalid;

/// Checks that a role may be given in a scope; an empty one is everywhere.
///
/// # Errors
/// `Invalid` for a role that is bound to a scope or to none, and for a service that the application does not have.
pub fn check_place(application: &Application, role: &Role, scope: &str) -> Result<(), Invalid> {
    if !role.scope.admits(scope) {
        let why =
            if role.scope == RoleScope::Required { "is given in a scope: say which" } else { "holds everywhere: leave the scope out" };
        return Err(Invalid::new("scope", format!("«{}» {why}", role.name)));
    }
    let services = &application.services;
    let bound = application.scope_kind_of(role) == ScopeKind::Service && !services.is_empty() && !scope.is_empty();
    if bound && !services.iter().any(|service| service.name == scope) {
        let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
        return Err(Invalid::new("scope", format!("«{scope}» is not a service of {}: {}", application.name, names.join(", "))));
    }
    Ok(())
}

/// The same of a rule that names its role in full. What its captures make of a scope is looked at for each person.
///
/// # Errors
/// As for [`check_place`].
pub fn check_place_of(application: &Application, role: &Role, giver: &Compiled) -> Result<(), Invalid> {
    match giver.scope.as_ref().map(Template::literal) {
        None => check_place(application, role, ""),
        Some(Some(scope)) => check_place(application, role, &scope),
        Some(None) if role.scope == RoleScope::Forbidden => {
            Err(Invalid::new("scope", format!("«{}» holds everywhere: leave the scope out", role.name)))
        }
        Some(None) => Ok(()),
    }
}
