//! Who may give which role: nobody more than they hold, and nobody to themselves (SECURITY 24, OME-69).

use super::super::context::{Actor, Context};
use super::super::error::Error;
use crate::types::id::UserId;
use crate::types::permission::{APPLICATION, GatewayRole};

/// Checks that the actor holds a role of the gateway that they would give, take away, or let a rule give. Roles of other applications are
/// free to whoever manages roles.
///
/// # Errors
/// `Forbidden`.
pub fn may_give(ctx: &Context, application: &str, role: &str) -> Result<(), Error> {
    if application != APPLICATION {
        return Ok(());
    }
    let allowed = match &ctx.actor {
        Actor::System => true,
        Actor::User { roles, .. } => roles.iter().any(|held| covers(*held, role)),
        Actor::Token { role: held, .. } => covers(*held, role),
        Actor::Anonymous | Actor::Source(_) => false,
    };
    if allowed {
        return Ok(());
    }
    Err(Error::Forbidden(format!("nobody gives or takes away the role «{role}» of {APPLICATION} without holding it: ask someone who does")))
}

/// Roles go from the strongest to the weakest. A role that the gateway does not know, `{captures}` among them, is nobody's to give.
fn covers(held: GatewayRole, role: &str) -> bool {
    let rank = |wanted: GatewayRole| GatewayRole::ALL.iter().position(|known| *known == wanted);
    GatewayRole::from_name(role).is_some_and(|role| rank(held) <= rank(role))
}

/// Checks that the actor is not the person whose roles change.
///
/// # Errors
/// `Forbidden`.
pub fn not_oneself(ctx: &Context, user: UserId) -> Result<(), Error> {
    match ctx.actor {
        Actor::User { id, .. } if id == user => {
            Err(Error::Forbidden("nobody changes their own roles: ask another administrator".to_owned()))
        }
        _ => Ok(()),
    }
}
