//! People who are new to everyone: those of one turn are written together, before anything that could ask for them.

use std::collections::HashSet;

use super::super::super::users::facts;
use super::super::error::ScimError;
use super::super::feeds::Feed;
use super::{Batch, Named};
use crate::store::Tx;
use crate::store::establishment::link::Link;
use crate::store::establishment::scim_held;
use crate::store::establishment::scim_resource::{self, IndexedValue, Resource};
use crate::store::establishment::user::User;
use crate::types::fold_case;
use crate::types::id::SourceId;

/// Someone new, with what their feed says.
#[derive(Debug)]
pub struct Fresh {
    /// The person.
    pub user: User,
    /// That the feed states them.
    pub link: Link,
    /// What it states.
    pub resource: Resource,
    /// The same for filters.
    pub values: Vec<IndexedValue>,
}

/// Those who are not written yet, and what they are called.
#[derive(Debug, Default)]
pub struct Coming {
    people: Vec<Fresh>,
    called: HashSet<(Option<SourceId>, String)>,
}

impl Batch {
    /// Has someone written with the others.
    pub(super) fn bring(&mut self, one: Fresh) {
        self.writes();
        let source = one.resource.source_id;
        self.coming.called.insert((None, fold_case(&one.user.username)));
        self.coming.called.insert((Some(source), fold_case(&one.resource.name)));
        self.coming.called.extend(one.resource.external_id.iter().map(|id| (Some(source), format!("\0{id}"))));
        self.coming.people.push(one);
    }

    /// Writes those who may be in the way of someone who comes: who is called alike, or, where a feed matches, anyone.
    pub(super) async fn make_room_in(&mut self, tx: &mut Tx, feed: &Feed, named: &Named, username: &str) -> Result<(), ScimError> {
        let source = feed.source.id;
        let matches = feed.source.matching.as_ref().is_some_and(crate::types::matching::Matching::looks);
        let called = &self.coming.called;
        let alike = called.contains(&(None, fold_case(username)))
            || called.contains(&(Some(source), fold_case(&named.name)))
            || named.external_id.as_ref().is_some_and(|id| called.contains(&(Some(source), format!("\0{id}"))));
        if matches || alike { self.bring_in(tx).await } else { Ok(()) }
    }

    /// Writes everyone who is new.
    pub(super) async fn bring_in(&mut self, tx: &mut Tx) -> Result<(), ScimError> {
        let Coming { people, .. } = std::mem::take(&mut self.coming);
        if people.is_empty() {
            return Ok(());
        }
        let (mut users, mut links, mut resources) = (Vec::new(), Vec::new(), Vec::new());
        for Fresh { user, link, resource, values } in people {
            users.push(user);
            links.push(link);
            resources.push((resource, values));
        }
        facts::add_people_in(tx, &users, &links).await?;
        let rows: Vec<(&Resource, &[IndexedValue])> = resources.iter().map(|(resource, values)| (resource, values.as_slice())).collect();
        scim_resource::insert_all(tx, &rows).await?;
        Ok(())
    }

    /// Whether anything of a feed waits for a person: asked once a turn.
    pub async fn anything_waits_in(&mut self, tx: &mut Tx, source: SourceId) -> Result<bool, ScimError> {
        if let Some(known) = self.waiting.get(&source) {
            return Ok(*known || self.waits.iter().any(|wait| wait.held.source_id == source));
        }
        let waits = scim_held::count_open(tx, source).await? > 0;
        self.waiting.insert(source, waits);
        Ok(waits)
    }
}
