//! People: the only writer of users. Whatever changes who may sign in ends sessions and grants in the same transaction.

mod authority;
mod erase;
pub(in crate::services) mod facts;
mod lifecycle;
mod read;
mod traces;
mod units;

pub(in crate::services) use authority::may_change_in;
pub(in crate::services) use erase::{anonymise_in, by_policy, purge_in};
pub(in crate::services) use lifecycle::reset_in;
pub use lifecycle::{delete, disable, disable_in, enable, enable_in, invite, reset};
pub(in crate::services) use read::departure;
pub use read::{Profile, get, list, named, profile, profiles, resolve};
pub(in crate::services) use units::put_in_unit_in;

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::audit;
use super::context::{Context, Subject};
use super::error::Error;
use super::links::{self, Link};
use super::roles;
use crate::store::Tx;
use crate::store::establishment::link;
use crate::store::establishment::one_time_link::Purpose;
use crate::store::establishment::user::{self, User, UserStatus};
use crate::types::email::Email;
use crate::types::id::UserId;
use crate::types::locale::Locale;
use crate::types::permission::Permission;
use crate::types::username::Username;

/// Longest name of a person, in characters.
const NAME_LENGTH_MAX: usize = 200;

/// Most units named to whoever names one that is not theirs.
const UNITS_NAMED_MAX: usize = 20;

/// A person to be made by hand.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name to sign in with.
    pub username: String,
    /// Given name.
    #[serde(default)]
    pub given_name: Option<String>,
    /// Family name.
    #[serde(default)]
    pub family_name: Option<String>,
    /// What people read; made of the names when left out.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Address.
    #[serde(default)]
    pub email: Option<String>,
    /// `fr` or `en`.
    #[serde(default)]
    pub locale: Option<String>,
    /// The unit the person belongs to first: one of the tree's, where there is a tree; none for whoever belongs to several alike.
    #[serde(default)]
    pub home_unit: Option<String>,
    /// Every unit.
    #[serde(default)]
    pub units: Vec<String>,
}

/// A change of a person's own fields, as a merge patch (RFC 7396): what is absent stays, what is null goes.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UserPatch {
    /// Given name.
    #[serde(deserialize_with = "present")]
    pub given_name: Option<Option<String>>,
    /// Family name.
    #[serde(deserialize_with = "present")]
    pub family_name: Option<Option<String>>,
    /// What people read.
    pub display_name: Option<String>,
    /// Address.
    #[serde(deserialize_with = "present")]
    pub email: Option<Option<String>>,
    /// `fr` or `en`.
    #[serde(deserialize_with = "present")]
    pub locale: Option<Option<String>>,
    /// The unit the person belongs to first.
    #[serde(deserialize_with = "present")]
    pub home_unit: Option<Option<String>>,
    /// Every unit, in place of those there were.
    pub units: Option<Vec<String>>,
}

/// Tells a field that is null from one that is absent.
#[expect(clippy::option_option, reason = "null and absent differ in a merge patch (RFC 7396)")]
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// Makes a person by hand, pending until a password is chosen by the one-time link that comes back.
///
/// # Errors
/// `Invalid`, or `Conflict` when the user name is taken; `Forbidden` for someone to whom rules would give more than the caller holds.
pub async fn create(ctx: &Context, new: &NewUser) -> Result<(User, Link), Error> {
    ctx.require_somewhere(Permission::AttachPeople)?;
    let mut tx = ctx.store.begin().await?;
    let made = create_in(&mut tx, ctx, new).await?;
    stays_in_reach(ctx, Permission::AttachPeople, &made.0, &[])?;
    may_change_in(&mut tx, ctx, made.0.id).await?;
    tx.commit().await?;
    Ok(made)
}

/// The same within a transaction.
pub async fn create_in(tx: &mut Tx, ctx: &Context, new: &NewUser) -> Result<(User, Link), Error> {
    let user = regular(ctx, new)?;
    units::check_in(tx, user.home_unit.as_deref(), &user.units).await?;
    user::insert(tx, &user).await.map_err(|e| match e {
        crate::store::Error::Taken(_) => Error::Conflict(format!("the user name «{}» is taken: choose another", user.username)),
        other => other.into(),
    })?;
    let link = links::make_in(tx, ctx, user.id, Purpose::Invitation).await?;
    audit::record_in(tx, ctx, "user.created", ("user", &user.id.to_string()), json!({ "username": user.username })).await?;
    Ok((user, link))
}

fn regular(ctx: &Context, new: &NewUser) -> Result<User, Error> {
    let username = Username::parse(&new.username)?;
    let given_name = name("given_name", new.given_name.as_deref())?;
    let family_name = name("family_name", new.family_name.as_deref())?;
    let joined = [given_name.as_deref(), family_name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let display_name = match name("display_name", new.display_name.as_deref())? {
        Some(given) => given,
        None if joined.is_empty() => username.as_str().to_owned(),
        None => joined,
    };
    Ok(User {
        id: UserId::new(),
        username: username.as_str().to_owned(),
        given_name,
        family_name,
        display_name,
        email: email(new.email.as_deref())?,
        locale: locale(new.locale.as_deref())?,
        status: UserStatus::Pending,
        disabled_by: None,
        home_unit: name("home_unit", new.home_unit.as_deref())?,
        units: units::regular(&new.units)?,
        attributes: std::collections::BTreeMap::new(),
        last_sign_in_at: None,
        created_at: ctx.now,
        updated_at: ctx.now,
        erased_at: None,
    })
}

/// Changes a person's own fields: of the person that the caller read, where they say whom. What a source states about a person is changed in
/// the source.
///
/// # Errors
/// `NotFound`, `Stale` when the person changed since the caller read them, `Invalid`, `Conflict` for a person whom a source describes;
/// `Forbidden` for someone who may do more than the caller, or would by this change, and for what decides on the caller's own roles.
pub async fn update(ctx: &Context, id: UserId, read: Option<&User>, patch: &UserPatch) -> Result<User, Error> {
    ctx.require_somewhere(Permission::ManageUsers)?;
    let told = roles::effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let mut user = user::get(&mut tx, id).await?;
    let had = user.units.clone();
    ctx.require_for(Permission::ManageUsers, &Subject::Person(&user))?;
    if ctx.actor.person() == Some(id) && (patch.home_unit.is_some() || patch.units.is_some()) {
        return Err(Error::Forbidden("nobody changes their own unit: ask another administrator".to_owned()));
    }
    may_change_in(&mut tx, ctx, id).await?;
    read.map_or(Ok(()), |read| Error::unless_same(read, &user))?;
    if let Some(owner) = link::list_of_user(&mut tx, id).await?.into_iter().find(|l| l.present) {
        return Err(Error::Conflict(format!("the source «{}» describes this person: change it there, and sync", owner.source)));
    }
    if let Some(given) = &patch.given_name {
        user.given_name = name("given_name", given.as_deref())?;
    }
    if let Some(family) = &patch.family_name {
        user.family_name = name("family_name", family.as_deref())?;
    }
    if let Some(display) = &patch.display_name {
        user.display_name = name("display_name", Some(display))?.ok_or_else(|| Error::invalid("display_name", "must not be empty"))?;
    }
    if let Some(address) = &patch.email {
        user.email = email(address.as_deref())?;
    }
    if let Some(tag) = &patch.locale {
        user.locale = locale(tag.as_deref())?;
    }
    if let Some(unit) = &patch.home_unit {
        user.home_unit = name("home_unit", unit.as_deref())?;
        units::check_in(&mut tx, user.home_unit.as_deref(), &[]).await?;
    }
    if let Some(named) = &patch.units {
        user.units = units::regular(named)?;
        units::check_in(&mut tx, None, &user.units).await?;
    }
    stays_in_reach(ctx, Permission::ManageUsers, &user, &had)?;
    user.updated_at = ctx.now;
    let own = roles::own::Own::of_person_in(&mut tx, ctx, id).await?;
    user::update(&mut tx, &user).await?;
    roles::recompute_users_in(&mut tx, ctx, &[id]).await?;
    own.unchanged_in(&mut tx).await?;
    may_change_in(&mut tx, ctx, id).await?;
    audit::record_in(&mut tx, ctx, "user.updated", ("user", &id.to_string()), json!({})).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(user)
}

/// Whoever administers the people of some units makes people there, and moves nobody elsewhere.
fn stays_in_reach(ctx: &Context, permission: Permission, user: &User, had: &[String]) -> Result<(), Error> {
    // Rules may look at any unit of a person: whoever adds one gives what those give.
    let added = user.units.iter().find(|unit| !had.contains(unit) && !ctx.actor.may_for(permission, &Subject::Unit(unit)));
    let field = match added {
        Some(_) => "units",
        None if ctx.actor.may_for(permission, &Subject::Person(user)) => return Ok(()),
        None => "home_unit",
    };
    let own = ctx.actor.units_for(permission).unwrap_or_default();
    let named: Vec<&str> = own.iter().map(String::as_str).take(UNITS_NAMED_MAX).collect();
    Err(Error::invalid(field, format!("must be a unit whose people you administer: {}", named.join(", "))))
}

fn name(field: &str, raw: Option<&str>) -> Result<Option<String>, Error> {
    let Some(text) = raw.map(str::trim).filter(|t| !t.is_empty()) else { return Ok(None) };
    if text.chars().count() > NAME_LENGTH_MAX || text.chars().any(char::is_control) {
        return Err(Error::invalid(field, format!("has at most {NAME_LENGTH_MAX} characters and no control characters")));
    }
    Ok(Some(text.to_owned()))
}

fn email(raw: Option<&str>) -> Result<Option<String>, Error> {
    Ok(raw.filter(|t| !t.trim().is_empty()).map(Email::parse).transpose()?.map(|e| e.as_str().to_owned()))
}

fn locale(raw: Option<&str>) -> Result<Option<String>, Error> {
    let Some(tag) = raw.filter(|t| !t.is_empty()) else { return Ok(None) };
    let known = Locale::from_tag(tag).ok_or_else(|| Error::invalid("locale", format!("«{tag}» is not spoken here: fr or en")))?;
    Ok(Some(known.tag().to_owned()))
}
