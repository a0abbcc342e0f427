//! Roles whose holders do not use their applications (OME-52). Takes nothing away.

use super::super::context::Context;
use super::super::error::Error;
use crate::store::establishment::application_use::{self, Filter, Unused};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;
use crate::types::time::Timestamp;

/// How long someone may leave a role unused before it is listed, in seconds, unless the caller says otherwise: 180 days.
pub const UNUSED_S: i64 = 180 * 24 * 3600;

/// A page of roles given before an instant whose holders have not signed in to the application since, oldest first.
///
/// # Errors
/// `Invalid` for an instant that has not come yet.
pub async fn list(ctx: &Context, page: &PageRequest, since: Option<Timestamp>, filter: &Filter) -> Result<Page<Unused>, Error> {
    ctx.require(Permission::Read)?;
    let since = since.unwrap_or_else(|| ctx.now.plus_s(-UNUSED_S));
    if since > ctx.now {
        return Err(Error::invalid("since", "must lie in the past"));
    }
    let mut tx = ctx.store.read().await?;
    Ok(application_use::list_unused(&mut tx, page, since, filter).await?)
}
