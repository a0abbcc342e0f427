//! Reading people.

use std::collections::HashMap;

use super::super::context::Context;
use super::super::error::Error;
use crate::store::establishment::link::{self, NamedLink};
use crate::store::establishment::user::{self, Filter, User, UserStatus};
use crate::types::id::UserId;
use crate::types::leaving::Afterwards;
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;
use crate::types::time::Timestamp;

/// A person with where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The person.
    pub user: User,
    /// Their entries in sources.
    pub links: Vec<NamedLink>,
}

impl Profile {
    /// From when on the policies of their sources no longer keep someone who left, and what follows; none for whoever is still stated, and
    /// for whoever is kept for ever.
    pub fn departure(&self) -> Option<(Timestamp, Afterwards)> {
        if self.user.status == UserStatus::Disabled { departure(&self.links) } else { None }
    }
}

/// The same from the links alone: whoever several sources stated is kept for as long as one of them keeps, by the mildest of their policies.
pub(in crate::services) fn departure(links: &[NamedLink]) -> Option<(Timestamp, Afterwards)> {
    let ends: Vec<(Timestamp, Afterwards)> = links.iter().map(NamedLink::ends).collect::<Option<_>>()?;
    let last = ends.iter().map(|(at, _)| *at).max()?;
    let mildest = ends.iter().map(|(_, then)| *then).min()?;
    Some((last, mildest))
}

/// A page of people.
pub async fn list(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<User>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    Ok(user::list(&mut tx, page, filter).await?)
}

/// A page of people with their links.
pub async fn profiles(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<Profile>, Error> {
    let people = list(ctx, page, filter).await?;
    let keys: Vec<UserId> = people.items.iter().map(|user| user.id).collect();
    let mut tx = ctx.store.read().await?;
    let mut links: HashMap<UserId, Vec<NamedLink>> = HashMap::new();
    for (user, link) in link::list_named_of_users(&mut tx, &keys).await? {
        links.entry(user).or_default().push(link);
    }
    Ok(people.map(|user| Profile { links: links.remove(&user.id).unwrap_or_default(), user }))
}

/// One person.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, id: UserId) -> Result<User, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    Ok(user::get(&mut tx, id).await?)
}

/// One person with their links.
///
/// # Errors
/// `NotFound`.
pub async fn profile(ctx: &Context, id: UserId) -> Result<Profile, Error> {
    let user = get(ctx, id).await?;
    let mut tx = ctx.store.read().await?;
    Ok(Profile { user, links: link::list_of_user(&mut tx, id).await? })
}

/// One person by identifier or by user name, as people type it.
///
/// # Errors
/// `NotFound`.
pub async fn resolve(ctx: &Context, name: &str) -> Result<User, Error> {
    if let Ok(id) = name.parse::<UserId>() {
        return get(ctx, id).await;
    }
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    user::find_by_username(&mut tx, name).await?.ok_or_else(|| Error::not_found(format!("user «{name}»")))
}
