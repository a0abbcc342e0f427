//! People whom several sources state: what the others say of them, read beside a run, and what comes of it all.

use std::collections::HashMap;

use super::super::error::Error;
use super::super::users::facts;
use super::matching::authority::{Others, Voice, Word, merged};
use super::reconcile::KnownPerson;
use crate::store::Tx;
use crate::store::establishment::link;
use crate::store::establishment::source;
use crate::store::establishment::statement::{self, Shared, Stated, Statement};
use crate::store::establishment::user::User;
use crate::types::id::{SourceId, UserId};
use crate::types::matching::Matching;

/// What is declared of every source.
#[derive(Debug, Default)]
pub struct Declared {
    of: HashMap<SourceId, Matching>,
    nothing: Matching,
}

impl Declared {
    /// Reads it.
    pub async fn load(tx: &mut Tx) -> Result<Self, Error> {
        let of = source::list(tx).await?.into_iter().map(|source| (source.id, source.matching.unwrap_or_default())).collect();
        Ok(Self { of, nothing: Matching::default() })
    }

    fn of(&self, source: SourceId) -> &Matching {
        self.of.get(&source).unwrap_or(&self.nothing)
    }

    /// What the others' words make of a source's.
    pub fn others(&self, source: SourceId, rows: &[Shared]) -> Others {
        let words: Vec<(SourceId, &Matching, Word)> =
            rows.iter().map(|row| (row.source_id, self.of(row.source_id), Word::of(row.present, row.active))).collect();
        Others::of((source, self.of(source)), &words)
    }
}

/// Notes of a source's people what other sources say of them.
pub async fn mark(tx: &mut Tx, source: SourceId, people: &mut [KnownPerson], rows: &[Shared]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let declared = Declared::load(tx).await?;
    let of: HashMap<UserId, &[Shared]> =
        rows.chunk_by(|a, b| a.user_id == b.user_id).filter_map(|rows| Some((rows.first()?.user_id, rows))).collect();
    for person in people {
        if let Some(rows) = of.get(&person.user) {
            person.others = declared.others(source, rows);
        }
    }
    Ok(())
}

/// How people stand in every other source that states or stated them, whether it is noted already that they are shared or not.
pub async fn elsewhere(tx: &mut Tx, source: SourceId, users: &[UserId]) -> Result<HashMap<UserId, Vec<Shared>>, Error> {
    let mut found: HashMap<UserId, Vec<Shared>> = HashMap::new();
    for (user, link) in link::list_named_of_users(tx, users).await? {
        if link.source_id != source {
            let row = Shared { user_id: user, source_id: link.source_id, present: link.present, active: link.active };
            found.entry(user).or_default().push(row);
        }
    }
    Ok(found)
}

/// What all sources say of some people.
#[derive(Debug, Default)]
pub struct Voices {
    declared: Declared,
    said: HashMap<UserId, Vec<Statement>>,
    /// Those of people whom one source alone stated until now: to be written when another does.
    first: HashMap<UserId, Statement>,
}

impl Voices {
    /// Reads it. Someone whom one source stated so far has their own row for what it says.
    pub async fn load(tx: &mut Tx, source: SourceId, users: &[&User]) -> Result<Self, Error> {
        if users.is_empty() {
            return Ok(Self::default());
        }
        let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
        let mut said: HashMap<UserId, Vec<Statement>> = HashMap::new();
        for one in statement::list_of_users(tx, &ids).await? {
            said.entry(one.user_id).or_default().push(one);
        }
        let rows: HashMap<UserId, &User> = users.iter().map(|user| (user.id, *user)).collect();
        let mut first = HashMap::new();
        let mut links = link::list_named_of_users(tx, &ids).await?;
        links.retain(|(_, link)| link.source_id != source);
        for of_one in links.chunk_by(|a, b| a.0 == b.0) {
            let [(id, link)] = of_one else { continue };
            let shared = said.get(id).is_some_and(|known| known.iter().any(|one| one.source_id == source));
            if let Some(user) = rows.get(id).filter(|_| !shared) {
                let stated = Stated::of(user);
                let (source_id, external_id) = (link.source_id, link.external_id.clone());
                let only = Statement { source_id, external_id, user_id: *id, stated, present: link.present };
                said.insert(*id, vec![only.clone()]);
                first.insert(*id, only);
            }
        }
        Ok(Self { declared: Declared::load(tx).await?, said, first })
    }

    /// The person when a source states this. Nothing but that, where no other source speaks.
    pub fn with(&self, user: UserId, source: SourceId, stated: &Stated) -> Stated {
        let mut voices = self.others(user, source);
        voices.push(Voice { source, declared: self.declared.of(source), stated });
        merged(&voices).unwrap_or_else(|| stated.clone())
    }

    /// The person when a source states them no more; none when no other does.
    pub fn without(&self, user: UserId, source: SourceId) -> Option<Stated> {
        merged(&self.others(user, source))
    }

    fn others(&self, user: UserId, source: SourceId) -> Vec<Voice<'_>> {
        let said = self.said.get(&user).into_iter().flatten().filter(|one| one.present && one.source_id != source);
        said.map(|one| Voice { source: one.source_id, declared: self.declared.of(one.source_id), stated: &one.stated }).collect()
    }

    /// Writes what a source says of people who are shared, and what the other says of those who were not until now.
    pub async fn keep_in(&self, tx: &mut Tx, ours: &[Statement]) -> Result<(), Error> {
        for one in ours {
            if let Some(first) = self.first.get(&one.user_id) {
                facts::keep_statement_in(tx, first).await?;
            }
            facts::keep_statement_in(tx, one).await?;
        }
        Ok(())
    }
}
