//! Whose account someone may change: nobody's who may do more than they (SECURITY 24). Otherwise a password reset would hand on a stronger role.

use super::super::context::Context;
use super::super::error::Error;
use super::super::roles;
use crate::store::Tx;
use crate::types::id::UserId;
use crate::types::permission::GatewayRole;

/// Checks that the actor holds every role of the gateway that the person has, also those that count only later or after an invitation, and
/// those that rules would give them.
///
/// # Errors
/// `Forbidden`.
pub async fn may_change_in(tx: &mut Tx, ctx: &Context, person: UserId) -> Result<(), Error> {
    let strongest = if ctx.is_platform() { GatewayRole::Operator } else { GatewayRole::Administrator };
    if ctx.actor.may_act_as(strongest) {
        return Ok(());
    }
    let stronger = roles::foreseen_in(tx, ctx, person).await?.into_iter().find(|held| !ctx.actor.covers(held));
    match stronger {
        Some(held) => Err(Error::Forbidden(format!("this person is {held} of {}: ask someone who is too", ctx.establishment.name))),
        None => Ok(()),
    }
}
