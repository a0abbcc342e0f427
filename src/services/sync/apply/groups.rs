//! Groups and memberships of a plan: groups first, then who comes in, then who goes out, so that someone who changes groups never loses
//! between two transactions what both give.

use serde_json::{Map, Value, json};

use super::super::super::error::Error;
use super::super::super::users::facts;
use super::super::members::GroupStep;
use super::super::plan::Names;
use super::{Work, farewell};
use crate::store::Tx;
use crate::store::dialect::ROWS_PER_INSERT;
use crate::store::establishment::change::{ChangeKind, Operation};
use crate::store::establishment::group::Group;
use crate::types::id::{GroupId, UserId};

/// Names in one change.
const NAMES_MAX: usize = 1000;
/// Memberships written at once.
const FILL_MAX: usize = 10_000;
/// What it weighs to write a group, to remove one, to take someone out.
const GROUP_WEIGHT: usize = 25;
const REMOVE_GROUP_WEIGHT: usize = 200;
const TAKE_OUT_WEIGHT: usize = 20;

/// Memberships of groups that held nobody before, gathered to be written at once.
#[derive(Default)]
struct Filling {
    groups: Vec<(GroupId, Vec<UserId>)>,
    rows: Vec<Group>,
    count: usize,
}

impl Work<'_> {
    /// New groups, everyone who comes in, everyone who goes out.
    pub(super) async fn groups(&mut self) -> Result<(), Error> {
        let plan = self.plan;
        if plan.groups.steps.is_empty() && plan.groups.gone.is_empty() {
            return Ok(());
        }
        let names = plan.names(self.inbox);
        self.new_groups().await?;
        self.coming_in(&names).await?;
        self.going_out(&names).await?;
        self.removed().await
    }

    /// So that a group can hold one that is new itself. Until their members are written, they say that they have none.
    async fn new_groups(&mut self) -> Result<(), Error> {
        let plan = self.plan;
        let fresh: Vec<&GroupStep> = plan.groups.steps.iter().filter(|step| step.known.is_none()).collect();
        for chunk in fresh.chunks(ROWS_PER_INSERT) {
            let mut tx = self.take().await?;
            let mut rows = Vec::with_capacity(chunk.len());
            for step in chunk {
                let Some(row) = self.row(step) else { continue };
                let detail = json!({ "dn": row.dn });
                self.journal.note(&mut tx, (ChangeKind::Group, Operation::Created), Some(row.id.uuid()), &row.name, Some(detail)).await?;
                self.count(Operation::Created);
                if let Some(supposed) = &mut self.supposed {
                    supposed.group(row.clone());
                }
                // Rules look at groups; an empty one gives nobody anything.
                rows.push(Group { members_hash: Vec::new(), member_count: 0, dangling: None, ..row });
            }
            if self.writes {
                facts::keep_groups_in(&mut tx, &rows).await?;
            }
            self.give_back(tx, chunk.len() * GROUP_WEIGHT).await?;
        }
        Ok(())
    }

    async fn coming_in(&mut self, names: &Names<'_>) -> Result<(), Error> {
        let plan = self.plan;
        let mut filling = Filling::default();
        if self.writes {
            let mut tx = self.take().await?;
            self.set_index_aside(&mut tx, plan.groups.steps.iter().map(|step| step.added.len()).sum()).await?;
            self.give_back(tx, 0).await?;
        }
        for step in &plan.groups.steps {
            let mut tx = self.take().await?;
            self.restated(&mut tx, step).await?;
            self.run.counts.memberships_added += (step.added.len() + step.nested.len()) as u64;
            self.note_members(&mut tx, step, Operation::MembersAdded, names).await?;
            self.everyone |= !step.nested.is_empty() || !step.unnested.is_empty();
            self.touched.extend(&step.added);
            if let Some(supposed) = &mut self.supposed {
                supposed.coming_in(step);
            }
            if self.writes {
                facts::change_nestings_in(&mut tx, step.id, &step.nested, &[]).await?;
                tx = self.fill(tx, step, &mut filling).await?;
                if self.is_full(1) {
                    // What is committed with the groups before tells of their members.
                    self.spent += filling.count;
                    write(&mut tx, std::mem::take(&mut filling)).await?;
                }
            }
            self.give_back(tx, 1).await?;
        }
        let mut tx = self.take().await?;
        let weight = filling.count;
        write(&mut tx, filling).await?;
        self.put_index_back(&mut tx).await?;
        self.give_back(tx, weight).await
    }

    /// Puts those who come into a group, or lets them wait for others to be put in with.
    async fn fill(&mut self, mut tx: Tx, step: &GroupStep, filling: &mut Filling) -> Result<Tx, Error> {
        let stays = step.removed.is_empty() && step.unnested.is_empty();
        let mut left = step.added.as_slice();
        if !stays || left.len() > self.at_once(FILL_MAX) {
            self.doubt(&mut tx, step).await?;
        }
        loop {
            let (part, rest) = left.split_at(left.len().min(self.at_once(FILL_MAX)));
            left = rest;
            filling.count += part.len() + GROUP_WEIGHT;
            filling.groups.push((step.id, part.to_vec()));
            if left.is_empty() {
                // The row says that its members are these: with the last of them, or once those who leave are out.
                filling.rows.extend(self.row(step).filter(|_| stays));
            }
            if filling.count >= FILL_MAX || self.is_full(filling.count) {
                let weight = filling.count;
                write(&mut tx, std::mem::take(filling)).await?;
                self.give_back(tx, weight).await?;
                tx = self.take().await?;
            }
            if left.is_empty() {
                return Ok(tx);
            }
        }
    }

    /// Has a known group say that nobody knows its members, until the last of them is written: whatever breaks the run off, and whatever the
    /// directory says then, the next reading compares them.
    async fn doubt(&self, tx: &mut Tx, step: &GroupStep) -> Result<(), Error> {
        let Some(before) = step.known.and_then(|at| self.inbox.known.groups.get(at)) else { return Ok(()) };
        facts::keep_groups_in(tx, &[Group { members_hash: Vec::new(), ..before.clone() }]).await
    }

    async fn going_out(&mut self, names: &Names<'_>) -> Result<(), Error> {
        let plan = self.plan;
        for step in plan.groups.steps.iter().filter(|step| !step.removed.is_empty() || !step.unnested.is_empty()) {
            let mut tx = self.take().await?;
            self.run.counts.memberships_removed += (step.removed.len() + step.unnested.len()) as u64;
            self.note_members(&mut tx, step, Operation::MembersRemoved, names).await?;
            self.losing.extend(&step.removed);
            if let Some(supposed) = &mut self.supposed {
                supposed.going_out(step);
            }
            if self.writes {
                facts::remove_memberships_in(&mut tx, step.id, &step.removed).await?;
                facts::change_nestings_in(&mut tx, step.id, &[], &step.unnested).await?;
                let row = self.row(step);
                facts::keep_groups_in(&mut tx, row.as_slice()).await?;
            }
            self.give_back(tx, GROUP_WEIGHT + step.removed.len() * TAKE_OUT_WEIGHT).await?;
        }
        Ok(())
    }

    async fn removed(&mut self) -> Result<(), Error> {
        let (inbox, plan) = (self.inbox, self.plan);
        for group in plan.groups.gone.iter().filter_map(|at| inbox.known.groups.get(*at)) {
            let mut tx = self.take().await?;
            farewell::note(&mut tx, &mut self.journal, group).await?;
            self.count(Operation::Removed);
            self.run.counts.memberships_removed += u64::try_from(group.member_count).unwrap_or_default();
            self.everyone = true;
            if let Some(supposed) = &mut self.supposed {
                supposed.removed(group.id);
            }
            if self.writes {
                facts::remove_group_in(&mut tx, group.id).await?;
            }
            self.give_back(tx, REMOVE_GROUP_WEIGHT).await?;
        }
        Ok(())
    }

    /// Notes what a known group's own record changes.
    async fn restated(&mut self, tx: &mut Tx, step: &GroupStep) -> Result<(), Error> {
        let before = step.known.and_then(|at| self.inbox.known.groups.get(at));
        let Some((before, row)) = before.zip(self.row(step)) else { return Ok(()) };
        let detail = differences(before, &row);
        if detail.is_empty() {
            return Ok(());
        }
        let operation = if before.dn_key == row.dn_key { Operation::Updated } else { Operation::Moved };
        // Rules look at names and places, also of the groups that a person is in through others.
        self.everyone = true;
        if let Some(supposed) = &mut self.supposed {
            supposed.group(row.clone());
        }
        self.journal.note(tx, (ChangeKind::Group, operation), Some(row.id.uuid()), &row.name, Some(Value::Object(detail))).await?;
        self.count(operation);
        Ok(())
    }

    /// The row of a group as it is once the run is done with it.
    fn row(&self, step: &GroupStep) -> Option<Group> {
        let seen = step.seen.and_then(|at| self.inbox.groups.get(at));
        let before = step.known.and_then(|at| self.inbox.known.groups.get(at));
        let record = seen.and_then(|seen| seen.record.as_deref());
        let mut row = match (before, record) {
            (Some(before), _) => before.clone(),
            (None, Some(record)) => self.new_row(step.id, record),
            (None, None) => return None,
        };
        if let Some((record, seen)) = record.zip(seen) {
            row.name.clone_from(&record.name);
            row.display_name.clone_from(&record.display_name);
            row.dn = Some(record.dn.clone());
            row.dn_key = Some(record.dn_key.clone());
            row.place = Some(seen.dn.to_be_bytes().to_vec());
            row.content_hash = seen.hash.to_vec();
        }
        row.members_hash = step.members_hash.to_vec();
        row.member_count = i64::try_from(step.member_count).unwrap_or(i64::MAX);
        row.dangling.clone_from(&step.dangling);
        row.updated_at = self.ctx.now;
        Some(row)
    }

    fn new_row(&self, id: GroupId, record: &connectors::Group) -> Group {
        let external_id = Some(record.external_id.clone());
        Group { source_id: Some(self.run.source_id), external_id, ..Group::new(id, &record.name, self.ctx.now) }
    }

    async fn note_members(&mut self, tx: &mut Tx, step: &GroupStep, operation: Operation, names: &Names<'_>) -> Result<(), Error> {
        let (people, groups) = match operation {
            Operation::MembersRemoved => (&step.removed, &step.unnested),
            _ => (&step.added, &step.nested),
        };
        let name = names.group(step.id);
        let lists = people.chunks(NAMES_MAX).map(|chunk| json!({ "people": chunk.iter().map(|u| names.person(*u)).collect::<Vec<_>>() }));
        let nested = groups.chunks(NAMES_MAX).map(|chunk| json!({ "groups": chunk.iter().map(|g| names.group(*g)).collect::<Vec<_>>() }));
        for detail in lists.chain(nested) {
            self.journal.note(tx, (ChangeKind::Membership, operation), Some(step.id.uuid()), name, Some(detail)).await?;
        }
        Ok(())
    }
}

/// Puts people into groups, and then says so.
async fn write(tx: &mut Tx, filling: Filling) -> Result<(), Error> {
    facts::fill_groups_in(tx, &filling.groups).await?;
    facts::keep_groups_in(tx, &filling.rows).await
}

fn differences(before: &Group, after: &Group) -> Map<String, Value> {
    let mut detail = Map::new();
    let mut compare = |field: &str, old: Value, new: Value| {
        if old != new {
            detail.insert(field.to_owned(), json!({ "before": old, "after": new }));
        }
    };
    compare("name", json!(before.name), json!(after.name));
    compare("display_name", json!(before.display_name), json!(after.display_name));
    compare("dn", json!(before.dn), json!(after.dn));
    detail
}
