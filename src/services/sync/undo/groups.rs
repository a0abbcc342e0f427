//! Groups of a run that is taken back.

use serde_json::{Map, Value};

use super::super::super::error::Error;
use super::super::super::users::facts;
use super::super::digest::{self, Kind};
use super::Undo;
use super::fields;
use crate::store::Tx;
use crate::store::establishment::change::{Change, Operation};
use crate::store::establishment::group::{self, Group};
use crate::store::establishment::membership;
use crate::types::id::GroupId;

impl Undo<'_> {
    /// Takes one change of a group back.
    pub(super) async fn group(&mut self, tx: &mut Tx, change: &Change) -> Result<(), Error> {
        let Some(id) = change.subject_id.map(GroupId::from) else { return Ok(()) };
        let standing = group::find(tx, id).await?;
        match (change.operation, standing) {
            (Operation::Removed, None) => self.make_again(tx, change, id).await,
            // There again, or gone already.
            (Operation::Removed, Some(_)) | (Operation::Created, None) => Ok(()),
            (Operation::Created, Some(group)) => self.unmake(tx, change, &group).await,
            (_, Some(group)) => self.restore_group(tx, change, group).await,
            (_, None) => {
                self.skip(change, &change.name, "this group is not there any more");
                Ok(())
            }
        }
    }

    async fn unmake(&mut self, tx: &mut Tx, change: &Change, group: &Group) -> Result<(), Error> {
        let people = membership::users_of_group(tx, group.id).await?;
        let groups = membership::children_of_group(tx, group.id).await?;
        let filled = people.iter().any(|user| !self.out.contains(&(group.id, *user)))
            || groups.iter().any(|child| !self.unnested.contains(&(group.id, *child)));
        if filled || self.later.touched(group.id.uuid()) {
            self.skip(change, &group.name, "a later run changed this group or its members");
            return Ok(());
        }
        self.everyone = true;
        self.note(change, Operation::Removed, &group.name, None);
        if self.preview { Ok(()) } else { facts::remove_group_in(tx, group.id).await }
    }

    /// A group that the run removed, under the key it had; its members come back with the changes that stand before in the log.
    async fn make_again(&mut self, tx: &mut Tx, change: &Change, id: GroupId) -> Result<(), Error> {
        let none = Map::new();
        let detail = change.detail.as_ref().and_then(Value::as_object).unwrap_or(&none);
        let text = |key: &str| detail.get(key).and_then(Value::as_str).map(str::to_owned);
        let Some(external_id) = text("external_id") else {
            self.skip(change, &change.name, "the log does not tell this group's key in the source");
            return Ok(());
        };
        if !group::list_by_keys(tx, self.target.source_id, std::slice::from_ref(&external_id)).await?.is_empty() {
            self.skip(change, &change.name, "a later run made this group again");
            return Ok(());
        }
        self.everyone = true;
        self.back.insert(id);
        self.note(change, Operation::Created, &change.name, None);
        if self.preview {
            return Ok(());
        }
        let dn = text("dn");
        let dn_key = dn.as_deref().and_then(|dn| connectors::dn::normalise(dn).ok());
        let group = Group {
            source_id: Some(self.target.source_id),
            external_id: Some(external_id),
            display_name: text("display_name"),
            dn,
            place: dn_key.as_deref().map(place),
            dn_key,
            ..Group::new(id, &change.name, self.ctx.now)
        };
        facts::keep_groups_in(tx, &[group]).await
    }

    async fn restore_group(&mut self, tx: &mut Tx, change: &Change, mut group: Group) -> Result<(), Error> {
        let none = Map::new();
        let detail = change.detail.as_ref().and_then(Value::as_object).unwrap_or(&none);
        let name = group.name.clone();
        let restored = fields::of_group(detail, &mut group);
        if !restored.back.is_empty() {
            self.everyone = true;
            let operation = if restored.back.contains_key("dn") { Operation::Moved } else { Operation::Updated };
            self.note(change, operation, &name, Some(Value::Object(restored.back)));
        }
        if !restored.left.is_empty() {
            let why = format!("changed again since: {}", restored.left.join(", "));
            self.skip(change, &name, &why);
        }
        if self.preview {
            return Ok(());
        }
        group.dn_key = group.dn.as_deref().and_then(|dn| connectors::dn::normalise(dn).ok());
        group.place = group.dn_key.as_deref().map(place);
        // The next reading applies the record again, whatever it says.
        group.content_hash = Vec::new();
        group.updated_at = self.ctx.now;
        facts::keep_groups_in(tx, &[group]).await
    }
}

fn place(dn_key: &str) -> Vec<u8> {
    digest::of(Kind::Dn, dn_key).to_be_bytes().to_vec()
}
