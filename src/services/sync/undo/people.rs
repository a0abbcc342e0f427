//! People of a run that is taken back.

use serde_json::{Map, Value, json};

use super::super::super::error::Error;
use super::super::super::users::{self, facts};
use super::super::digest::{self, Kind};
use super::Undo;
use super::fields::{self, Restored};
use crate::store::Tx;
use crate::store::establishment::change::{Change, Operation};
use crate::store::establishment::link::{self, Link};
use crate::store::establishment::user::{self, DisabledBy, User, UserStatus};
use crate::store::establishment::{assignment, credential, membership};
use crate::types::id::UserId;
use crate::types::time::Timestamp;

/// Characters of the identifier that end a name given up for someone else.
const MARK_LENGTH: usize = 8;

impl Undo<'_> {
    /// Takes one change of a person back.
    pub(super) async fn person(&mut self, tx: &mut Tx, change: &Change, parked: bool) -> Result<(), Error> {
        let Some(id) = change.subject_id.map(UserId::from) else { return Ok(()) };
        let Some(user) = user::find(tx, id).await? else {
            if change.operation != Operation::Created {
                self.skip(change, &change.name, "this person is not there any more");
            }
            return Ok(());
        };
        if user.erased_at.is_some() {
            self.skip(change, &user.username, "this person was erased since");
            return Ok(());
        }
        if change.operation == Operation::Created {
            self.uncreate(tx, change, user).await
        } else {
            self.restore(tx, change, user, parked).await
        }
    }

    /// Someone new is removed, as if they had never been; or disabled, when they have something by now.
    async fn uncreate(&mut self, tx: &mut Tx, change: &Change, user: User) -> Result<(), Error> {
        let stated = link::list_of_users_from(tx, self.target.source_id, &[user.id]).await?;
        let Some(stated) = stated.into_iter().next() else {
            self.skip(change, &user.username, "the source states this person no more");
            return Ok(());
        };
        if !stated.present && user.status == UserStatus::Disabled {
            // Done already, by this undo before it was broken off or by the source itself.
            return Ok(());
        }
        if self.later.touched(user.id.uuid()) {
            self.skip(change, &user.username, "a later run changed this person");
            return Ok(());
        }
        let within = membership::groups_of_user(tx, user.id).await?;
        if within.iter().any(|group| !self.out.contains(&(*group, user.id))) {
            self.skip(change, &user.username, "a later run put this person into a group");
            return Ok(());
        }
        if self.is_bare(tx, &user, &stated).await? {
            self.freed.insert(user.id);
            self.note(change, Operation::Removed, &user.username, None);
            return if self.preview { Ok(()) } else { users::purge_in(tx, self.ctx, user.id, json!({ "undone": self.target.id })).await };
        }
        let reason = "new with the run that was taken back, and disabled because they have signed in or hold something by now";
        self.note(change, Operation::Disabled, &user.username, Some(json!({ "reason": reason })));
        if self.preview { Ok(()) } else { self.shut(tx, stated, user).await }
    }

    /// Whether nothing hangs on someone: they never signed in, have no password and no role given by hand, and no other source states them.
    async fn is_bare(&self, tx: &mut Tx, user: &User, stated: &Link) -> Result<bool, Error> {
        Ok(user.last_sign_in_at.is_none()
            && user.disabled_by != Some(DisabledBy::Administrator)
            && credential::find_password_hash(tx, user.id).await?.is_none()
            && !assignment::any_manual_of_user(tx, user.id, Timestamp::default()).await?
            && link::list_of_user(tx, user.id).await?.iter().all(|link| link.source_id == stated.source_id))
    }

    async fn shut(&mut self, tx: &mut Tx, mut stated: Link, user: User) -> Result<(), Error> {
        let id = user.id;
        stated.content_hash = Vec::new();
        facts::keep_links_in(tx, &[stated]).await?;
        facts::mark_gone_in(tx, self.target.source_id, id, self.ctx.now).await?;
        self.touched.push(id);
        if user.disabled_by != Some(DisabledBy::Administrator) {
            users::disable_in(tx, self.ctx, user, DisabledBy::Source).await?;
        }
        Ok(())
    }

    /// Puts back the fields, the place and the right to sign in.
    async fn restore(&mut self, tx: &mut Tx, change: &Change, before: User, parked: bool) -> Result<(), Error> {
        let none = Map::new();
        let detail = change.detail.as_ref().and_then(Value::as_object).unwrap_or(&none);
        let mut user = before.clone();
        let mut stated = link::list_of_users_from(tx, self.target.source_id, &[user.id]).await?.into_iter().next();
        let was_present = stated.as_ref().is_some_and(|link| link.present);
        let mut restored = fields::of_person(detail, &mut user, stated.as_mut());
        let joined = stated.as_ref().filter(|link| detail.get("joined").and_then(Value::as_str) == Some(&link.external_id));
        if let Some(link) = joined {
            restored.back.insert("joined".to_owned(), json!({ "before": link.external_id, "after": null }));
        }
        let parting = joined.is_some();
        if !self.rename(tx, detail, &mut user, &mut restored, parked).await? {
            self.waiting.push(change.clone());
            return Ok(());
        }
        let turned = match change.operation {
            Operation::Disabled => (before.status == UserStatus::Disabled).then_some(Operation::Enabled),
            Operation::Enabled => (before.status != UserStatus::Disabled).then_some(Operation::Disabled),
            _ => None,
        };
        // An administrator's word, spoken since, stands.
        let shut = turned == Some(Operation::Enabled) && before.disabled_by == Some(DisabledBy::Administrator);
        let turned = turned.filter(|_| !shut);
        self.tell(change, &before.username, &restored, turned, shut);
        if self.preview || (restored.back.is_empty() && turned.is_none() && !parked) {
            return Ok(());
        }
        if parked {
            keep_name_in(tx, &mut user).await?;
        }
        if let Some(link) = stated.take_if(|_| parting) {
            facts::forget_link_in(tx, link.source_id, &link.external_id).await?;
        }
        if let Some(mut link) = stated {
            link.place = link.dn.as_deref().and_then(|dn| connectors::dn::normalise(dn).ok()).map(|dn| place(&dn));
            // The next reading applies the record again, whatever it says.
            link.content_hash = Vec::new();
            let gone = was_present && !link.present;
            facts::keep_links_in(tx, &[Link { present: link.present || gone, ..link }]).await?;
            if gone {
                facts::mark_gone_in(tx, self.target.source_id, user.id, self.ctx.now).await?;
            }
        }
        user.updated_at = self.ctx.now;
        self.touched.push(user.id);
        match turned {
            Some(Operation::Enabled) => users::enable_in(tx, self.ctx, user).await.map(|_| ()),
            Some(_) => users::disable_in(tx, self.ctx, user, DisabledBy::Source).await.map(|_| ()),
            None => facts::restate_in(tx, &user).await,
        }
    }

    /// Gives a former user name back, when it is free. False when it is still another's who may give it up too.
    async fn rename(
        &mut self,
        tx: &mut Tx,
        detail: &Map<String, Value>,
        user: &mut User,
        restored: &mut Restored,
        parked: bool,
    ) -> Result<bool, Error> {
        let name = |key: &str| detail.get("username")?.get(key)?.as_str();
        let Some((former, left_with)) = name("before").zip(name("after")) else { return Ok(true) };
        if user.username == former {
            return Ok(true);
        }
        if user.username != left_with {
            restored.left.push("username".to_owned());
            return Ok(true);
        }
        let holder = user::find_by_username(tx, former).await?.filter(|holder| holder.id != user.id && !self.freed.contains(&holder.id));
        match holder {
            Some(_) if !parked => return Ok(false),
            Some(_) => restored.left.push("username".to_owned()),
            None => {
                self.freed.insert(user.id);
                former.clone_into(&mut user.username);
                restored.back.insert("username".to_owned(), json!({ "before": left_with, "after": former }));
            }
        }
        Ok(true)
    }

    /// Has everyone whose former name is still another's give up their own.
    pub(super) async fn park(&mut self, tx: &mut Tx, changes: &[Change]) -> Result<(), Error> {
        for id in changes.iter().filter_map(|change| change.subject_id).map(UserId::from) {
            self.freed.insert(id);
            if !self.preview {
                facts::park_name_in(tx, id).await?;
            }
        }
        Ok(())
    }

    fn tell(&mut self, change: &Change, name: &str, restored: &Restored, turned: Option<Operation>, shut: bool) {
        let moved = restored.back.contains_key("dn");
        let fields = restored.back.keys().any(|field| field != "dn");
        let happened = turned.or(moved.then_some(Operation::Moved)).or(fields.then_some(Operation::Updated));
        if let Some(operation) = happened {
            self.note(change, operation, name, Some(Value::Object(restored.back.clone())).filter(|_| !restored.back.is_empty()));
        }
        if shut {
            self.skip(change, name, "an administrator disabled this person since");
        }
        if !restored.left.is_empty() {
            let why = format!("changed again since: {}", restored.left.join(", "));
            self.skip(change, name, &why);
        }
    }
}

/// Whoever does not get the former name back keeps the one they had, marked when it went to its former owner.
async fn keep_name_in(tx: &mut Tx, user: &mut User) -> Result<(), Error> {
    if user::find_by_username(tx, &user.username).await?.is_some_and(|holder| holder.id != user.id) {
        let id = user.id.to_string();
        let mark = id.get(id.len().saturating_sub(MARK_LENGTH)..).unwrap_or(&id);
        user.username = format!("{}~{mark}", user.username);
    }
    Ok(())
}

fn place(dn_key: &str) -> Vec<u8> {
    digest::of(Kind::Dn, dn_key).to_be_bytes().to_vec()
}
