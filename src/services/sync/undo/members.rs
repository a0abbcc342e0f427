//! Memberships of a run that is taken back: whoever was put in is taken out, whoever was taken out is put in.

use serde_json::{Value, json};

use super::super::super::error::Error;
use super::super::super::users::facts;
use super::Undo;
use crate::store::Tx;
use crate::store::establishment::change::{Change, Operation};
use crate::store::establishment::group::{self, Group};
use crate::store::establishment::{membership, user};
use crate::types::fold_case;
use crate::types::id::{GroupId, UserId};

/// What is put in or taken out, by name.
#[derive(Default)]
struct Turned {
    people: Vec<(UserId, String)>,
    groups: Vec<(GroupId, String)>,
    /// Names that lead to nobody any more, or to more than one.
    lost: Vec<String>,
}

impl Undo<'_> {
    /// Takes one change of a group's members back.
    pub(super) async fn members(&mut self, tx: &mut Tx, change: &Change) -> Result<(), Error> {
        let Some(id) = change.subject_id.map(GroupId::from) else { return Ok(()) };
        let standing = group::find(tx, id).await?;
        if standing.is_none() && !self.back.contains(&id) {
            // Removed with a group that the run made, or by a later run, which is told of the group.
            self.skip(change, &change.name, "this group is not there any more");
            return Ok(());
        }
        let adds = change.operation == Operation::MembersRemoved;
        let turned = self.turned(tx, change, id, adds).await?;
        let operation = if adds { Operation::MembersAdded } else { Operation::MembersRemoved };
        let counter = if adds { &mut self.run.counts.memberships_added } else { &mut self.run.counts.memberships_removed };
        *counter += (turned.people.len() + turned.groups.len()) as u64;
        self.touched.extend(turned.people.iter().map(|(user, _)| *user));
        self.everyone |= !turned.groups.is_empty();
        let names = |list: Vec<&String>| list.into_iter().cloned().map(Value::from).collect::<Vec<_>>();
        for (key, list) in [
            ("people", names(turned.people.iter().map(|(_, name)| name).collect())),
            ("groups", names(turned.groups.iter().map(|(_, name)| name).collect())),
        ] {
            if !list.is_empty() {
                self.note(change, operation, &change.name, Some(json!({ key: list })));
            }
        }
        if !turned.lost.is_empty() {
            let detail = json!({ "reason": "nobody is known under these names any more, or more than one", "people": turned.lost });
            self.note(change, Operation::Skipped, &change.name, Some(detail));
        }
        let (people, groups): (Vec<UserId>, Vec<GroupId>) =
            (turned.people.iter().map(|(user, _)| *user).collect(), turned.groups.iter().map(|(group, _)| *group).collect());
        match standing {
            Some(group) if !self.preview => self.write_members(tx, group, adds, &people, &groups).await,
            _ => {
                if !adds {
                    self.out.extend(people.into_iter().map(|user| (id, user)));
                    self.unnested.extend(groups.into_iter().map(|child| (id, child)));
                }
                Ok(())
            }
        }
    }

    async fn write_members(&self, tx: &mut Tx, group: Group, adds: bool, people: &[UserId], groups: &[GroupId]) -> Result<(), Error> {
        if people.is_empty() && groups.is_empty() {
            return Ok(());
        }
        let turned = i64::try_from(people.len() + groups.len()).unwrap_or(i64::MAX);
        if adds {
            facts::fill_groups_in(tx, &[(group.id, people.to_vec())]).await?;
            facts::change_nestings_in(tx, group.id, groups, &[]).await?;
        } else {
            facts::remove_memberships_in(tx, group.id, people).await?;
            facts::change_nestings_in(tx, group.id, &[], groups).await?;
        }
        let member_count = if adds { group.member_count + turned } else { group.member_count - turned };
        // The next reading compares the members again, whoever they are.
        facts::keep_groups_in(tx, &[Group { member_count, members_hash: Vec::new(), updated_at: self.ctx.now, ..group }]).await
    }

    /// Those of the change who still stand as the run left them.
    async fn turned(&self, tx: &mut Tx, change: &Change, id: GroupId, adds: bool) -> Result<Turned, Error> {
        let listed = |key: &str| {
            let names = change.detail.as_ref().and_then(|detail| detail.get(key)).and_then(Value::as_array);
            names.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<String>>()
        };
        let mut turned = Turned::default();
        let people = listed("people");
        if !people.is_empty() {
            let within = membership::users_of_group(tx, id).await?;
            for name in people {
                match self.owner(tx, &name, adds).await? {
                    Some(user) if within.binary_search(&user).is_ok() != adds => turned.people.push((user, name)),
                    Some(_) => {}
                    None => turned.lost.push(name),
                }
            }
        }
        let groups = listed("groups");
        if !groups.is_empty() {
            let within = membership::children_of_group(tx, id).await?;
            let known = group::list_of_source(tx, self.target.source_id).await?;
            for name in groups {
                let mut named = known.iter().filter(|group| group.name == name);
                match (named.next(), named.next()) {
                    (Some(child), None) if within.binary_search(&child.id).is_ok() != adds => turned.groups.push((child.id, name)),
                    (Some(_), None) => {}
                    _ => turned.lost.push(name),
                }
            }
        }
        Ok(turned)
    }

    /// Who had a name when the run ended.
    async fn owner(&self, tx: &mut Tx, name: &str, left: bool) -> Result<Option<UserId>, Error> {
        let folded = fold_case(name);
        let found = match self.later.owner(&folded, left) {
            Some(user) => user::find(tx, user).await?,
            None => user::find_by_username(tx, &folded).await?,
        };
        Ok(found.filter(|user| user.erased_at.is_none()).map(|user| user.id))
    }
}
