//! What the change log keeps of a group that goes: all that an undo needs to make it again, and the names of those who were in it.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::super::super::error::Error;
use super::super::journal::Journal;
use crate::store::Tx;
use crate::store::establishment::change::{ChangeKind, Operation};
use crate::store::establishment::group::{self, Group};
use crate::store::establishment::{membership, user};

/// Names in one change.
const NAMES_MAX: usize = 1000;

/// Notes who is in a group that goes, and the group itself after them: taken back in the other direction, it is there before they are.
pub async fn note(tx: &mut Tx, journal: &mut Journal, group: &Group) -> Result<(), Error> {
    let people = membership::users_of_group(tx, group.id).await?;
    for chunk in people.chunks(NAMES_MAX) {
        let names: HashMap<_, _> = user::list_by_ids(tx, chunk).await?.into_iter().map(|user| (user.id, user.username)).collect();
        let names: Vec<&String> = chunk.iter().filter_map(|id| names.get(id)).collect();
        note_names(tx, journal, group, "people", &names).await?;
    }
    let mut children = Vec::new();
    for child in membership::children_of_group(tx, group.id).await? {
        children.extend(group::find(tx, child).await?.map(|child| child.name));
    }
    for chunk in children.chunks(NAMES_MAX) {
        note_names(tx, journal, group, "groups", &chunk.iter().collect::<Vec<_>>()).await?;
    }
    let detail = json!({
        "dn": group.dn, "external_id": group.external_id, "display_name": group.display_name, "member_count": group.member_count,
    });
    journal.note(tx, (ChangeKind::Group, Operation::Removed), Some(group.id.uuid()), &group.name, Some(detail)).await
}

async fn note_names(tx: &mut Tx, journal: &mut Journal, group: &Group, key: &str, names: &[&String]) -> Result<(), Error> {
    let what = (ChangeKind::Membership, Operation::MembersRemoved);
    let detail: Value = json!({ key: names });
    journal.note(tx, what, Some(group.id.uuid()), &group.name, Some(detail)).await
}
