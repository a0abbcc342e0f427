//! What sources state about people, groups and memberships, written in bulk within a run's transaction. Decides nothing.

use super::super::error::Error;
use crate::store::Tx;
use crate::store::establishment::group::{self, Group};
use crate::store::establishment::link::{self, Link};
use crate::store::establishment::membership;
use crate::store::establishment::statement::{self, Statement};
use crate::store::establishment::user::{self, User};
use crate::types::id::{GroupId, SourceId, UserId};
use crate::types::time::Timestamp;

/// Writes people a source states for the first time, with their links.
///
/// # Errors
/// `Conflict` when a user name was taken meanwhile.
pub(in crate::services) async fn add_people_in(tx: &mut Tx, users: &[User], links: &[Link]) -> Result<(), Error> {
    user::insert_all(tx, users).await.map_err(meanwhile)?;
    Ok(link::insert_all(tx, links).await?)
}

/// Writes what a source now states about someone.
///
/// # Errors
/// `Conflict` when the user name was taken meanwhile.
pub(in crate::services) async fn restate_in(tx: &mut Tx, user: &User) -> Result<(), Error> {
    user::update(tx, user).await.map_err(meanwhile)
}

/// Writes where people's entries are and what was last applied of them.
pub(in crate::services) async fn keep_links_in(tx: &mut Tx, links: &[Link]) -> Result<(), Error> {
    Ok(link::upsert_all(tx, links).await?)
}

/// Writes what one of several sources says of someone.
pub(in crate::services) async fn keep_statement_in(tx: &mut Tx, statement: &Statement) -> Result<(), Error> {
    Ok(statement::keep(tx, statement).await?)
}

/// Notes that someone's entry is gone from its source.
pub(in crate::services) async fn mark_gone_in(tx: &mut Tx, source: SourceId, user: UserId, at: Timestamp) -> Result<(), Error> {
    Ok(link::mark_gone(tx, source, user, at).await?)
}

/// Forgets what a source says of someone.
pub(in crate::services) async fn forget_link_in(tx: &mut Tx, source: SourceId, external_id: &str) -> Result<(), Error> {
    Ok(link::delete(tx, source, external_id).await?)
}

/// Has the next reading of every source apply again what it says of someone.
pub(in crate::services) async fn doubt_links_in(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    Ok(link::forget_hashes_of_user(tx, user).await?)
}

/// Makes some groups of a source the establishment's own. Answers how many.
pub(in crate::services) async fn detach_groups_in(tx: &mut Tx, source: SourceId, limit: i64) -> Result<u64, Error> {
    Ok(group::detach(tx, source, limit).await?)
}

/// Removes some groups of a source. Answers how many.
pub(in crate::services) async fn remove_groups_in(tx: &mut Tx, source: SourceId, limit: i64) -> Result<u64, Error> {
    Ok(group::delete_some_of_source(tx, source, limit).await?)
}

/// Gives someone who is gone another user name, so that theirs is free for whom the source gave it to.
pub(in crate::services) async fn release_name_in(tx: &mut Tx, user: UserId, username: &str) -> Result<(), Error> {
    user::set_username(tx, user, username).await.map_err(meanwhile)
}

/// Frees the user name of someone who gets another one in this very run, so that names can be swapped.
pub(in crate::services) async fn park_name_in(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    Ok(user::park_username(tx, user).await?)
}

/// Writes groups, new ones and changed ones.
pub(in crate::services) async fn keep_groups_in(tx: &mut Tx, groups: &[Group]) -> Result<(), Error> {
    Ok(group::upsert_all(tx, groups).await?)
}

/// Removes a group that its source no longer states.
pub(in crate::services) async fn remove_group_in(tx: &mut Tx, group: GroupId) -> Result<(), Error> {
    Ok(group::delete(tx, group).await?)
}

/// Puts people into groups that they are not in.
pub(in crate::services) async fn fill_groups_in(tx: &mut Tx, groups: &[(GroupId, Vec<UserId>)]) -> Result<(), Error> {
    Ok(membership::insert_new(tx, groups).await?)
}

/// Takes people out of a group.
pub(in crate::services) async fn remove_memberships_in(tx: &mut Tx, group: GroupId, users: &[UserId]) -> Result<(), Error> {
    for user in users {
        membership::delete(tx, group, *user).await?;
    }
    Ok(())
}

/// Puts groups into a group and takes others out of it.
pub(in crate::services) async fn change_nestings_in(
    tx: &mut Tx,
    parent: GroupId,
    added: &[GroupId],
    removed: &[GroupId],
) -> Result<(), Error> {
    for child in removed {
        membership::delete_nesting(tx, parent, *child).await?;
    }
    for child in added {
        membership::insert_nesting(tx, parent, *child).await?;
    }
    Ok(())
}

/// The plan looked at every user name before; one that is taken now was taken while the run was under way.
fn meanwhile(error: crate::store::Error) -> Error {
    match error {
        crate::store::Error::Taken(_) => {
            Error::Conflict("a user name was given to someone else while the run was under way: start the run again".to_owned())
        }
        other => other.into(),
    }
}
