//! What the store holds of a source before a run, as compactly as comparing needs it.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::super::context::Context;
use super::super::error::Error;
use super::digest::{self, Digest, Hash, Kind};
use super::matching::authority::Others;
use super::reconcile::{KnownPerson, Standing};
use super::voices;
use crate::store::establishment::group::{self, Group};
use crate::store::establishment::{link, statement, user};
use crate::store::{Store, Tx};
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

/// Reads it: links and accounts beside each other, each in bounded steps in the order they lie.
pub async fn load(ctx: &Context, source: SourceId) -> Result<Known, Error> {
    let broken = |ended: tokio::task::JoinError| Error::Internal(format!("reading what is known broke off: {ended}"));
    let linked = tokio::spawn(links(ctx.store.clone(), source));
    let accounts = tokio::spawn(accounts(ctx.store.clone()));
    let (mut known, by_user) = linked.await.map_err(broken)??;
    for account in accounts.await.map_err(broken)?? {
        match by_user.get(&account.user).and_then(|at| known.people.get_mut(*at)) {
            Some(person) => {
                person.name = account.name;
                person.username = account.username;
                person.standing = account.standing;
            }
            None => {
                known.others.insert(account.name);
            }
        }
    }
    let mut tx = ctx.store.read().await?;
    known.take_groups(group::list_of_source(&mut tx, source).await?);
    let rows = statement::list_shared(&mut tx, source).await?;
    voices::mark(&mut tx, source, &mut known.people, &rows).await?;
    Ok(known)
}

/// Reads what is known of some entries only, by their keys.
pub async fn load_some(tx: &mut Tx, source: SourceId, people: &[String], groups: &[String]) -> Result<Known, Error> {
    let mut known = Known::default();
    let links = link::list_known_by_keys(tx, source, people).await?;
    let ids: Vec<UserId> = links.iter().map(|row| row.user_id).collect();
    let accounts: HashMap<UserId, user::Account> = user::list_accounts(tx, &ids).await?.into_iter().map(|row| (row.id, row)).collect();
    for row in &links {
        known.people_by_key.insert(digest::of(Kind::Key, &row.external_id), known.people.len());
        let mut one = person(row);
        if let Some(account) = accounts.get(&row.user_id) {
            one.fill(account);
        }
        known.people.push(one);
    }
    known.take_groups(group::list_by_keys(tx, source, groups).await?);
    let rows = statement::list_shared_of_users(tx, source, &ids).await?;
    voices::mark(tx, source, &mut known.people, &rows).await?;
    Ok(known)
}

async fn links(store: Store, source: SourceId) -> Result<(Known, HashMap<UserId, usize>), Error> {
    let mut tx = store.read().await?;
    let (mut known, mut by_user) = (Known::default(), HashMap::new());
    let mut after = String::new();
    loop {
        let rows = link::list_known_after(&mut tx, source, &after, ROWS_AT_ONCE).await?;
        let Some(last) = rows.last() else { return Ok((known, by_user)) };
        last.external_id.clone_into(&mut after);
        for row in rows {
            known.people_by_key.insert(digest::of(Kind::Key, &row.external_id), known.people.len());
            by_user.insert(row.user_id, known.people.len());
            known.people.push(person(&row));
        }
    }
}

/// What an account adds to a link.
struct Account {
    user: UserId,
    name: Digest,
    username: Box<str>,
    standing: Standing,
}

async fn accounts(store: Store) -> Result<Vec<Account>, Error> {
    let mut tx = store.read().await?;
    let mut read = Vec::new();
    let mut after = UserId::from(Uuid::nil());
    loop {
        let rows = user::list_accounts_after(&mut tx, after, ROWS_AT_ONCE).await?;
        let Some(last) = rows.last() else { return Ok(read) };
        after = last.id;
        read.extend(rows.into_iter().map(|row| Account {
            user: row.id,
            name: digest::of(Kind::Username, &row.username_folded),
            username: row.username_folded.into(),
            standing: Standing::of(row.status, row.disabled_by),
        }));
    }
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
        others: Others::NONE,
    }
}

impl KnownPerson {
    fn fill(&mut self, account: &user::Account) {
        self.name = digest::of(Kind::Username, &account.username_folded);
        self.username = account.username_folded.as_str().into();
        self.standing = Standing::of(account.status, account.disabled_by);
    }
}

impl Known {
    fn take_groups(&mut self, groups: Vec<Group>) {
        let keys = groups.iter().enumerate();
        self.groups_by_key = keys.filter_map(|(at, group)| Some((digest::of(Kind::Key, group.external_id.as_deref()?), at))).collect();
        self.groups = groups;
    }

    /// Adds a group unless it is known already. Answers where it is.
    pub fn take_group(&mut self, group: Group) -> usize {
        if let Some(at) = self.groups.iter().position(|known| known.id == group.id) {
            return at;
        }
        if let Some(key) = group.external_id.as_deref() {
            self.groups_by_key.insert(digest::of(Kind::Key, key), self.groups.len());
        }
        self.groups.push(group);
        self.groups.len() - 1
    }

    /// Looks who has the names that a few entries state. Whoever the source stated before and no longer does gives theirs up; of everyone else
    /// only the name counts.
    pub async fn look_up_names(&mut self, tx: &mut Tx, source: SourceId, names: &[String]) -> Result<(), Error> {
        let here: HashSet<UserId> = self.people.iter().map(|person| person.user).collect();
        let holders: Vec<user::Account> =
            user::list_accounts_named(tx, names).await?.into_iter().filter(|account| !here.contains(&account.id)).collect();
        let ids: Vec<UserId> = holders.iter().map(|account| account.id).collect();
        let gone = link::list_of_users_from(tx, source, &ids).await?.into_iter().filter(|link| !link.present);
        let gone: HashMap<UserId, link::Link> = gone.map(|link| (link.user_id, link)).collect();
        for account in holders {
            let Some(link) = gone.get(&account.id) else {
                self.others.insert(digest::of(Kind::Username, &account.username_folded));
                continue;
            };
            let row = link::Known {
                external_id: link.external_id.clone(),
                user_id: link.user_id,
                content_hash: link.content_hash.clone(),
                present: false,
            };
            let mut one = person(&row);
            one.fill(&account);
            self.people_by_key.insert(digest::of(Kind::Key, &row.external_id), self.people.len());
            self.people.push(one);
        }
        Ok(())
    }

    /// How many people the last complete run saw.
    pub fn present(&self) -> usize {
        self.people.iter().filter(|person| person.present).count()
    }

    /// How many direct memberships the source's groups hold.
    pub fn memberships(&self) -> u64 {
        self.groups.iter().map(|group| u64::try_from(group.member_count).unwrap_or_default()).sum()
    }
}
