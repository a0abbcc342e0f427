//! A source that is removed with what came from it: people are kept, disabled or removed, in short transactions that whoever asks again goes
//! on with.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::super::logout_notices;
use super::super::roles::{self, Naming};
use super::super::schedules;
use super::super::source_routes;
use super::super::users::{self, facts};
use super::round::is_kept;
use crate::store::Tx;
use crate::store::establishment::group::LOCAL;
use crate::store::establishment::source::{self, Source};
use crate::store::establishment::user::{self, DisabledBy, User, UserStatus};
use crate::store::establishment::{change, credential, group, link, sync_run};
use crate::types::permission::Permission;

/// People seen to in one transaction.
const PEOPLE_AT_ONCE: i64 = 50;
/// Groups seen to in one transaction.
const GROUPS_AT_ONCE: i64 = 200;
/// Changes of former runs removed in one transaction.
const CHANGES_AT_ONCE: i64 = 5000;

/// What becomes of the people of a source that is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// They stay as they are, and are the establishment's own from then on. So are the groups.
    Keep,
    /// They are disabled, unless another source states them. The groups go.
    Disable,
    /// They are removed, unless another source states them or a person gave them a role by hand. The groups go.
    Purge,
}

/// What a removal did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Removal {
    /// People who came from the source.
    pub people: u64,
    /// Of these, people whom another source states: only this source's word is gone.
    pub stated_elsewhere: u64,
    /// People who stay as they were.
    pub kept: u64,
    /// Of those kept who may sign in, people without a password of their own: a reset gives them one.
    pub without_password: u64,
    /// People disabled, or disabled already and kept so.
    pub disabled: u64,
    /// People removed.
    pub purged: u64,
    /// Groups that stay, the establishment's own.
    pub groups_kept: u64,
    /// Groups removed.
    pub groups_removed: u64,
}

/// Removes a source with what came from it. With `preview`, only counts. Interrupted, it leaves the source disabled, and goes on when asked again.
///
/// # Errors
/// `NotFound`; `Conflict` while a run is under way, or while rules name it; `Invalid` when people would be removed and the source's name is not given to confirm it.
pub async fn remove(ctx: &Context, name: &str, fate: Fate, confirm: Option<&str>, preview: bool) -> Result<Removal, Error> {
    ctx.require(Permission::ManageSources)?;
    ctx.require(Permission::ManageUsers)?;
    if fate == Fate::Purge && !preview && confirm != Some(name) {
        return Err(Error::invalid("confirm", format!("people are removed for good, without days of grace: say «{name}» to confirm it")));
    }
    source_routes::may_go(ctx, name).await?;
    check_unnamed_in(&mut ctx.store.read().await?, name, fate).await?;
    let source = close(ctx, name, fate, preview).await?;
    let mut work = Work { ctx, source: &source, fate, preview, removal: Removal::default() };
    work.people().await?;
    work.groups().await?;
    if preview {
        return Ok(work.removal);
    }
    // It is disabled already: whoever keeps it up lets go of it now.
    schedules::announce(ctx, source.id, source.schedule.is_some()).await?.hurry(ctx).await;
    while forget_changes(ctx, &source).await? {}
    let told = roles::effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    check_unnamed_in(&mut tx, name, fate).await?;
    work.keep_groups_in(&mut tx).await?;
    let removal = work.removal;
    roles::recompute_all_in(&mut tx, ctx).await?;
    source::delete(&mut tx, source.id).await?;
    audit::record_in(&mut tx, ctx, "source.deleted", ("source", &source.name), json!({ "people": fate, "removal": removal })).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(removal)
}

/// Whether rules stand in the way. Where groups are kept, rules that name their source follow them; nobody comes from it any more in any case.
async fn check_unnamed_in(tx: &mut Tx, name: &str, fate: Fate) -> Result<(), Error> {
    let naming = if fate == Fate::Keep { Naming::People } else { Naming::Any };
    roles::check_unnamed_in(tx, name, naming).await
}

/// The source, disabled before anything of it goes.
async fn close(ctx: &Context, name: &str, fate: Fate, preview: bool) -> Result<Source, Error> {
    let mut tx = ctx.store.begin().await?;
    let mut source = source::find_by_name(&mut tx, name).await?.ok_or_else(|| Error::not_found(format!("source «{name}»")))?;
    if preview {
        return Ok(source);
    }
    if sync_run::find_unfinished(&mut tx, source.id).await?.is_some() {
        return Err(Error::Conflict("a run of this source is going on: wait for its end".to_owned()));
    }
    source.enabled = false;
    source.updated_at = ctx.now;
    source::update(&mut tx, &source).await?;
    audit::record_in(&mut tx, ctx, "source.removal_started", ("source", &source.name), json!({ "people": fate })).await?;
    tx.commit().await?;
    Ok(source)
}

/// One removal at work.
struct Work<'a> {
    ctx: &'a Context,
    source: &'a Source,
    fate: Fate,
    /// Whether things are only counted.
    preview: bool,
    removal: Removal,
}

impl Work<'_> {
    async fn people(&mut self) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let rows = link::list_known_after(&mut self.ctx.store.read().await?, self.source.id, &after, PEOPLE_AT_ONCE).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            last.external_id.clone_into(&mut after);
            let notices = logout_notices::announce(self.ctx).await?;
            let mut tx = self.ctx.store.begin().await?;
            for row in &rows {
                if let Some(user) = user::find(&mut tx, row.user_id).await? {
                    self.person(&mut tx, user, &row.external_id).await?;
                }
            }
            if !self.preview {
                tx.commit().await?;
                notices.hurry(self.ctx).await;
            }
        }
    }

    async fn person(&mut self, tx: &mut Tx, mut user: User, external_id: &str) -> Result<(), Error> {
        let (ctx, id) = (self.ctx, user.id);
        self.removal.people += 1;
        let links = link::list_of_user(tx, id).await?;
        if !self.preview {
            facts::forget_link_in(tx, self.source.id, external_id).await?;
        }
        if links.iter().any(|link| link.present && link.source_id != self.source.id) {
            self.removal.stated_elsewhere += 1;
            if !self.preview {
                // What the others say of them is applied again by the next reading: the word of this one stands there no more.
                facts::doubt_links_in(tx, id).await?;
            }
            return Ok(());
        }
        // Whoever asks does not shut themselves out.
        let fate = if ctx.actor.person() == Some(id) { Fate::Keep } else { self.fate };
        let stands = fate == Fate::Purge && is_kept(tx, ctx, id).await?.is_some();
        match fate {
            Fate::Purge if !stands => {
                self.removal.purged += 1;
                if !self.preview {
                    users::purge_in(tx, ctx, id, users::by_policy(&[&self.source.name])).await?;
                }
            }
            Fate::Keep if user.status != UserStatus::Disabled => {
                self.removal.kept += 1;
                self.removal.without_password += u64::from(credential::find_password_hash(tx, id).await?.is_none());
            }
            _ => {
                self.removal.disabled += 1;
                if !self.preview && user.disabled_by != Some(DisabledBy::Administrator) {
                    // No source is left that could give it back: an administrator may.
                    user.disabled_by = None;
                    users::disable_in(tx, ctx, user, DisabledBy::Administrator).await?;
                }
            }
        }
        Ok(())
    }

    async fn groups(&mut self) -> Result<(), Error> {
        let (source, store) = (self.source.id, &self.ctx.store);
        let keeps = self.fate == Fate::Keep;
        if self.preview {
            let counter = if keeps { &mut self.removal.groups_kept } else { &mut self.removal.groups_removed };
            *counter = u64::try_from(group::list_of_source(&mut store.read().await?, source).await?.len()).unwrap_or(u64::MAX);
            return Ok(());
        }
        if keeps {
            return Ok(());
        }
        loop {
            let mut tx = store.begin().await?;
            let some = facts::remove_groups_in(&mut tx, source, GROUPS_AT_ONCE).await?;
            tx.commit().await?;
            if some == 0 {
                return Ok(());
            }
            self.removal.groups_removed += some;
        }
    }

    /// Groups that are kept become the establishment's own together with the rules that name their source, so that nobody is without what these
    /// give in between.
    async fn keep_groups_in(&mut self, tx: &mut Tx) -> Result<(), Error> {
        if self.fate != Fate::Keep {
            return Ok(());
        }
        roles::follow_source_in(tx, self.ctx, (&self.source.name, LOCAL), Naming::Groups).await?;
        loop {
            let some = facts::detach_groups_in(tx, self.source.id, GROUPS_AT_ONCE).await?;
            if some == 0 {
                return Ok(());
            }
            self.removal.groups_kept += some;
        }
    }
}

/// Removes some changes of the source's former runs. False when none are left.
async fn forget_changes(ctx: &Context, source: &Source) -> Result<bool, Error> {
    let mut tx = ctx.store.begin().await?;
    let some = change::delete_some_of_source(&mut tx, source.id, CHANGES_AT_ONCE).await?;
    tx.commit().await?;
    Ok(some > 0)
}
