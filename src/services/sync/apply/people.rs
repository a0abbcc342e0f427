//! People of a plan: names are freed before they are given, so that one can be used again or swapped within a run.

use std::collections::{BTreeMap, HashMap, HashSet};

use connectors::Person;
use serde_json::{Value, json};

use super::super::super::error::Error;
use super::super::super::users::{self, facts};
use super::super::digest::Digest;
use super::super::reconcile::{Gone, Refresh, SeenPerson, Turn};
use super::super::voices::Voices;
use super::Work;
use super::fields::{differences, state, stated};
use crate::store::Tx;
use crate::store::dialect::ROWS_PER_INSERT;
use crate::store::establishment::change::{ChangeKind, Operation};
use crate::store::establishment::link::{self, Link};
use crate::store::establishment::statement::{Stated, Statement};
use crate::store::establishment::user::{self, DisabledBy, User, UserStatus};
use crate::types::id::UserId;

/// Characters of the identifier that end a name taken over by someone else.
const RELEASED_MARK_LENGTH: usize = 8;
/// People disabled or restated between two looks at the weight: each takes several statements.
const ONE_BY_ONE: usize = 100;
/// What it weighs to disable someone, to restate someone, to write someone new.
const DISABLE_WEIGHT: usize = 250;
const RESTATE_WEIGHT: usize = 60;
const CREATE_WEIGHT: usize = 25;

/// People about to be written.
#[derive(Default)]
struct Fresh {
    users: Vec<User>,
    links: Vec<Link>,
    /// Why each is disabled from the start, when so.
    reasons: Vec<Option<String>>,
}

impl Work<'_> {
    /// Gone, renamed, restated, new: in this order.
    pub(super) async fn people(&mut self) -> Result<(), Error> {
        let plan = self.plan;
        for chunk in plan.people.gone.chunks(ONE_BY_ONE) {
            let mut tx = self.take().await?;
            self.gone(&mut tx, chunk).await?;
            self.give_back(tx, chunk.len() * DISABLE_WEIGHT).await?;
        }
        for chunk in plan.people.released.chunks(ROWS_PER_INSERT) {
            let mut tx = self.take().await?;
            self.release(&mut tx, chunk).await?;
            self.give_back(tx, chunk.len() * RESTATE_WEIGHT).await?;
        }
        let (entangled, others) = self.entangled();
        if !entangled.is_empty() {
            // Names that go round among them: in one transaction, or someone would be left with a name nobody gave.
            let mut tx = self.take().await?;
            if self.writes {
                for person in entangled.iter().filter_map(|one| self.inbox.known.people.get(one.known)) {
                    facts::park_name_in(&mut tx, person.user).await?;
                }
            }
            for chunk in entangled.chunks(ROWS_PER_INSERT) {
                self.refresh(&mut tx, chunk).await?;
            }
            self.give_back(tx, entangled.len() * RESTATE_WEIGHT).await?;
        }
        for chunk in others.chunks(ONE_BY_ONE) {
            let mut tx = self.take().await?;
            self.refresh(&mut tx, chunk).await?;
            let disabled = chunk.iter().filter(|one| one.turn == Turn::Disable).count();
            self.give_back(tx, chunk.len() * RESTATE_WEIGHT + disabled * DISABLE_WEIGHT).await?;
        }
        self.create().await
    }

    /// Those whose new name is still another's who gets a new one too, with these, apart from everyone else.
    fn entangled(&self) -> (Vec<Refresh>, Vec<Refresh>) {
        let name_before = |one: &Refresh| self.inbox.known.people.get(one.known).map(|person| person.name);
        let name_after = |one: &Refresh| self.inbox.people.get(one.seen).and_then(|person| person.name);
        let renamed = || self.plan.people.refreshed.iter().filter(|one| one.fields && one.renamed);
        let before: HashSet<Digest> = renamed().filter_map(name_before).collect();
        let after: HashSet<Digest> = renamed().filter_map(name_after).collect();
        self.plan.people.refreshed.iter().copied().partition(|one| {
            let takes = name_after(one).is_some_and(|name| before.contains(&name));
            let gives = name_before(one).is_some_and(|name| after.contains(&name));
            one.fields && one.renamed && (takes || gives)
        })
    }

    async fn users(&self, tx: &mut Tx, known: impl Iterator<Item = usize>) -> Result<HashMap<UserId, User>, Error> {
        let ids: Vec<UserId> = known.filter_map(|at| self.inbox.known.people.get(at)).map(|person| person.user).collect();
        Ok(user::list_by_ids(tx, &ids).await?.into_iter().map(|user| (user.id, user)).collect())
    }

    async fn gone(&mut self, tx: &mut Tx, chunk: &[Gone]) -> Result<(), Error> {
        let mut users = self.users(tx, chunk.iter().map(|gone| gone.known)).await?;
        let voices = self.voices(tx, chunk.iter().map(|gone| gone.known), &users).await?;
        for gone in chunk {
            let Some(before) = self.inbox.known.people.get(gone.known).and_then(|person| users.remove(&person.user)) else { continue };
            let mut user = before.clone();
            if let Some(left) = voices.without(user.id, self.run.source_id) {
                // The name stays until whoever gives it from now on states it.
                state(&mut user, Stated { username: before.username.clone(), ..left });
            }
            let mut detail = differences(&before, &user);
            detail.insert("reason".to_owned(), json!("the entry is gone from the source"));
            detail.insert("present".to_owned(), json!({ "before": true, "after": false }));
            let operation = match (gone.disabled, gone.enabled) {
                (true, _) => Operation::Disabled,
                (_, true) => Operation::Enabled,
                _ => Operation::Updated,
            };
            self.journal.note(tx, (ChangeKind::User, operation), Some(user.id.uuid()), &user.username, Some(Value::Object(detail))).await?;
            self.count(operation);
            if let Some(supposed) = &mut self.supposed {
                supposed.gone(self.run.source_id, &user, (gone.disabled, gone.enabled));
            }
            if self.writes {
                facts::mark_gone_in(tx, self.run.source_id, user.id, self.ctx.now).await?;
                self.losing.push(user.id);
                match (gone.disabled, gone.enabled) {
                    (true, _) => drop(users::disable_in(tx, self.ctx, user, DisabledBy::Source).await?),
                    (_, true) => drop(users::enable_in(tx, self.ctx, user).await?),
                    _ if user != before => facts::restate_in(tx, &User { updated_at: self.ctx.now, ..user }).await?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Someone gone leaves the user name to whom the source gave it, and keeps everything else.
    async fn release(&mut self, tx: &mut Tx, chunk: &[usize]) -> Result<(), Error> {
        let users = self.users(tx, chunk.iter().copied()).await?;
        for user in users.values() {
            let id = user.id.to_string();
            let mark = id.get(id.len().saturating_sub(RELEASED_MARK_LENGTH)..).unwrap_or(&id);
            let released = format!("{}~{mark}", user.username);
            let detail = json!({ "username": { "before": user.username, "after": released }, "reason": "the source gave the user name to someone else" });
            self.journal.note(tx, (ChangeKind::User, Operation::Updated), Some(user.id.uuid()), &user.username, Some(detail)).await?;
            self.count(Operation::Updated);
            if self.writes {
                facts::release_name_in(tx, user.id, &released).await?;
            }
        }
        Ok(())
    }

    async fn refresh(&mut self, tx: &mut Tx, chunk: &[Refresh]) -> Result<(), Error> {
        let mut users = self.users(tx, chunk.iter().map(|one| one.known)).await?;
        let ids: Vec<UserId> = users.keys().copied().collect();
        let links = link::list_of_users_from(tx, self.run.source_id, &ids).await?;
        let mut links: HashMap<UserId, Link> = links.into_iter().map(|link| (link.user_id, link)).collect();
        let voices = self.voices(tx, chunk.iter().map(|one| one.known), &users).await?;
        let (mut kept, mut said) = (Vec::with_capacity(chunk.len()), Vec::new());
        for one in chunk {
            let Some(seen) = self.inbox.people.get(one.seen) else { continue };
            let known = self.inbox.known.people.get(one.known);
            let Some((user, known)) = known.and_then(|known| Some((users.remove(&known.user)?, known))) else { continue };
            let Some(place) = seen.spooled else { continue };
            let person = self.inbox.spool.get(place)?;
            let before = links.remove(&user.id);
            if before.is_none() && !one.fields {
                // Found again, and set aside for the user name: still nobody of this source.
                continue;
            }
            let mut link = before.clone().unwrap_or_else(|| self.link(user.id, seen, &person));
            let ours = stated(&person);
            let wanted = match (one.fields, known.others.shared) {
                (false, _) => Stated::of(&user),
                (true, false) => ours.clone(),
                (true, true) => voices.with(user.id, self.run.source_id, &ours),
            };
            if one.fields && known.others.shared {
                let (source_id, external_id) = (self.run.source_id, person.external_id.clone());
                said.push(Statement { source_id, external_id, user_id: user.id, stated: ours, present: true });
            }
            self.restate(tx, one, (user, wanted), before.as_ref(), &person).await?;
            if let Some(supposed) = self.supposed.as_mut().filter(|_| one.fields) {
                supposed.present(self.run.source_id, link.user_id, &person.dn);
            }
            if one.fields {
                link.dn = Some(person.dn);
                link.place = Some(seen.dn.to_be_bytes().to_vec());
                link.content_hash = seen.hash.to_vec();
                link.present = true;
            }
            link.active = person.active;
            kept.push(link);
        }
        if self.writes {
            facts::keep_links_in(tx, &kept).await?;
            voices.keep_in(tx, &said).await?;
        }
        Ok(())
    }

    /// What every source says of those among these whom others state too.
    async fn voices(&self, tx: &mut Tx, known: impl Iterator<Item = usize>, users: &HashMap<UserId, User>) -> Result<Voices, Error> {
        let shared = known.filter_map(|at| self.inbox.known.people.get(at)).filter(|person| person.others.shared);
        let shared: Vec<&User> = shared.filter_map(|person| users.get(&person.user)).collect();
        Voices::load(tx, self.run.source_id, &shared).await
    }

    /// Applies one record to whom it is about, and notes what differs.
    async fn restate(
        &mut self,
        tx: &mut Tx,
        one: &Refresh,
        (before, wanted): (User, Stated),
        link: Option<&Link>,
        person: &Person,
    ) -> Result<(), Error> {
        let mut after = before.clone();
        state(&mut after, wanted);
        let mut detail = differences(&before, &after);
        // Someone whom another source stated first is this one's too from now on.
        if link.is_none() {
            detail.insert("joined".to_owned(), json!(person.external_id));
        }
        let fields_differ = !detail.is_empty();
        // An administrator's word, spoken while the run was under way, stands.
        let shut = before.disabled_by == Some(DisabledBy::Administrator);
        let turn = if one.turn == Turn::Enable && shut { Turn::Keep } else { one.turn };
        let elsewhere = |link: &Link| link.dn.as_deref().is_none_or(|dn| connectors::dn::normalise(dn).as_deref() != Ok(&person.dn_key));
        let moved = one.fields && link.is_some_and(elsewhere);
        if moved {
            detail.insert("dn".to_owned(), json!({ "before": link.map(|link| &link.dn), "after": person.dn }));
        }
        let standing = link.map(|link| [("present", link.present, link.present || one.fields), ("active", link.active, person.active)]);
        for (field, before, after) in standing.into_iter().flatten() {
            if before != after {
                detail.insert(field.to_owned(), json!({ "before": before, "after": after }));
            }
        }
        if turn == Turn::Disable {
            let reason = person.inactive_reason.as_deref().unwrap_or("inactive in the source");
            detail.insert("reason".to_owned(), json!(reason));
        }
        let happened = [
            (turn == Turn::Disable, Operation::Disabled),
            (turn == Turn::Enable, Operation::Enabled),
            (moved, Operation::Moved),
            (fields_differ, Operation::Updated),
        ];
        let mut happened = happened.into_iter().filter(|(happened, _)| *happened).map(|(_, operation)| operation);
        let Some(first) = happened.next() else { return Ok(()) };
        self.count(first);
        happened.for_each(|operation| self.count(operation));
        let detail = Some(Value::Object(detail)).filter(|detail| detail.as_object().is_some_and(|keys| !keys.is_empty()));
        self.journal.note(tx, (ChangeKind::User, first), Some(after.id.uuid()), &after.username, detail).await?;
        if let Some(supposed) = &mut self.supposed {
            supposed.restated(&after, turn);
        }
        if !self.writes {
            return Ok(());
        }
        after.updated_at = self.ctx.now;
        self.losing.push(after.id);
        match turn {
            Turn::Disable => users::disable_in(tx, self.ctx, after, DisabledBy::Source).await.map(|_| ()),
            Turn::Enable => users::enable_in(tx, self.ctx, after).await.map(|_| ()),
            Turn::Keep => facts::restate_in(tx, &after).await,
        }
    }

    async fn create(&mut self) -> Result<(), Error> {
        let mut chunks = self.plan.people.created.chunks(ROWS_PER_INSERT);
        let mut batch = chunks.next().map(|chunk| self.fresh(chunk)).transpose()?;
        while let Some(now) = batch {
            if let Some(supposed) = &mut self.supposed {
                supposed.created(self.run.source_id, &now.users, &now.links);
            }
            let mut next = chunks.next();
            let mut start = 0;
            batch = loop {
                let end = now.users.len().min(start + self.at_once(ROWS_PER_INSERT));
                let (users, links) = (now.users.get(start..end).unwrap_or_default(), now.links.get(start..end).unwrap_or_default());
                let mut tx = self.take().await?;
                self.note_created(&mut tx, users, now.reasons.get(start..end).unwrap_or_default()).await?;
                let writing = async { if self.writes { facts::add_people_in(&mut tx, users, links).await } else { Ok(()) } };
                let is_last = end == now.users.len();
                // While the store's own thread writes the last of these people, this one makes the next of their records.
                let making = async { next.take_if(|_| is_last).map(|chunk| self.fresh(chunk)).transpose() };
                let (written, following) = futures::join!(writing, making);
                written?;
                let following = following?;
                self.give_back(tx, users.len() * CREATE_WEIGHT).await?;
                if is_last {
                    break following;
                }
                start = end;
            };
        }
        Ok(())
    }

    async fn note_created(&mut self, tx: &mut Tx, users: &[User], reasons: &[Option<String>]) -> Result<(), Error> {
        for (user, reason) in users.iter().zip(reasons) {
            let detail = reason.as_ref().map(|reason| json!({ "disabled": reason }));
            self.journal.note(tx, (ChangeKind::User, Operation::Created), Some(user.id.uuid()), &user.username, detail).await?;
            self.count(Operation::Created);
            self.touched.push(user.id);
        }
        Ok(())
    }

    /// New people as their records state them.
    fn fresh(&self, chunk: &[usize]) -> Result<Fresh, Error> {
        let mut fresh = Fresh::default();
        for at in chunk {
            let seen = self.inbox.people.get(*at);
            let Some((seen, id)) = seen.zip(self.plan.people.ids.get(*at).copied().flatten()) else { continue };
            let Some(person) = seen.spooled.map(|place| self.inbox.spool.get(place)).transpose()? else { continue };
            fresh.links.push(self.link(id, seen, &person));
            fresh.users.push(self.user(id, &person));
            fresh.reasons.push(person.inactive_reason);
        }
        Ok(fresh)
    }

    fn link(&self, user_id: UserId, seen: &SeenPerson, person: &Person) -> Link {
        Link {
            source_id: self.run.source_id,
            external_id: person.external_id.clone(),
            user_id,
            dn: Some(person.dn.clone()),
            place: Some(seen.dn.to_be_bytes().to_vec()),
            content_hash: seen.hash.to_vec(),
            present: true,
            active: person.active,
        }
    }

    fn user(&self, id: UserId, person: &Person) -> User {
        let mut user = User {
            id,
            username: String::new(),
            given_name: None,
            family_name: None,
            display_name: String::new(),
            email: None,
            locale: None,
            status: if person.active { UserStatus::Active } else { UserStatus::Disabled },
            disabled_by: (!person.active).then_some(DisabledBy::Source),
            home_unit: None,
            units: Vec::new(),
            attributes: BTreeMap::new(),
            last_sign_in_at: None,
            created_at: self.ctx.now,
            updated_at: self.ctx.now,
            erased_at: None,
        };
        state(&mut user, stated(person));
        user
    }

    pub(super) fn count(&mut self, operation: Operation) {
        let counts = &mut self.run.counts;
        let counter = match operation {
            Operation::Created => &mut counts.created,
            Operation::Updated => &mut counts.updated,
            Operation::Moved => &mut counts.moved,
            Operation::Disabled => &mut counts.disabled,
            Operation::Enabled => &mut counts.enabled,
            Operation::Removed => &mut counts.removed,
            Operation::Quarantined => &mut counts.quarantined,
            Operation::MembersAdded => &mut counts.memberships_added,
            Operation::MembersRemoved => &mut counts.memberships_removed,
            Operation::Skipped => &mut counts.skipped,
            Operation::RolesGained => &mut counts.roles_gained,
            Operation::RolesLost => &mut counts.roles_lost,
        };
        *counter += 1;
    }
}
