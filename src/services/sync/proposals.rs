//! Who may be whom: what runs propose, and what a person decides. Accepting joins the two at once.

use connectors::Person;
use serde_json::{Value, json};

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::super::users::facts;
use super::super::{logout_notices, roles, users};
use super::apply::fields::{differences, state, stated};
use super::digest::{self, Hash, Kind};
use super::matching::authority::Word;
use super::reconcile::{Standing, Turn};
use super::voices::{self, Declared, Voices};
use crate::store::Tx;
use crate::store::establishment::link::{self, Link};
use crate::store::establishment::proposal::{self, Filter, Proposal, ProposalState};
use crate::store::establishment::source;
use crate::store::establishment::statement::{Stated, Statement};
use crate::store::establishment::user::{self, DisabledBy, User};
use crate::types::id::ProposalId;
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;

/// A page of proposals, oldest first.
pub async fn list(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<Proposal>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    Ok(proposal::list(&mut tx, page, filter).await?)
}

/// One proposal.
///
/// # Errors
/// `NotFound`.
pub async fn show(ctx: &Context, id: ProposalId) -> Result<Proposal, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    proposal::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("proposal"))
}

/// Says that they are one: the entry is the person's from now on. Memberships follow with the next complete reading.
///
/// # Errors
/// `NotFound`; `Conflict` when it was decided, or when the entry or the person belongs to another by now; `Forbidden` for someone who may do
/// more than whoever decides.
pub async fn accept(ctx: &Context, id: ProposalId) -> Result<Proposal, Error> {
    ctx.require(Permission::ManageSources)?;
    let notices = logout_notices::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let open = open_in(&mut tx, id).await?;
    // What the entry's groups give would be theirs.
    roles::not_oneself(ctx, open.user_id)?;
    users::may_change_in(&mut tx, ctx, open.user_id).await?;
    let source = source::find(&mut tx, open.source_id).await?.filter(|source| source.enabled);
    let Some(source) = source else {
        return Err(Error::Conflict(format!("the source «{}» is disabled: enable it first", open.source)));
    };
    // What a feed pushed is not kept: it is joined when the feed asks again.
    if super::super::sources::is_read(&source).is_ok() {
        let person = entry_of(&open)?;
        join_in(&mut tx, ctx, &open, &person).await?;
    }
    let accepted = decide_in(&mut tx, ctx, open, ProposalState::Accepted).await?;
    // Whoever else it might have been, it is not.
    proposal::withdraw_of_entry(&mut tx, accepted.source_id, &accepted.external_id).await?;
    tx.commit().await?;
    notices.hurry(ctx).await;
    Ok(accepted)
}

/// Says that they are two: it is not proposed again, and the next run makes someone of the entry.
///
/// # Errors
/// `NotFound`; `Conflict` when it was decided.
pub async fn reject(ctx: &Context, id: ProposalId) -> Result<Proposal, Error> {
    ctx.require(Permission::ManageSources)?;
    let mut tx = ctx.store.begin().await?;
    let open = open_in(&mut tx, id).await?;
    let rejected = decide_in(&mut tx, ctx, open, ProposalState::Rejected).await?;
    tx.commit().await?;
    Ok(rejected)
}

async fn open_in(tx: &mut Tx, id: ProposalId) -> Result<Proposal, Error> {
    let found = proposal::find(tx, id).await?.ok_or_else(|| Error::not_found("proposal"))?;
    if found.state == ProposalState::Open {
        return Ok(found);
    }
    let by = found.decided_by.as_deref().unwrap_or("someone");
    Err(Error::Conflict(format!("it was decided already, by {by}")))
}

async fn decide_in(tx: &mut Tx, ctx: &Context, open: Proposal, state: ProposalState) -> Result<Proposal, Error> {
    let decided = Proposal { state, decided_at: Some(ctx.now), decided_by: Some(ctx.actor.label()), ..open };
    proposal::decide(tx, &decided).await?;
    let action = if state == ProposalState::Accepted { "proposal.accepted" } else { "proposal.rejected" };
    let detail =
        json!({ "source": decided.source, "external_id": decided.external_id, "user": decided.user_id, "username": decided.username });
    audit::record_in(tx, ctx, action, ("proposal", &decided.id.to_string()), detail).await?;
    Ok(decided)
}

fn entry_of(open: &Proposal) -> Result<Person, Error> {
    let entry = open.detail.get("entry").cloned().unwrap_or(Value::Null);
    serde_json::from_value(entry)
        .map_err(|_| Error::Conflict("the entry was not read since an upgrade: sync the source, and accept then".to_owned()))
}

/// Makes an entry someone's who is known already.
async fn join_in(tx: &mut Tx, ctx: &Context, open: &Proposal, person: &Person) -> Result<(), Error> {
    let before = user::get(tx, open.user_id).await?;
    let source = open.source_id;
    let taken = link::list_known_by_keys(tx, source, std::slice::from_ref(&open.external_id)).await?;
    if !taken.is_empty() {
        return Err(Error::Conflict("the entry is someone's already".to_owned()));
    }
    if link::list_of_user(tx, before.id).await?.iter().any(|link| link.source_id == source) {
        return Err(Error::Conflict(format!("«{}» states this person by another entry", open.source)));
    }
    let voices = Voices::load(tx, source, &[&before]).await?;
    let (ours, mut after) = (stated(person), before.clone());
    // The user name is what people sign in with: the next reading changes it, if it is free and this source's to give.
    state(&mut after, Stated { username: before.username.clone(), ..voices.with(before.id, source, &ours) });
    facts::keep_links_in(tx, &[link_of(open, person)]).await?;
    let said = Statement { source_id: source, external_id: open.external_id.clone(), user_id: before.id, stated: ours, present: true };
    voices.keep_in(tx, &[said]).await?;
    let rows = voices::elsewhere(tx, source, &[before.id]).await?;
    let others = Declared::load(tx).await?.others(source, rows.get(&before.id).map(Vec::as_slice).unwrap_or_default());
    let standing = Standing::of(before.status, before.disabled_by);
    match Turn::of(standing, others.may_enter(Word::of(true, person.active))) {
        Turn::Disable => drop(users::disable_in(tx, ctx, after, DisabledBy::Source).await?),
        Turn::Enable => drop(users::enable_in(tx, ctx, after).await?),
        Turn::Keep if !differences(&before, &after).is_empty() => facts::restate_in(tx, &User { updated_at: ctx.now, ..after }).await?,
        Turn::Keep => {}
    }
    roles::recompute_users_in(tx, ctx, &[before.id]).await.map(drop)
}

/// The entry's link. Its hash is no record's, so that the next reading applies the entry whatever it says.
fn link_of(open: &Proposal, person: &Person) -> Link {
    Link {
        source_id: open.source_id,
        external_id: open.external_id.clone(),
        user_id: open.user_id,
        dn: Some(person.dn.clone()),
        place: Some(digest::of(Kind::Dn, &person.dn_key).to_be_bytes().to_vec()),
        content_hash: Hash::default().to_vec(),
        present: true,
        active: person.active,
    }
}
