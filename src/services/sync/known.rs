//! What the store holds of a source before a run, as compactly as comparing needs it.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::super::context::Context;
use super::super::error::Error;
use super::digest::{self, Digest, Hash, Kind};
use super::reconcile::{KnownPerson, Standing};
use crate::store::establishment::group::{self, Group};
use crate::store::establishment::{link, user};
use crate::types::id::{SourceId, UserId};

/// Rows read at a time.
const ROWS_AT_ONCE: i64 = 4000;

/// What is known before a run.
#[derive(Debug, Default)]
pub struct Known {
    /// People the source stated before.
    pub people: Vec<KnownPerson>,
    /// Where each is, by the digest of its key.
    pub people_by_key: HashMap<Digest, usize>,
    /// Groups the source stated before.
    pub groups: Vec<Group>,
    /// Where each is, by the digest of its key.
    pub groups_by_key: HashMap<Digest, usize>,
    /// Folded names of people whom the source does not state.
    pub others: HashSet<Digest>,
}

/// Reads it, in bounded steps: links and accounts each in the order they lie, which is cheaper than one beside the other.
pub async fn load(ctx: &Context, source: SourceId) -> Result<Known, Error> {
    let mut tx = ctx.store.read().await?;
    let mut known = Known::default();
    let mut by_user: HashMap<UserId, usize> = HashMap::new();
    let mut after = String::new();
    loop {
        let rows = link::list_known_after(&mut tx, source, &after, ROWS_AT_ONCE).await?;
        let Some(last) = rows.last() else { break };
        last.external_id.clone_into(&mut after);
        for row in rows {
            known.people_by_key.insert(digest::of(Kind::Key, &row.external_id), known.people.len());
            by_user.insert(row.user_id, known.people.len());
            known.people.push(person(&row));
        }
    }
    let mut after = UserId::from(Uuid::nil());
    loop {
        let rows = user::list_accounts_after(&mut tx, after, ROWS_AT_ONCE).await?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        for row in rows {
            let name = digest::of(Kind::Username, &row.username_folded);
            match by_user.get(&row.id).and_then(|at| known.people.get_mut(*at)) {
                Some(person) => {
                    person.name = name;
                    person.username = row.username_folded.into();
                    person.standing = Standing::of(row.status, row.disabled_by);
                }
                None => {
                    known.others.insert(name);
                }
            }
        }
    }
    known.groups = group::list_of_source(&mut tx, source).await?;
    let keys = known.groups.iter().enumerate();
    known.groups_by_key = keys.filter_map(|(at, group)| Some((digest::of(Kind::Key, group.external_id.as_deref()?), at))).collect();
    Ok(known)
}

/// Someone linked; the account is filled in when it is read.
fn person(row: &link::Known) -> KnownPerson {
    KnownPerson {
        user: row.user_id,
        name: 0,
        username: Box::default(),
        // A hash of another length was not made by this program: the record is applied again.
        hash: Hash::try_from(row.content_hash.as_slice()).unwrap_or_default(),
        present: row.present,
        standing: Standing::Free,
    }
}

impl Known {
    /// How many people the last complete run saw.
    pub fn present(&self) -> usize {
        self.people.iter().filter(|person| person.present).count()
    }

    /// How many direct memberships the source's groups hold.
    pub fn memberships(&self) -> u64 {
        self.groups.iter().map(|group| u64::try_from(group.member_count).unwrap_or_default()).sum()
    }
}
