//! Reading people.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::context::{Context, Subject};
use super::super::error::Error;
use crate::store::establishment::link::{self, NamedLink};
use crate::store::establishment::user::{self, Filter, User, UserStatus};
use crate::types::id::UserId;
use crate::types::leaving::Afterwards;
use crate::types::page::{Page, PageRequest};
use crate::types::permission::{Held, Permission};
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

/// Whether the actor knows more of a person than who they are. Whoever answers for an application finds people by name, and no more (VAU-13).
fn knows(ctx: &Context, person: &User) -> bool {
    let subject = Subject::Person(person);
    ctx.actor.may(Permission::Read)
        || [Permission::ManageUsers, Permission::ResetPasswords].into_iter().any(|permission| ctx.actor.may_for(permission, &subject))
}

/// A person as the actor may see them.
fn shown(ctx: &Context, person: User) -> User {
    if knows(ctx, &person) {
        return person;
    }
    User { email: None, locale: None, disabled_by: None, units: Vec::new(), attributes: BTreeMap::new(), last_sign_in_at: None, ..person }
}

/// Whether the actor knows more of everyone whom they see.
fn knows_all(ctx: &Context) -> bool {
    let more =
        |held: &Held| [Permission::ManageUsers, Permission::ResetPasswords].into_iter().any(|permission| held.role.gives(permission));
    ctx.actor.may(Permission::Read) || ctx.actor.held().iter().filter(|held| held.role.gives(Permission::SeePeople)).all(more)
}

/// A page of people: of those whom the actor may see.
///
/// # Errors
/// `Forbidden` for a filter on what the actor may not see of everyone.
pub async fn list(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<User>, Error> {
    ctx.require_somewhere(Permission::SeePeople)?;
    // What is not shown is not to be found out by searching either. An address that is known whole finds whose it is.
    let by_name = !knows_all(ctx);
    if by_name && (filter.locale.is_some() || filter.disabled_by.is_some()) {
        return Err(Error::Forbidden("whoever may only find people by name asks for nothing else of them".to_owned()));
    }
    let filter = Filter { within: ctx.actor.units_for(Permission::SeePeople), by_name, ..filter.clone() };
    let mut tx = ctx.store.read().await?;
    Ok(user::list(&mut tx, page, &filter).await?.map(|person| shown(ctx, person)))
}

/// A page of people with their links.
pub async fn profiles(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<Profile>, Error> {
    let people = list(ctx, page, filter).await?;
    let keys: Vec<UserId> = people.items.iter().map(|user| user.id).collect();
    let mut tx = ctx.store.read().await?;
    let mut links: HashMap<UserId, Vec<NamedLink>> = HashMap::new();
    let known: HashSet<UserId> = people.items.iter().filter(|user| knows(ctx, user)).map(|user| user.id).collect();
    for (user, link) in link::list_named_of_users(&mut tx, &keys).await? {
        if known.contains(&user) {
            links.entry(user).or_default().push(link);
        }
    }
    Ok(people.map(|user| Profile { links: links.remove(&user.id).unwrap_or_default(), user }))
}

/// One person.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, id: UserId) -> Result<User, Error> {
    ctx.require_somewhere(Permission::SeePeople)?;
    let mut tx = ctx.store.read().await?;
    let person = user::get(&mut tx, id).await?;
    ctx.require_for(Permission::SeePeople, &Subject::Person(&person))?;
    Ok(shown(ctx, person))
}

/// One person with their links.
///
/// # Errors
/// `NotFound`.
pub async fn profile(ctx: &Context, id: UserId) -> Result<Profile, Error> {
    let user = get(ctx, id).await?;
    let mut tx = ctx.store.read().await?;
    let links = if knows(ctx, &user) { link::list_of_user(&mut tx, id).await? } else { Vec::new() };
    Ok(Profile { user, links })
}

/// The user names of some people, of those whom the actor may see.
///
/// # Errors
/// When the store fails.
pub async fn named(ctx: &Context, ids: &[UserId]) -> Result<HashMap<UserId, String>, Error> {
    ctx.require_somewhere(Permission::SeePeople)?;
    let ids: Vec<UserId> = ids.iter().copied().collect::<HashSet<_>>().into_iter().collect();
    let people = user::list_by_ids(&mut ctx.store.read().await?, &ids).await?;
    let seen = people.into_iter().filter(|person| ctx.actor.may_for(Permission::SeePeople, &Subject::Person(person)));
    Ok(seen.map(|person| (person.id, person.username)).collect())
}

/// One person by identifier or by user name, as people type it.
///
/// # Errors
/// `NotFound`.
pub async fn resolve(ctx: &Context, name: &str) -> Result<User, Error> {
    if let Ok(id) = name.parse::<UserId>() {
        return get(ctx, id).await;
    }
    ctx.require_somewhere(Permission::SeePeople)?;
    let mut tx = ctx.store.read().await?;
    let sees = |person: &User| ctx.actor.may_for(Permission::SeePeople, &Subject::Person(person));
    let found = user::find_by_username(&mut tx, name).await?.filter(sees);
    found.map(|person| shown(ctx, person)).ok_or_else(|| Error::not_found(format!("user «{name}»")))
}
