//! Access given back to an establishment: its administrators, and a one-time link for one of them, sent to the contact (SAC-19 to SAC-23).

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::super::links::Link;
use super::super::outbox;
use super::super::users;
use super::edit::{current, record_on_platform};
use super::letters;
use crate::store::Tx;
use crate::store::establishment::assignment::{self, Filter};
use crate::store::establishment::user::{self, UserStatus};
use crate::types::fold;
use crate::types::id::UserId;
use crate::types::page::{LIMIT_MAX, PageRequest};
use crate::types::permission::{APPLICATION, GatewayRole, Permission};

/// Someone who administers an establishment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Administrator {
    /// Key.
    pub id: UserId,
    /// The name to sign in with.
    pub username: String,
    /// What people read.
    pub display_name: String,
    /// Address.
    pub email: Option<String>,
    /// Whether the person may sign in.
    pub status: UserStatus,
}

/// Whose access is to be given back, and how.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReset {
    /// The administrator's identifier or user name; may be left out when there is one alone.
    #[serde(default)]
    pub user: Option<String>,
    /// Whether the link is mailed to the establishment's contact, and shown to nobody; else it is in the answer, once.
    #[serde(default = "yes")]
    pub send_mail: bool,
}

const fn yes() -> bool {
    true
}

/// A one-time link, on its way to the contact or shown once.
#[derive(Debug)]
pub struct AccessReset {
    /// Whose password it sets.
    pub administrator: Administrator,
    /// The contact's address, when it was mailed there.
    pub mailed_to: Option<String>,
    /// The link, when it was not.
    pub link: Option<Link>,
}

/// Everyone who administers the establishment, by rule or by hand, in the order in which they began. Those who may not sign in are listed too.
pub async fn administrators(ctx: &Context) -> Result<Vec<Administrator>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    administrators_in(&mut tx, ctx).await
}

async fn administrators_in(tx: &mut Tx, ctx: &Context) -> Result<Vec<Administrator>, Error> {
    let filter = Filter {
        application: Some(APPLICATION.to_owned()),
        role: Some(GatewayRole::Administrator.name().to_owned()),
        // A role of the gateway that is bound to a scope gives nothing.
        scope: Some(String::new()),
        ..Filter::default()
    };
    let held = assignment::list(tx, &PageRequest::first(LIMIT_MAX), &filter).await?.items;
    let now = held.iter().filter(|a| ctx.now.is_within(a.valid_from, a.valid_until));
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for id in now.map(|a| a.user_id).filter(|id| seen.insert(*id)).collect::<Vec<_>>() {
        if let Some(person) = user::find(tx, id).await? {
            let user::User { username, display_name, email, status, .. } = person;
            found.push(Administrator { id, username, display_name, email, status });
        }
    }
    Ok(found)
}

/// Makes a one-time link by which an administrator chooses another password. The one in use works until then.
///
/// # Errors
/// `Invalid` when the person is not one administrator of the establishment, with the names of those who are, and when mail was asked for and
/// none can be sent; `Conflict` for someone disabled, or whose password a directory keeps.
pub async fn reset_administrator(ctx: &Context, wanted: &NewReset) -> Result<AccessReset, Error> {
    ctx.require(Permission::ManageEstablishments)?;
    // A letter goes to the contact of now: what is kept in memory may be of a moment ago.
    let now = if wanted.send_mail { Arc::new(current(ctx).await?) } else { ctx.establishment.clone() };
    let ctx = &Context { establishment: now, ..ctx.clone() };
    let mailed_to = if wanted.send_mail { Some(letters::reachable(ctx)?) } else { None };
    let announced = if wanted.send_mail { Some(outbox::announce(ctx).await?) } else { None };
    let mut tx = ctx.store.begin().await?;
    let administrator = chosen(administrators_in(&mut tx, ctx).await?, wanted.user.as_deref())?;
    let link = users::reset_in(&mut tx, ctx, administrator.id).await?;
    if wanted.send_mail {
        letters::write_reset_in(&mut tx, ctx, &administrator.username, &link).await?;
    }
    let detail = json!({ "user": administrator.id, "username": administrator.username, "mailed": wanted.send_mail });
    audit::record_in(&mut tx, ctx, "establishment.access_reset", ("establishment", ctx.slug()), detail.clone()).await?;
    tx.commit().await?;
    if let Some(announced) = announced {
        announced.hurry(ctx).await;
    }
    record_on_platform(ctx, "establishment.access_reset", detail).await?;
    // Mailed to the contact, the link is shown to nobody else.
    Ok(AccessReset { administrator, link: mailed_to.is_none().then_some(link), mailed_to })
}

fn chosen(all: Vec<Administrator>, named: Option<&str>) -> Result<Administrator, Error> {
    let these = all.iter().map(|a| format!("{} ({})", a.username, a.display_name)).collect::<Vec<_>>().join(", ");
    if all.is_empty() {
        return Err(Error::invalid("user", "nobody administers this establishment: give someone the role administrator first"));
    }
    let one_alone = all.len() == 1;
    let fits = |a: &Administrator| named.map_or(one_alone, |named| fold(&a.username) == fold(named) || a.id.to_string() == named);
    let told = match named {
        Some(named) => format!("«{named}» does not administer this establishment; these do: {these}"),
        None => format!("several people administer this establishment, choose one: {these}"),
    };
    all.into_iter().find(fits).ok_or_else(|| Error::invalid("user", told))
}
