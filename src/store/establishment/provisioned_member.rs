//! Who is to be in which group of an application, and who was written into it.

use sqlx::QueryBuilder;

use crate::store::dialect::ROWS_PER_INSERT;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{ProvisionedId, ProvisioningId, UserId};

/// One person in one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub struct ProvisionedMember {
    /// The group's row.
    pub provisioned_id: ProvisionedId,
    /// The person.
    pub user_id: UserId,
    /// Whether they are to be in it.
    pub wanted: bool,
    /// Whether they were written into it.
    pub written: bool,
}

/// What is known of some people in the groups of one application.
pub async fn list_of_users(tx: &mut Tx, of: ProvisioningId, users: &[UserId]) -> Result<Vec<ProvisionedMember>, Error> {
    const HEAD: &str = "SELECT m.provisioned_id, m.user_id, m.wanted, m.written FROM provisioned_members m \
         JOIN provisioned p ON p.id = m.provisioned_id WHERE p.provisioning_id = ";
    let mut found = Vec::new();
    for chunk in users.chunks(ROWS_PER_INSERT) {
        let rows: Vec<ProvisionedMember> = on!(tx, |c| {
            let mut query = QueryBuilder::new(HEAD);
            query.push_bind(of).push(" AND m.user_id IN (");
            let mut keys = query.separated(", ");
            for user in chunk {
                keys.push_bind(*user);
            }
            query.push(") ORDER BY m.provisioned_id, m.user_id");
            query.build_query_as().persistent(chunk.len() == ROWS_PER_INSERT).fetch_all(c).await
        })?;
        found.extend(rows);
    }
    Ok(found)
}

/// Those of a group whose membership is to be written: to be added or taken out, after a person, by person.
pub async fn list_unwritten(
    tx: &mut Tx,
    group: ProvisionedId,
    wanted: bool,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<UserId>, Error> {
    const SQL: &str = "SELECT user_id FROM provisioned_members WHERE provisioned_id = $1 AND wanted = $2 AND written <> $2 \
         AND ($3 IS NULL OR user_id > $3) ORDER BY user_id LIMIT $4";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(group).bind(wanted).bind(after).bind(limit).fetch_all(c).await)?)
}

/// Those who are to be in a group, after a person, by person.
pub async fn list_wanted(tx: &mut Tx, group: ProvisionedId, after: Option<UserId>, limit: i64) -> Result<Vec<UserId>, Error> {
    const SQL: &str = "SELECT user_id FROM provisioned_members WHERE provisioned_id = $1 AND wanted = $2 \
         AND ($3 IS NULL OR user_id > $3) ORDER BY user_id LIMIT $4";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(group).bind(true).bind(after).bind(limit).fetch_all(c).await)?)
}

/// How many are to be in a group, and how many have yet to be added or taken out.
pub async fn count(tx: &mut Tx, group: ProvisionedId) -> Result<(i64, i64), Error> {
    const WANTED: &str = "SELECT count(*) FROM provisioned_members WHERE provisioned_id = $1 AND wanted = $2";
    const UNWRITTEN: &str = "SELECT count(*) FROM provisioned_members WHERE provisioned_id = $1 AND wanted <> written";
    let wanted = on!(tx, |c| sqlx::query_scalar(WANTED).bind(group).bind(true).fetch_one(c).await)?;
    Ok((wanted, on!(tx, |c| sqlx::query_scalar(UNWRITTEN).bind(group).fetch_one(c).await)?))
}

/// Notes who is to be in groups and who was written into them.
pub async fn put(tx: &mut Tx, members: &[ProvisionedMember]) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO provisioned_members (provisioned_id, user_id, wanted, written) ";
    const TAIL: &str = " ON CONFLICT (provisioned_id, user_id) DO UPDATE SET wanted = excluded.wanted, written = excluded.written";
    for chunk in members.chunks(ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut rows = QueryBuilder::new(HEAD);
            rows.push_values(chunk, |mut row, m| {
                row.push_bind(m.provisioned_id).push_bind(m.user_id).push_bind(m.wanted).push_bind(m.written);
            });
            rows.push(TAIL);
            rows.build().persistent(chunk.len() == ROWS_PER_INSERT).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Notes that people were written into a group, or taken out of it: then nothing is left of them there.
pub async fn settle(tx: &mut Tx, group: ProvisionedId, written: bool, users: &[UserId]) -> Result<(), Error> {
    const IN: &str = "UPDATE provisioned_members SET written = $3 WHERE provisioned_id = $1 AND user_id = $2";
    const GONE: &str = "DELETE FROM provisioned_members WHERE provisioned_id = $1 AND user_id = $2 AND wanted = $3";
    for user in users {
        on!(tx, |c| sqlx::query(IN).bind(group).bind(*user).bind(written).execute(c).await.map(drop))?;
        if !written {
            on!(tx, |c| sqlx::query(GONE).bind(group).bind(*user).bind(false).execute(c).await.map(drop))?;
        }
    }
    Ok(())
}

/// Notes that nobody is to be in a group any more.
pub async fn want_nobody(tx: &mut Tx, group: ProvisionedId) -> Result<(), Error> {
    const SQL: &str = "UPDATE provisioned_members SET wanted = $2 WHERE provisioned_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(group).bind(false).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets what was written into a group: it is looked up anew.
pub async fn forget_written(tx: &mut Tx, group: ProvisionedId) -> Result<(), Error> {
    const GONE: &str = "DELETE FROM provisioned_members WHERE provisioned_id = $1 AND wanted = $2";
    const SQL: &str = "UPDATE provisioned_members SET written = $2 WHERE provisioned_id = $1";
    on!(tx, |c| sqlx::query(GONE).bind(group).bind(false).execute(c).await.map(drop))?;
    on!(tx, |c| sqlx::query(SQL).bind(group).bind(false).execute(c).await.map(drop))?;
    Ok(())
}

/// Notes that people are in no group there: whoever is to be in one is written anew.
pub async fn unwrite_users(tx: &mut Tx, of: ProvisioningId, users: &[UserId]) -> Result<(), Error> {
    const SQL: &str = "UPDATE provisioned_members SET written = $3 WHERE user_id = $2 \
         AND provisioned_id IN (SELECT id FROM provisioned WHERE provisioning_id = $1)";
    for user in users {
        on!(tx, |c| sqlx::query(SQL).bind(of).bind(*user).bind(false).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Forgets someone who is there no more.
pub async fn forget_user(tx: &mut Tx, of: ProvisioningId, user: UserId) -> Result<(), Error> {
    const SQL: &str =
        "DELETE FROM provisioned_members WHERE user_id = $2 AND provisioned_id IN (SELECT id FROM provisioned WHERE provisioning_id = $1)";
    on!(tx, |c| sqlx::query(SQL).bind(of).bind(user).execute(c).await.map(drop))?;
    Ok(())
}
