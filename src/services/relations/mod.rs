//! Relations between people, such as the tutor of an apprentice: what the level `own` of a catalogue speaks of. Gives no role by itself.

mod import;

pub use import::{RelationRow, import};

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::audit;
use super::context::Context;
use super::error::Error;
use super::roles::not_oneself;
use crate::store;
use crate::store::Tx;
use crate::store::establishment::relation::{self, Filter, Relation};
use crate::store::establishment::user::{self, User};
use crate::types::Invalid;
use crate::types::id::{RelationId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;
use crate::types::time::Timestamp;
use crate::types::wording;

/// A relation to be added: `user` is the `kind` of `other`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRelation {
    /// What the one is to the other: `tutor`. Lower-case letters, digits, `_` and `-`.
    pub kind: String,
    /// The one: the tutor.
    pub user: UserId,
    /// The other: the apprentice.
    pub other: UserId,
    /// It holds from then on; at once when left out.
    #[serde(default)]
    pub valid_from: Option<Timestamp>,
    /// It holds until then; without end when left out.
    #[serde(default)]
    pub valid_until: Option<Timestamp>,
    /// Why, in a person's words.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A page of relations, oldest first.
pub async fn list(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<Relation>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    Ok(relation::list(&mut tx, page, filter).await?)
}

/// One relation.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, id: RelationId) -> Result<Relation, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    relation::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("relation"))
}

/// Adds a relation.
///
/// # Errors
/// `Invalid` for a kind of another form, a person who is not there or who stands in relation to themselves, and an end before the start;
/// `Conflict` when the two are in this relation already; `Forbidden` for oneself: it may give the caller what is `own`.
pub async fn add(ctx: &Context, new: &NewRelation) -> Result<Relation, Error> {
    ctx.require(Permission::ManageRoles)?;
    not_oneself(ctx, new.user)?;
    let wrong_time = wording::wrong_time(ctx.now, new.valid_from, new.valid_until);
    let mut wrong = wording::wrong_relation("kind", &new.kind).into_iter().chain(wrong_time).collect::<Vec<_>>();
    if new.user == new.other {
        wrong.push(to_oneself("other"));
    }
    wrong.extend(wording::wrong_reason("reason", new.reason.as_deref()));
    let mut tx = ctx.store.begin().await?;
    let one = person_in(&mut tx, "user", new.user, &mut wrong).await?;
    let other = person_in(&mut tx, "other", new.other, &mut wrong).await?;
    let (Some(one), Some(other), true) = (one, other, wrong.is_empty()) else { return Err(Error::Invalid(wrong)) };
    let made = Relation {
        id: RelationId::new(),
        kind: new.kind.clone(),
        user_id: one.id,
        username: one.username,
        other_id: other.id,
        other_username: other.username,
        valid_from: new.valid_from,
        valid_until: new.valid_until,
        reason: wording::words(new.reason.as_deref()).map(str::to_owned),
        created_at: ctx.now,
    };
    relation::insert_all(&mut tx, std::slice::from_ref(&made)).await.map_err(|error| match error {
        store::Error::Taken(_) => Error::Conflict("the two are in this relation already: end that one first".to_owned()),
        other => other.into(),
    })?;
    record_in(&mut tx, ctx, "relation.added", &made).await?;
    tx.commit().await?;
    Ok(made)
}

/// Ends a relation.
///
/// # Errors
/// `NotFound`; `Forbidden` for one's own.
pub async fn end(ctx: &Context, id: RelationId) -> Result<(), Error> {
    ctx.require(Permission::ManageRoles)?;
    let mut tx = ctx.store.begin().await?;
    let ended = relation::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("relation"))?;
    not_oneself(ctx, ended.user_id)?;
    relation::delete(&mut tx, id).await?;
    record_in(&mut tx, ctx, "relation.ended", &ended).await?;
    tx.commit().await?;
    Ok(())
}

async fn person_in(tx: &mut Tx, field: &str, id: UserId, wrong: &mut Vec<Invalid>) -> Result<Option<User>, Error> {
    let found = user::find(tx, id).await?;
    if found.is_none() {
        wrong.push(Invalid::new(field, format!("there is no user {id}")));
    }
    Ok(found)
}

fn to_oneself(field: &str) -> Invalid {
    Invalid::new(field, "nobody stands in relation to themselves: name someone else")
}

async fn record_in(tx: &mut Tx, ctx: &Context, action: &str, r: &Relation) -> Result<(), Error> {
    let detail = json!({ "relation": r.id, "kind": r.kind, "other": r.other_id, "valid_from": r.valid_from, "valid_until": r.valid_until,
        "reason": r.reason });
    audit::record_in(tx, ctx, action, ("user", &r.user_id.to_string()), detail).await
}
