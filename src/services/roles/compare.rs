//! Who held what at one instant and not at another: what the gateway recorded, not what rules would give. Writes nothing.

use super::super::context::Context;
use super::super::error::Error;
use crate::store::establishment::ended_assignment::{self, Compared, Span};
use crate::types::page::LIMIT_MAX;
use crate::types::permission::Permission;

/// Compares two instants: who gained and who lost what between them, by name, from a place on; and how many rows that are in all.
///
/// Roles that ended longer ago than `limits.role_history_d` says are forgotten.
///
/// # Errors
/// `Invalid` when the first instant is not before the second, when the second is still to come, and for a limit out of bounds.
pub async fn compare(ctx: &Context, span: &Span, from_place: i64, limit: i64) -> Result<(Vec<Compared>, i64), Error> {
    ctx.require(Permission::Read)?;
    if span.from >= span.to {
        return Err(Error::invalid("from", "must lie before `to`"));
    }
    if span.to > ctx.now {
        return Err(Error::invalid("to", "is still to come: what rules would give is told by a simulation"));
    }
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::invalid("limit", format!("{limit} is out of bounds: 1 to {LIMIT_MAX}")));
    }
    let mut tx = ctx.store.read().await?;
    Ok(ended_assignment::compare(&mut tx, span, from_place, limit).await?)
}
