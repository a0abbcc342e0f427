//! One group there: found, created, renamed, filled and emptied by small steps, or deleted. Each step is noted as soon as it is taken, so that a
//! large group that is broken off goes on where it was.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::super::context::Context;
use super::super::egress::Verb;
use super::super::error::Error;
use super::adopt::{Sought, Standing};
use super::desired::{Target, group_of};
use super::remote::{Fault, Remote};
use super::write_person::{UNKNOWN, Written, patch, read, segment};
use crate::store::establishment::provisioned::{self, Action, Kind, Provisioned};
use crate::store::establishment::provisioned_member::{self, ProvisionedMember};
use crate::store::establishment::provisioning_state::Abilities;
use crate::types::id::UserId;

/// Members added with one request.
const ADDED_AT_ONCE: i64 = 500;
/// Members taken out with one request: each is an operation.
const REMOVED_AT_ONCE: i64 = 100;
/// Most members of a group that is put as a whole: services without PATCH are small.
const WHOLE_MAX: i64 = 20_000;

/// What can go wrong: there, or here.
#[derive(Debug)]
pub enum Trouble {
    /// There.
    There(Fault),
    /// Here.
    Here(Error),
    /// The gateway stops: another goes on.
    Stopping,
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::There(fault)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Here(error)
    }
}

impl From<crate::store::Error> for Trouble {
    fn from(error: crate::store::Error) -> Self {
        Self::Here(error.into())
    }
}

/// Accounts and groups being written.
pub struct Writing<'a, 'e> {
    pub ctx: &'a Context,
    pub remote: &'a mut Remote<'e>,
    pub abilities: Abilities,
    pub target: &'a Target,
}

impl std::fmt::Debug for Writing<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writing").finish_non_exhaustive()
    }
}

impl Writing<'_, '_> {
    /// Writes one group; it is to go when it has no name.
    ///
    /// # Errors
    /// `Trouble`.
    pub async fn group(&mut self, row: &Provisioned, name: Option<&str>) -> Result<Written, Trouble> {
        let Some(name) = name else { return self.remove(row).await };
        let standing = match &row.remote_id {
            Some(id) => self.stands(row, id).await?,
            None => None,
        };
        let (id, action, adopted) = match standing {
            Some((id, renamed)) => {
                let same = renamed.as_deref() == Some(name);
                if !same && self.abilities.patch {
                    self.change(&id, vec![json!({ "op": "replace", "path": "displayName", "value": name })]).await?;
                }
                (id, if same { None } else { Some(Action::Update) }, row.adopted)
            }
            None => self.create(row, name).await?,
        };
        let changed = if self.abilities.patch {
            self.add(row, &id).await? + self.take_out(row, &id).await? > 0
        } else {
            self.put_whole(row, &id, (name, adopted)).await?;
            true
        };
        Ok(Written::There { id, action: action.or(changed.then_some(Action::Update)), adopted })
    }

    async fn remove(&mut self, row: &Provisioned) -> Result<Written, Trouble> {
        let Some(id) = &row.remote_id else { return Ok(Written::Gone) };
        if row.adopted {
            return match self.leave(row, id).await {
                Ok(()) | Err(Trouble::There(Fault::Missing)) => Ok(Written::Gone),
                Err(other) => Err(other),
            };
        }
        match self.remote.ask(Verb::Delete, &format!("/Groups/{}", segment(id)), None, None).await {
            Ok(_) | Err(Fault::Missing) => Ok(Written::Gone),
            Err(other) => Err(other.into()),
        }
    }

    /// Takes our people out of a group that stood there before, and leaves it as it is otherwise.
    async fn leave(&mut self, row: &Provisioned, id: &str) -> Result<(), Trouble> {
        let mut tx = self.ctx.store.begin().await?;
        provisioned_member::want_nobody(&mut tx, row.id).await?;
        tx.commit().await?;
        if self.abilities.patch {
            self.take_out(row, id).await?;
            return Ok(());
        }
        let name = read(self.remote, "Groups", id).await?.and_then(|there| Some(there.get("displayName")?.as_str()?.to_owned()));
        let Some(name) = name else { return Ok(()) };
        self.put_whole(row, id, (&name, true)).await
    }

    /// Whether a group still stands there, and its name.
    async fn stands(&mut self, row: &Provisioned, id: &str) -> Result<Option<(String, Option<String>)>, Trouble> {
        let path = format!("/Groups/{}?excludedAttributes=members", segment(id));
        match self.remote.ask(Verb::Get, &path, None, None).await {
            Ok(reply) => {
                let name = reply.body.get("displayName").and_then(Value::as_str).map(str::to_owned);
                Ok(Some((id.to_owned(), name)))
            }
            Err(Fault::Missing) => {
                let mut tx = self.ctx.store.begin().await?;
                provisioned_member::forget_written(&mut tx, row.id).await?;
                tx.commit().await?;
                Ok(None)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Takes the group that stands there for this one, or creates it, empty. Answers whether only its name says so.
    async fn create(&mut self, row: &Provisioned, name: &str) -> Result<(String, Option<Action>, bool), Trouble> {
        let sought = Sought { kind: Kind::Group, subject: &row.subject, name, key: Some(&row.subject) };
        let standing = match self.standing(&sought).await? {
            Some(standing) => standing,
            None => match self.remote.ask(Verb::Post, "/Groups", Some(&group_of(&row.subject, name)), None).await {
                Ok(reply) => {
                    let id = reply.body.get("id").and_then(Value::as_str);
                    let id = id.ok_or_else(|| Fault::Refused("the service created a group and did not say its id".to_owned()))?;
                    return Ok((id.to_owned(), Some(Action::Create), false));
                }
                Err(Fault::Taken(why)) => self.standing_in_the_way(&sought, why).await?,
                Err(other) => return Err(other.into()),
            },
        };
        let Standing { id, there, adopted } = standing;
        self.take_over(row, &id).await?;
        let same = there.get("displayName").and_then(Value::as_str) == Some(name);
        if !same && self.abilities.patch {
            self.change(&id, vec![json!({ "op": "replace", "path": "displayName", "value": name })]).await?;
        }
        Ok((id, Some(Action::Update), adopted))
    }

    /// Notes who is in a group there that the gateway did not make: whoever it wrote there as an account is put in and taken out from now on.
    async fn take_over(&mut self, row: &Provisioned, id: &str) -> Result<(), Trouble> {
        let there = read(self.remote, "Groups", id).await?.unwrap_or(Value::Null);
        let ids = members_of(&there);
        let mut tx = self.ctx.store.begin().await?;
        let of = self.target.provisioning.id;
        let known = provisioned::list_by_remote(&mut tx, of, Kind::User, &ids).await?;
        let users: Vec<UserId> = known.iter().filter_map(|one| one.subject.parse().ok()).collect();
        let standing: HashMap<UserId, bool> = provisioned_member::list_of_users(&mut tx, of, &users)
            .await?
            .into_iter()
            .filter(|member| member.provisioned_id == row.id)
            .map(|member| (member.user_id, member.wanted))
            .collect();
        let rows: Vec<ProvisionedMember> = users
            .into_iter()
            .map(|user_id| {
                let wanted = standing.get(&user_id).copied().unwrap_or(false);
                ProvisionedMember { provisioned_id: row.id, user_id, wanted, written: true }
            })
            .collect();
        provisioned_member::put(&mut tx, &rows).await?;
        Ok(tx.commit().await?)
    }

    async fn change(&mut self, id: &str, operations: Vec<Value>) -> Result<(), Trouble> {
        self.remote.ask(Verb::Patch, &format!("/Groups/{}", segment(id)), Some(&patch(&operations)), None).await?;
        Ok(())
    }

    /// The identifiers there of people who are there.
    async fn remote_ids(&self, users: &[UserId]) -> Result<BTreeMap<UserId, String>, Error> {
        let subjects: Vec<String> = users.iter().map(ToString::to_string).collect();
        let mut tx = self.ctx.store.read().await?;
        let rows = provisioned::list_by_subjects(&mut tx, self.target.provisioning.id, Kind::User, &subjects).await?;
        Ok(rows.into_iter().filter_map(|row| Some((row.subject.parse().ok()?, row.remote_id?))).collect())
    }

    /// Adds whoever is to be in it and is there. Whoever is not there yet follows once they are.
    async fn add(&mut self, row: &Provisioned, id: &str) -> Result<usize, Trouble> {
        let (mut after, mut added) = (None, 0);
        loop {
            let mut tx = self.ctx.store.read().await?;
            let users = provisioned_member::list_unwritten(&mut tx, row.id, true, after, ADDED_AT_ONCE).await?;
            drop(tx);
            let Some(last) = users.last() else { return Ok(added) };
            after = Some(*last);
            let there = self.remote_ids(&users).await?;
            if there.is_empty() {
                continue;
            }
            let values: Vec<Value> = there.values().map(|id| json!({ "value": id })).collect();
            self.change(id, vec![json!({ "op": "add", "path": "members", "value": values })]).await?;
            added += there.len();
            self.settle(row, true, &there.into_keys().collect::<Vec<_>>()).await?;
        }
    }

    /// Takes out whoever is to be in it no more.
    async fn take_out(&mut self, row: &Provisioned, id: &str) -> Result<usize, Trouble> {
        let (mut after, mut removed) = (None, 0);
        loop {
            let mut tx = self.ctx.store.read().await?;
            let users = provisioned_member::list_unwritten(&mut tx, row.id, false, after, REMOVED_AT_ONCE).await?;
            drop(tx);
            let Some(last) = users.last() else { return Ok(removed) };
            after = Some(*last);
            let there = self.remote_ids(&users).await?;
            let path = |id: &String| format!("members[value eq {}]", Value::from(id.as_str()));
            let operations: Vec<Value> = there.values().map(|id| json!({ "op": "remove", "path": path(id) })).collect();
            if !operations.is_empty() {
                self.change(id, operations).await?;
            }
            removed += users.len();
            self.settle(row, false, &users).await?;
        }
    }

    async fn settle(&self, row: &Provisioned, written: bool, users: &[UserId]) -> Result<(), Error> {
        let mut tx = self.ctx.store.begin().await?;
        provisioned_member::settle(&mut tx, row.id, written, users).await?;
        Ok(tx.commit().await?)
    }

    /// Puts the whole group, for services without PATCH. Whoever is in it and was not written by the gateway stays.
    async fn put_whole(&mut self, row: &Provisioned, id: &str, (name, adopted): (&str, bool)) -> Result<(), Trouble> {
        let there = read(self.remote, "Groups", id).await?.ok_or(Fault::Missing)?;
        let mut tx = self.ctx.store.read().await?;
        let users = provisioned_member::list_wanted(&mut tx, row.id, None, WHOLE_MAX).await?;
        let gone = provisioned_member::list_unwritten(&mut tx, row.id, false, None, WHOLE_MAX).await?;
        drop(tx);
        let written = self.remote_ids(&users).await?;
        let mut ids: BTreeSet<String> = self.strangers(&members_of(&there)).await?;
        ids.extend(written.values().cloned());
        let mut whole = group_of(&row.subject, name);
        if let Some(members) = whole.as_object_mut() {
            if adopted {
                // It keeps the name that others gave it.
                members.remove("externalId");
                members.extend(there.get("externalId").map(|key| ("externalId".to_owned(), key.clone())));
            }
            members.insert("id".to_owned(), id.into());
            members.insert("members".to_owned(), ids.iter().map(|id| json!({ "value": id })).collect());
        }
        self.remote.ask(Verb::Put, &format!("/Groups/{}", segment(id)), Some(&whole), None).await?;
        self.settle(row, true, &written.into_keys().collect::<Vec<_>>()).await?;
        self.settle(row, false, &gone).await?;
        Ok(())
    }

    /// Those of some identifiers there that are nobody's here.
    async fn strangers(&self, ids: &[String]) -> Result<BTreeSet<String>, Error> {
        let mut tx = self.ctx.store.read().await?;
        let known = provisioned::list_by_remote(&mut tx, self.target.provisioning.id, Kind::User, ids).await?;
        let known: BTreeSet<String> =
            known.into_iter().filter(|row| !row.subject.starts_with(UNKNOWN)).filter_map(|row| row.remote_id).collect();
        Ok(ids.iter().filter(|id| !known.contains(*id)).cloned().collect())
    }
}

/// The identifiers of a group's members.
pub(super) fn members_of(group: &Value) -> Vec<String> {
    let members = group.get("members").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    members.iter().filter_map(|member| member.get("value").and_then(Value::as_str)).map(str::to_owned).collect()
}
