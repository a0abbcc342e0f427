//! Groups as sources state them, for reading. Only `users` writes them.

use super::context::Context;
use super::error::Error;
use crate::store::establishment::group::{self, Filter, Group};
use crate::store::establishment::membership::{self, Member};
use crate::types::id::{GroupId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;

/// A page of groups.
pub async fn list(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<Group>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    Ok(group::list(&mut tx, page, filter).await?)
}

/// One group.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, id: GroupId) -> Result<Group, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    group::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("group"))
}

/// The groups that a person is in directly, by name.
///
/// # Errors
/// When the store fails.
pub async fn of_person(ctx: &Context, user: UserId) -> Result<Vec<Group>, Error> {
    ctx.require(Permission::Read)?;
    Ok(group::list_direct_of_user(&mut ctx.store.read().await?, user).await?)
}

/// A page of a group's people: direct ones, or those of the groups inside it too.
///
/// # Errors
/// `NotFound`.
pub async fn members(ctx: &Context, id: GroupId, transitive: bool, page: &PageRequest) -> Result<Page<Member>, Error> {
    get(ctx, id).await?;
    let mut tx = ctx.store.read().await?;
    Ok(membership::list_members(&mut tx, id, transitive, page).await?)
}
