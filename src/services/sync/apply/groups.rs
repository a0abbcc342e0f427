//! Groups and memberships of a plan.

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
use crate::types::id::GroupId;

/// Names in one change.
const NAMES_MAX: usize = 1000;
/// Groups filled at once.
const GROUPS_AT_ONCE: usize = 50;
/// Memberships from which on it pays to prepare for many.
const BULK_MIN: usize = 10_000;

impl Work<'_> {
    /// Groups first, then who is in them, so that a group can hold one that is new itself.
    pub(super) async fn groups(&mut self, tx: &mut Tx) -> Result<(), Error> {
        let plan = self.plan;
        if plan.groups.steps.is_empty() && plan.groups.gone.is_empty() {
            return Ok(());
        }
        let names = plan.names(self.inbox);
        self.removed(tx).await?;
        for chunk in plan.groups.steps.chunks(ROWS_PER_INSERT) {
            let mut rows = Vec::with_capacity(chunk.len());
            for step in chunk {
                rows.extend(self.row(tx, step).await?);
            }
            if self.writes {
                facts::keep_groups_in(tx, &rows).await?;
            }
        }
        let added: usize = plan.groups.steps.iter().map(|step| step.added.len()).sum();
        let bulk = self.writes && added > BULK_MIN && facts::begin_bulk_in(tx).await?;
        for step in &plan.groups.steps {
            self.members(tx, step, &names).await?;
            if self.writes && !bulk {
                facts::add_memberships_in(tx, step.id, &step.added).await?;
            }
        }
        if bulk {
            for steps in plan.groups.steps.chunks(GROUPS_AT_ONCE) {
                let filled: Vec<_> = steps.iter().map(|step| (step.id, step.added.clone())).collect();
                facts::fill_groups_in(tx, &filled).await?;
            }
            facts::end_bulk_in(tx).await?;
        }
        Ok(())
    }

    async fn removed(&mut self, tx: &mut Tx) -> Result<(), Error> {
        let (inbox, plan) = (self.inbox, self.plan);
        for group in plan.groups.gone.iter().filter_map(|at| inbox.known.groups.get(*at)) {
            farewell::note(tx, &mut self.journal, group).await?;
            self.count(Operation::Removed);
            self.counts.memberships_removed += u64::try_from(group.member_count).unwrap_or_default();
            self.everyone = true;
            if self.writes {
                facts::remove_group_in(tx, group.id).await?;
            }
        }
        Ok(())
    }

    /// The row of a new or changed group, and the change noted.
    async fn row(&mut self, tx: &mut Tx, step: &GroupStep) -> Result<Option<Group>, Error> {
        let Some(seen) = self.inbox.groups.get(step.seen) else { return Ok(None) };
        let before = step.known.and_then(|at| self.inbox.known.groups.get(at));
        let mut row = match (before, &seen.record) {
            (Some(before), _) => before.clone(),
            (None, Some(record)) => self.new_row(step.id, record),
            (None, None) => return Ok(None),
        };
        if let Some(record) = &seen.record {
            row.name.clone_from(&record.name);
            row.display_name.clone_from(&record.display_name);
            row.dn = Some(record.dn.clone());
            row.dn_key = Some(record.dn_key.clone());
            row.content_hash = seen.hash.to_vec();
        }
        row.members_hash = step.members_hash.to_vec();
        row.member_count = i64::try_from(step.member_count).unwrap_or(i64::MAX);
        row.updated_at = self.ctx.now;
        let (operation, detail) = match before {
            None => (Operation::Created, Some(json!({ "dn": row.dn }))),
            Some(before) => {
                let detail = differences(before, &row);
                if detail.is_empty() {
                    return Ok(Some(row));
                }
                let operation = if before.dn_key == row.dn_key { Operation::Updated } else { Operation::Moved };
                // Rules look at names and places, also of the groups that a person is in through others.
                self.everyone = true;
                (operation, Some(Value::Object(detail)))
            }
        };
        self.journal.note(tx, (ChangeKind::Group, operation), Some(row.id.uuid()), &row.name, detail).await?;
        self.count(operation);
        Ok(Some(row))
    }

    fn new_row(&self, id: GroupId, record: &connectors::Group) -> Group {
        Group {
            id,
            source_id: Some(self.source),
            external_id: Some(record.external_id.clone()),
            name: record.name.clone(),
            display_name: None,
            dn: None,
            dn_key: None,
            place: None,
            dangling: None,
            content_hash: Vec::new(),
            members_hash: Vec::new(),
            member_count: 0,
            created_at: self.ctx.now,
            updated_at: self.ctx.now,
        }
    }

    async fn members(&mut self, tx: &mut Tx, step: &GroupStep, names: &Names<'_>) -> Result<(), Error> {
        self.counts.memberships_added += (step.added.len() + step.nested.len()) as u64;
        self.counts.memberships_removed += (step.removed.len() + step.unnested.len()) as u64;
        self.note_members(tx, step, Operation::MembersRemoved, names).await?;
        self.note_members(tx, step, Operation::MembersAdded, names).await?;
        self.everyone |= !step.nested.is_empty() || !step.unnested.is_empty();
        self.touched.extend(step.added.iter().chain(&step.removed));
        if !self.writes {
            return Ok(());
        }
        facts::remove_memberships_in(tx, step.id, &step.removed).await?;
        facts::change_nestings_in(tx, step.id, &step.nested, &step.unnested).await
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
