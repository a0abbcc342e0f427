//! Roles whose holders do not use their applications, and people who do not sign in (OME-52). Takes nothing away.

use super::super::context::Context;
use super::super::error::Error;
use crate::store::establishment::application_use::{self, Filter, Unused, UnusedAccount};
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
    let since = past(ctx, since)?;
    let mut tx = ctx.store.read().await?;
    Ok(application_use::list_unused(&mut tx, page, since, filter).await?)
}

/// A page of people who may sign in, were added before an instant and have not signed in since, oldest first.
///
/// # Errors
/// As for [`list`].
pub async fn list_accounts(ctx: &Context, page: &PageRequest, since: Option<Timestamp>) -> Result<Page<UnusedAccount>, Error> {
    ctx.require(Permission::Read)?;
    let since = past(ctx, since)?;
    let mut tx = ctx.store.read().await?;
    Ok(application_use::list_unused_accounts(&mut tx, page, since).await?)
}

fn past(ctx: &Context, since: Option<Timestamp>) -> Result<Timestamp, Error> {
    let since = since.unwrap_or_else(|| ctx.now.plus_s(-UNUSED_S));
    if since > ctx.now { Err(Error::invalid("since", "must lie in the past")) } else { Ok(since) }
}
