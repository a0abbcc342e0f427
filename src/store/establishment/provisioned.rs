//! What each provisioned application has of whom, as far as it was written, and what is still to be written: the queue.

use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;
use utoipa::ToSchema;

use crate::store::dialect::{ROWS_PER_INSERT, like_part};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::fold;
use crate::types::id::{ProvisionedId, ProvisioningId};
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// What it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Kind {
    /// A person's account.
    User,
    /// A group.
    Group,
}

/// How far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum State {
    /// To be looked at: something about it changed.
    Marked,
    /// To be written when it is due.
    Waiting,
    /// Too much would be taken away at once: a person approves it.
    Held,
    /// As it is to be.
    Done,
    /// Not taken; tried again when it is due.
    Failed,
    /// Not taken, however often it was tried; its error tells why.
    GivenUp,
}

/// What is to be done there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Action {
    /// To create it.
    Create,
    /// To change it.
    Update,
    /// To make it inactive.
    Deactivate,
    /// To delete it.
    Delete,
}

impl Action {
    /// Whether it takes something away.
    pub const fn removes(self) -> bool {
        matches!(self, Self::Deactivate | Self::Delete)
    }
}

/// One person's account or one group there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Provisioned {
    /// Key.
    pub id: ProvisionedId,
    /// Of which provisioning.
    #[serde(skip)]
    pub provisioning_id: ProvisioningId,
    /// What it is there.
    pub kind: Kind,
    /// Whom or what it stands for here: a person's or a group's key, `role:NAME`, or `remote:ID` for what only the application knows.
    pub subject: String,
    /// Its name there, as last written.
    pub name: String,
    /// Its identifier there.
    pub remote_id: Option<String>,
    /// Digest of what was last written.
    #[serde(skip)]
    pub written: Option<Vec<u8>>,
    /// Whether it was last written as active.
    pub active: bool,
    /// How far it came.
    pub state: State,
    /// What is to be done there, or was done last.
    pub action: Option<Action>,
    /// Whether a person approved that it is taken away.
    #[serde(skip)]
    pub approved: bool,
    /// How often it was tried since it last changed.
    pub attempts: i64,
    /// When it is tried next.
    pub due_at: Timestamp,
    /// Why it was not taken.
    pub error: Option<String>,
    /// How often it was marked.
    #[serde(skip)]
    pub seq: i64,
    /// When this was last written.
    pub updated_at: Timestamp,
    /// Whether it stood there before and was taken over by its name: then it is never deleted there.
    pub adopted: bool,
    /// When a person approved that it is taken away.
    #[serde(skip)]
    pub approved_at: Option<Timestamp>,
}

/// What a list may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact kind.
    pub kind: Option<String>,
    /// Exact state.
    pub state: Option<String>,
    /// Exact action.
    pub action: Option<String>,
    /// Whom or what it stands for.
    pub subject: Option<String>,
    /// Exact name.
    pub name: Option<String>,
    /// Its identifier there.
    pub remote_id: Option<String>,
}

/// How many there are of a kind in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Tally {
    /// What they are.
    pub kind: Kind,
    /// How far they came.
    pub state: State,
    /// How many.
    pub count: i64,
}

/// Marks some to be looked at: subject and name. Those not known yet are added; a name left empty stays as it was.
pub async fn mark(tx: &mut Tx, of: ProvisioningId, kind: Kind, subjects: &[(String, String)], now: Timestamp) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO provisioned (id, provisioning_id, kind, subject, name, search, active, state, approved, attempts, \
         due_at, seq, updated_at) ";
    const TAIL: &str = " ON CONFLICT (provisioning_id, kind, subject) DO UPDATE SET state = excluded.state, approved = excluded.approved, \
         attempts = 0, due_at = excluded.due_at, seq = provisioned.seq + 1, \
         name = CASE WHEN excluded.name = '' THEN provisioned.name ELSE excluded.name END, \
         search = CASE WHEN excluded.name = '' THEN provisioned.search ELSE excluded.search END";
    for chunk in subjects.chunks(ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut rows = QueryBuilder::new(HEAD);
            rows.push_values(chunk, |mut row, (subject, name)| {
                row.push_bind(ProvisionedId::new()).push_bind(of).push_bind(kind).push_bind(subject).push_bind(name).push_bind(fold(name));
                row.push_bind(false)
                    .push_bind(State::Marked)
                    .push_bind(false)
                    .push_bind(0_i64)
                    .push_bind(now)
                    .push_bind(1_i64)
                    .push_bind(now);
            });
            rows.push(TAIL);
            rows.build().persistent(chunk.len() == ROWS_PER_INSERT).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Marks some by their keys.
pub async fn mark_rows(tx: &mut Tx, of: ProvisioningId, ids: &[ProvisionedId], now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE provisioned SET state = $3, approved = $4, attempts = 0, due_at = $5, seq = seq + 1 \
         WHERE provisioning_id = $1 AND id = $2";
    for id in ids {
        on!(tx, |c| sqlx::query(SQL).bind(of).bind(*id).bind(State::Marked).bind(false).bind(now).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Has some written anew, whatever was last written of them.
pub async fn rewrite(tx: &mut Tx, of: ProvisioningId, kind: Kind, subjects: &[String], now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE provisioned SET written = NULL, state = $4, approved = $5, attempts = 0, due_at = $6, seq = seq + 1 \
         WHERE provisioning_id = $1 AND kind = $2 AND subject = $3";
    for subject in subjects {
        on!(tx, |c| {
            let row = sqlx::query(SQL).bind(of).bind(kind).bind(subject).bind(State::Marked).bind(false).bind(now);
            row.execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Marks all that is known of a provisioning.
pub async fn mark_all(tx: &mut Tx, of: ProvisioningId, now: Timestamp) -> Result<(), Error> {
    const SQL: &str =
        "UPDATE provisioned SET state = $2, approved = $3, attempts = 0, due_at = $4, seq = seq + 1 WHERE provisioning_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(of).bind(State::Marked).bind(false).bind(now).execute(c).await.map(drop))?;
    Ok(())
}

/// Marks what was not taken, to be tried anew. Answers how many.
pub async fn retry(tx: &mut Tx, of: ProvisioningId, now: Timestamp) -> Result<u64, Error> {
    const SQL: &str = "UPDATE provisioned SET state = $2, attempts = 0, due_at = $3, seq = seq + 1 \
         WHERE provisioning_id = $1 AND state IN ($4, $5)";
    Ok(on!(tx, |c| {
        let row = sqlx::query(SQL).bind(of).bind(State::Marked).bind(now).bind(State::Failed).bind(State::GivenUp);
        row.execute(c).await.map(|d| d.rows_affected())
    })?)
}

/// Forgets the row of what only the application knew, once somebody here is known to stand behind it.
pub async fn forget_subject(tx: &mut Tx, of: ProvisioningId, kind: Kind, subject: &str) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM provisioned WHERE provisioning_id = $1 AND kind = $2 AND subject = $3";
    on!(tx, |c| sqlx::query(SQL).bind(of).bind(kind).bind(subject).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets all of a provisioning: at another address, nothing is known of what is there.
pub async fn delete_all(tx: &mut Tx, of: ProvisioningId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM provisioned WHERE provisioning_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(of).execute(c).await.map(drop))?;
    Ok(())
}

/// Those to be looked at.
pub async fn list_marked(tx: &mut Tx, of: ProvisioningId, limit: i64) -> Result<Vec<Provisioned>, Error> {
    const SQL: &str = "SELECT id, provisioning_id, kind, subject, name, remote_id, written, active, state, action, approved, attempts, due_at, \
         error, seq, updated_at, adopted, approved_at FROM provisioned WHERE provisioning_id = $1 AND state = $2 ORDER BY kind DESC, id LIMIT $3";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(of).bind(State::Marked).bind(limit).fetch_all(c).await)?)
}

/// Those of a kind to be written now, those due first before; deletions apart from the rest.
pub async fn list_due(
    tx: &mut Tx,
    of: ProvisioningId,
    (kind, deletes): (Kind, bool),
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Provisioned>, Error> {
    const SQL: &str = "SELECT id, provisioning_id, kind, subject, name, remote_id, written, active, state, action, approved, attempts, due_at, \
         error, seq, updated_at, adopted, approved_at FROM provisioned WHERE provisioning_id = $1 AND kind = $2 AND state IN ($3, $4) AND due_at <= $5 \
         AND (action = $6) = $7 ORDER BY due_at, id LIMIT $8";
    Ok(on!(tx, |c| {
        let row = sqlx::query_as(SQL).bind(of).bind(kind).bind(State::Waiting).bind(State::Failed).bind(now);
        row.bind(Action::Delete).bind(deletes).bind(limit).fetch_all(c).await
    })?)
}

/// Some by whom they stand for.
pub async fn list_by_subjects(tx: &mut Tx, of: ProvisioningId, kind: Kind, subjects: &[String]) -> Result<Vec<Provisioned>, Error> {
    const HEAD: &str = "SELECT id, provisioning_id, kind, subject, name, remote_id, written, active, state, action, approved, attempts, due_at, \
         error, seq, updated_at, adopted, approved_at FROM provisioned WHERE provisioning_id = ";
    listed(tx, HEAD, " AND subject IN (", of, kind, subjects).await
}

/// Some by their identifier there.
pub async fn list_by_remote(tx: &mut Tx, of: ProvisioningId, kind: Kind, ids: &[String]) -> Result<Vec<Provisioned>, Error> {
    const HEAD: &str = "SELECT id, provisioning_id, kind, subject, name, remote_id, written, active, state, action, approved, attempts, due_at, \
         error, seq, updated_at, adopted, approved_at FROM provisioned WHERE provisioning_id = ";
    listed(tx, HEAD, " AND remote_id IN (", of, kind, ids).await
}

async fn listed(
    tx: &mut Tx,
    head: &'static str,
    column: &'static str,
    of: ProvisioningId,
    kind: Kind,
    values: &[String],
) -> Result<Vec<Provisioned>, Error> {
    let mut found = Vec::with_capacity(values.len());
    for chunk in values.chunks(ROWS_PER_INSERT) {
        let rows: Vec<Provisioned> = on!(tx, |c| {
            let mut query = QueryBuilder::new(head);
            query.push_bind(of).push(" AND kind = ").push_bind(kind).push(column);
            let mut keys = query.separated(", ");
            for value in chunk {
                keys.push_bind(value);
            }
            query.push(")");
            query.build_query_as().persistent(chunk.len() == ROWS_PER_INSERT).fetch_all(c).await
        })?;
        found.extend(rows);
    }
    Ok(found)
}

/// Those of a kind after a key, by key.
pub async fn list_after(
    tx: &mut Tx,
    of: ProvisioningId,
    kind: Kind,
    after: Option<ProvisionedId>,
    limit: i64,
) -> Result<Vec<Provisioned>, Error> {
    const SQL: &str = "SELECT id, provisioning_id, kind, subject, name, remote_id, written, active, state, action, approved, attempts, due_at, \
         error, seq, updated_at, adopted, approved_at FROM provisioned WHERE provisioning_id = $1 AND kind = $2 AND ($3 IS NULL OR id > $3) ORDER BY id LIMIT $4";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(of).bind(kind).bind(after).bind(limit).fetch_all(c).await)?)
}

/// Writes what became of one. Marked anew meanwhile, it stays marked.
pub async fn settle(tx: &mut Tx, p: &Provisioned) -> Result<(), Error> {
    const SQL: &str = "UPDATE provisioned SET remote_id = $2, written = $3, active = $4, name = $5, updated_at = $6, search = $13, adopted = $14, \
         state = CASE WHEN seq = $7 THEN $8 ELSE state END, action = CASE WHEN seq = $7 THEN $9 ELSE action END, \
         attempts = CASE WHEN seq = $7 THEN $10 ELSE attempts END, due_at = CASE WHEN seq = $7 THEN $11 ELSE due_at END, \
         error = CASE WHEN seq = $7 THEN $12 ELSE error END WHERE id = $1";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(p.id).bind(&p.remote_id).bind(&p.written).bind(p.active).bind(&p.name).bind(p.updated_at);
        let row = row.bind(p.seq).bind(p.state).bind(p.action).bind(p.attempts).bind(p.due_at).bind(&p.error);
        row.bind(fold(&p.name)).bind(p.adopted).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Forgets one, unless it was marked anew meanwhile: then it is known as something that is not there.
pub async fn forget(tx: &mut Tx, p: &Provisioned) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM provisioned WHERE id = $1 AND seq = $2";
    const ANEW: &str = "UPDATE provisioned SET remote_id = NULL, written = NULL, active = $2, adopted = $2 WHERE id = $1";
    let gone = on!(tx, |c| sqlx::query(SQL).bind(p.id).bind(p.seq).execute(c).await.map(|d| d.rows_affected()))?;
    if gone == 0 {
        on!(tx, |c| sqlx::query(ANEW).bind(p.id).bind(false).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// When the next one is to be written; none when nothing waits.
pub async fn next_due(tx: &mut Tx, of: ProvisioningId) -> Result<Option<Timestamp>, Error> {
    const SQL: &str = "SELECT min(due_at) FROM provisioned WHERE provisioning_id = $1 AND state IN ($2, $3, $4)";
    let states = (State::Marked, State::Waiting, State::Failed);
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(of).bind(states.0).bind(states.1).bind(states.2).fetch_one(c).await)?)
}

/// How many there are of each kind in each state.
pub async fn tally(tx: &mut Tx, of: ProvisioningId) -> Result<Vec<Tally>, Error> {
    const SQL: &str =
        "SELECT kind, state, count(*) AS count FROM provisioned WHERE provisioning_id = $1 GROUP BY kind, state ORDER BY kind, state";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(of).fetch_all(c).await)?)
}

/// A page of them, oldest first.
pub async fn list(tx: &mut Tx, of: ProvisioningId, page: &PageRequest, f: &Filter) -> Result<Page<Provisioned>, Error> {
    const SQL: &str = "SELECT id, provisioning_id, kind, subject, name, remote_id, written, active, state, action, approved, attempts, due_at, \
         error, seq, updated_at, adopted, approved_at FROM provisioned WHERE provisioning_id = $1 AND ($2 IS NULL OR id > $2) \
         AND ($3 IS NULL OR search LIKE $3 ESCAPE '\\') AND ($4 IS NULL OR kind = $4) AND ($5 IS NULL OR state = $5) \
         AND ($6 IS NULL OR action = $6) AND ($7 IS NULL OR subject = $7) AND ($8 IS NULL OR name = $8) \
         AND ($9 IS NULL OR remote_id = $9) ORDER BY id LIMIT $10";
    const COUNT: &str = "SELECT count(*) FROM provisioned WHERE provisioning_id = $1 AND ($2 IS NULL OR search LIKE $2 ESCAPE '\\') \
         AND ($3 IS NULL OR kind = $3) AND ($4 IS NULL OR state = $4) AND ($5 IS NULL OR action = $5) \
         AND ($6 IS NULL OR subject = $6) AND ($7 IS NULL OR name = $7) AND ($8 IS NULL OR remote_id = $8)";
    let words = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(of).bind(page.after).bind(&words).bind(&f.kind).bind(&f.state).bind(&f.action);
        listed.bind(&f.subject).bind(&f.name).bind(&f.remote_id).bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(of).bind(&words).bind(&f.kind).bind(&f.state).bind(&f.action);
        counted.bind(&f.subject).bind(&f.name).bind(&f.remote_id).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |p: &Provisioned| p.id.uuid()))
}
