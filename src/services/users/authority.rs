//! Whose account someone may change: nobody's who may do more than they (SECURITY 24). Otherwise a password reset would hand on a stronger role.

use super::super::context::Context;
use super::super::error::Error;
use crate::store::Tx;
use crate::store::establishment::assignment;
use crate::types::id::UserId;
use crate::types::permission::{APPLICATION, GatewayRole};

/// Checks that the actor holds every role of the gateway that the person has, also those that count only later or after an invitation.
///
/// # Errors
/// `Forbidden`.
pub async fn may_change_in(tx: &mut Tx, ctx: &Context, person: UserId) -> Result<(), Error> {
    let held = assignment::list_of_user(tx, person).await?;
    let mut roles = held.iter().filter(|held| held.application == APPLICATION).filter_map(|held| GatewayRole::from_name(&held.role));
    match roles.find(|role| !ctx.actor.may_act_as(*role)) {
        Some(role) => {
            Err(Error::Forbidden(format!("this person is {} of {}: ask someone who is too", role.name(), ctx.establishment.name)))
        }
        None => Ok(()),
    }
}
